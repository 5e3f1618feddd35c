"""The days of many points for a report: from their rows where those hold, from readings where not.

A row of `room_day` is taken where the ledger vouches for the day, and where floors and exempt time in it are those of
now. What differs is worked out anew, from the readings of those points on that day: where a floor, a season or an
outage was changed since, where an outage takes a part of the day, where a sweep has not been yet. So the figures are
the same whatever they are made of. Only where the readings are no longer kept do they stay as they were worked out
then, by the floors that were in force, which are shown with them.

Memory holds the rows of a week or so of a city at a time, and the figures of the days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from dashboards.reports.rolled import StoredDay, relied_on, stored_days
from heating.ledger.port import Ledger
from heating.point_day import PointDay, Stretch, full_hours, point_day
from heating.reading import Bools, Floats, Ints
from heating.rolled_up import DayBasis, RolledUp
from heating.store.port import ReadingStore

# Rows that are read at a time.
_ROWS = 120_000


@dataclass(frozen=True, slots=True)
class DayRule:
    """How one day of P points is judged: its stretches, and the floors by day and by night, float64 (P,) [°C]."""

    day: date
    stretches: tuple[Stretch, ...]
    floor_day_c: Floats
    floor_night_c: Floats

    @property
    def bounds(self) -> tuple[int, int]:
        """Beginning and end of the day [ms]."""
        return self.stretches[0].start_ms, self.stretches[-1].end_ms

    @property
    def exempt_ms(self) -> Ints:
        """Exempt time of each point, int64 (P,)."""
        total = np.zeros(len(self.floor_day_c), dtype=np.int64)
        for stretch in self.stretches:
            total += stretch.exempt * (stretch.end_ms - stretch.start_ms)
        return total

    def of(self, which: Ints) -> DayRule:
        """Return it for some points."""
        stretches = tuple(replace(s, floor_c=s.floor_c[which], exempt=s.exempt[which]) for s in self.stretches)
        return DayRule(self.day, stretches, self.floor_day_c[which], self.floor_night_c[which])


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day of P points, with the floors that it was judged by; `kept` bool (P,): by those of then."""

    rule: DayRule
    figures: PointDay
    kept: Bools


class DaysLoader:
    """Loads the days of some points."""

    def __init__(
        self, store: ReadingStore, ledger: Ledger, points: Sequence[str], hours: Sequence[int], basis: DayBasis
    ) -> None:
        self._store = store
        self._points = tuple(points)
        self._hours = list(hours)
        self._basis = basis
        self._zone = ZoneInfo(basis.zone)
        self._rolled_up = relied_on(ledger)

    def load(self, rules: Sequence[DayRule], *, some: bool) -> Iterator[DayFigures]:
        """Yield consecutive days; `some` says that the points are few among those of the store."""
        step = max(1, _ROWS // len(self._points))
        index = {point: place for place, point in enumerate(self._points)}
        for begin in range(0, len(rules), step):
            part = rules[begin : begin + step]
            if self._rolled_up is None:
                yield from (self._from_readings(rule) for rule in part)
                continue
            only = self._points if some else None
            stored = stored_days(self._store, [rule.day for rule in part], self._zone, index, only=only)
            yield from (self._day(rule, row, self._rolled_up) for rule, row in zip(part, stored, strict=True))

    def _day(self, rule: DayRule, stored: StoredDay, rolled_up: RolledUp) -> DayFigures:
        """Take what holds of the rows, the rest from readings, and from rows again where there are none."""
        figures = replace(stored.figures, at_hours=stored.figures.at_hours[:, self._hours])
        trusted = self._vouched(rule, rolled_up) & _same_rule(rule, stored)
        exempt = np.where(stored.there & ~trusted, stored.figures.exempt_ms, rule.exempt_ms)
        figures = replace(figures, exempt_ms=exempt)
        kept = np.zeros(len(self._points), dtype=np.bool_)
        anew = np.flatnonzero(~trusted)
        if len(anew):
            found = self._work_out(rule.of(anew), anew)
            # A reading once counted is missing only where it is no longer kept.
            gone = found.n < stored.figures.n[anew]
            kept[anew[gone]] = True
            figures = figures.with_points(anew[~gone], found.of(np.flatnonzero(~gone)))
        floors = (
            np.where(kept, stored.floor_day_c, rule.floor_day_c),
            np.where(kept, stored.floor_night_c, rule.floor_night_c),
        )
        return DayFigures(replace(rule, floor_day_c=floors[0], floor_night_c=floors[1]), figures, kept)

    def _vouched(self, rule: DayRule, rolled_up: RolledUp) -> Bools:
        """Tell of which points the ledger says that the rows of a day are complete, bool (P,)."""
        doubtful = rolled_up.doubtful(*rule.bounds) if rolled_up.basis == self._basis else None
        if doubtful is None:
            return np.zeros(len(self._points), dtype=np.bool_)
        return np.array([point not in doubtful for point in self._points], dtype=np.bool_)

    def _from_readings(self, rule: DayRule) -> DayFigures:
        everyone = np.arange(len(self._points))
        return DayFigures(rule, self._work_out(rule, everyone), np.zeros(len(everyone), dtype=np.bool_))

    def _work_out(self, rule: DayRule, which: Ints) -> PointDay:
        """Work out the day of the points at indices `which` from their readings."""
        start_ms, end_ms = rule.bounds
        hold_ms = self._basis.hold_ms
        series = self._store.series([self._points[p] for p in which.tolist()], start_ms - hold_ms, end_ms)
        return point_day(series, full_hours(rule.day, self._zone)[self._hours], rule.stretches, hold_ms)


def _same_rule(rule: DayRule, stored: StoredDay) -> Bools:
    """Tell whose row was written by the rule of now, bool (P,); one that a part of the day is exempt is not trusted.

    The same time exempt may be other hours of the day.
    """
    start_ms, end_ms = rule.bounds
    exempt = rule.exempt_ms
    whole = (exempt == 0) | (exempt == end_ms - start_ms)
    floors = _same(stored.floor_day_c, rule.floor_day_c) & _same(stored.floor_night_c, rule.floor_night_c)
    written = floors & (stored.figures.exempt_ms == exempt)
    return np.asarray(whole & (written | ~stored.there))


def _same(one: Floats, other: Floats) -> Bools:
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))
