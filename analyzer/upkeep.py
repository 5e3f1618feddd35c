"""Keeps the rows of hours and days complete: what ended, what came late, and what is missing from before.

::

    from                       gap                  through   now
     |----------------------|/////////|----------------|........|
                             filled a                   written from memory
                             step a sweep               when an hour ends

What is complete is said by `RolledUp`, which the ledger keeps with the seq reached; rows are written before it and can
be written again. The hour that ends is written from memory. What memory does not hold becomes a gap: after a long
absence, for readings that came for days that are over, at the first start on a store that has readings. Gaps are filled
in bounded steps, the newest first, so that a sweep stays short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import msgspec
import numpy as np

from analyzer.analysis import Rules
from analyzer.compliance import Rule, selected
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.floors import DayWindows
from analyzer.hours import days_ending, room_days, room_hours
from analyzer.loading import LOOKBACK_MS
from analyzer.rollup import part_of
from analyzer.window import Arrivals, empty_series, merged
from heating.ledger.port import Change
from heating.measurement import RollUp
from heating.point_day import day_bounds, local_day
from heating.reading import Ints, KindCode, ReadingSeries
from heating.rolled_up import HOUR_MS, DayBasis, Gap, RolledUp
from heating.store.port import ReadingStore

# Rows of hours that a sweep fills at most: six hours of a city of 16 000 points.
STEP_ROWS = 96_000
# How far back hours and days are worked out where nobody did: longer than a report can be.
LONGEST_MS = 400 * 24 * HOUR_MS
_DAY_MS = 24 * HOUR_MS
# Values that are written at a time: more of them a busy InfluxDB does not store before its own patience ends.
_WRITE_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a sweep has in memory: readings from the base of each point on (int64 (P,) [ms]), and the rule of now."""

    rooms: ReadingSeries
    base_ms: Ints
    rule: Rule
    now_ms: int

    def whole_from(self, which: Ints) -> int:
        """Return the instant [ms] from which all readings of some points are there: news are not read further back."""
        return max(self.now_ms - LOOKBACK_MS, int(self.base_ms[which].max(initial=-FOREVER)))


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Readings of a gap that is being filled, up to where it is."""

    points: tuple[str, ...]
    until_ms: int
    series: ReadingSeries


class Upkeep:
    """Writes hours and days of one estate; remembers only what it read of the gap that it is in."""

    def __init__(self, estate: Estate, rules: Rules, store: ReadingStore) -> None:
        self._estate = estate
        self._store = store
        self._zone = rules.zone
        self._profile = rules.enterprise
        self._stale_ms = rules.settings.stale_ms
        self._basis = DayBasis.of(rules.enterprise, rules.zone, self._stale_ms)
        self._loaded: _Loaded | None = None

    def begin(self, known: RolledUp | None, changes: Sequence[Change], now_ms: int, *, forgotten: bool) -> RolledUp:
        """Return what is complete at a cold start.

        Which of the readings of `changes` are new is not known then: all hours and days from their oldest one on are
        written again, and all there are where changes were `forgotten`.
        """
        if known is None:
            start = self._day_start(max(_oldest(self._store, now_ms), now_ms - LONGEST_MS))
            return RolledUp(self._basis, start, start // HOUR_MS * HOUR_MS)
        whole = Gap(known.from_ms, known.through_ms)
        if known.basis != self._basis:
            # What is not in the store any more stays as it was worked out then.
            oldest = self._day_start(_oldest(self._store, now_ms) + _DAY_MS)
            known = msgspec.structs.replace(known, basis=self._basis)
            known = known.with_gaps([Gap(max(oldest, whole.start_ms), whole.end_ms)])
        known = self._longer(known, changes, now_ms)
        if forgotten:
            return known.with_gaps([whole])
        return known.with_gaps(Gap(*self._touched(change)) for change in changes)

    def news(self, known: RolledUp, changes: Sequence[Change], rooms: ReadingSeries, now_ms: int) -> RolledUp:
        """Return what is complete after changes; `rooms` is what was known before them.

        Which points have late readings a change says itself; so do they count that were in memory already, as after a
        kill between store and ledger. Readings before all that memory looks at may also be of points that had been
        silent since.
        """
        known = self._longer(known, changes, now_ms)
        deepest = now_ms - LOOKBACK_MS
        reaching_back = any(change.oldest_ms < deepest for change in changes)
        woken = self._woken(_newest(rooms), deepest) if reaching_back else set()
        gaps = []
        for change in changes:
            points = {point for point in change.late_points if point in self._estate.index}
            if change.oldest_ms < deepest:
                points |= woken
            if points and change.oldest_ms < known.through_ms:
                gaps.append(Gap(*self._touched(change), tuple(sorted(points))))
        if any(gap.start_ms < self._day_start(known.through_ms) for gap in gaps):
            self._loaded = None
        return known.with_gaps(gaps)

    def _woken(self, newest_ms: Ints, at_ms: int) -> set[str]:
        """Return the points that had nothing since an instant, and now have something newer before it."""
        ids = self._estate.ids
        behind = [ids[index] for index in np.flatnonzero(newest_ms < at_ms).tolist()]
        if not behind:
            return set()
        found = self._store.latest(KindCode.ROOM, at_ms=at_ms - 1, points=behind)
        held = newest_ms[[self._estate.index[point] for point in found.point]]
        return set(found.point[found.ts_ms > held])

    def advance(self, known: RolledUp, seen: Seen, arrived: Arrivals) -> RolledUp:
        """Write what ended since the last time and what `arrived` touches, then fill a step of the gaps."""
        known = self._late(known, seen, arrived)
        known = self._ended(known, seen)
        return self._fill(known, seen)

    def _late(self, known: RolledUp, seen: Seen, arrived: Arrivals) -> RolledUp:
        """Write again the hours of the running day that news touch; days that are over become gaps."""
        today = self._day_start(known.through_ms)
        old = arrived.ts_ms < known.through_ms
        owner, ts = arrived.owner[old], arrived.ts_ms[old]
        over = ts < today
        if over.any():
            self._loaded = None
        gaps: dict[tuple[int, int], set[str]] = defaultdict(set)
        hours, place = np.unique(ts[over] // HOUR_MS, return_inverse=True)
        spans = [self._span(hour * HOUR_MS, (hour + 1) * HOUR_MS + self._stale_ms) for hour in hours.tolist()]
        for index, point in zip(place.tolist(), owner[over].tolist(), strict=True):
            gaps[spans[index]].add(self._estate.ids[point])
        self._write_touched(seen, (owner[~over], ts[~over]), known.through_ms)
        return known.with_gaps(Gap(*span, tuple(sorted(points))) for span, points in gaps.items())

    def _write_touched(self, seen: Seen, late: tuple[Ints, Ints], end_ms: int) -> None:
        """Write the hours in which late readings hold; points whose news begin in the same hour are done together."""
        owner, ts = late
        first = np.full(len(seen.rooms.points), end_ms)
        np.minimum.at(first, owner, ts // HOUR_MS * HOUR_MS)
        last = np.zeros(len(first), dtype=np.int64)
        np.maximum.at(last, owner, ts + self._stale_ms)
        for start in np.unique(first[first < end_ms]).tolist():
            which = np.flatnonzero(first == start)
            until = min(end_ms, int(last[which].max()) // HOUR_MS * HOUR_MS + HOUR_MS)
            self._write(room_hours(selected(seen.rooms, which), seen.rule.of(which), start, until))

    def _ended(self, known: RolledUp, seen: Seen) -> RolledUp:
        """Write the hours and days that ended; of a long absence only the last hour, the rest is a gap."""
        this_hour = seen.now_ms // HOUR_MS * HOUR_MS
        start = known.through_ms
        if start >= this_hour:
            return known
        everyone = np.arange(len(self._estate))
        base_ms = seen.whole_from(everyone)
        if base_ms > start or (this_hour - start) // HOUR_MS * len(everyone) > STEP_ROWS:
            start = this_hour - HOUR_MS
        longer = known.through(this_hour).with_gaps([Gap(known.through_ms, start)])
        self._write(room_hours(seen.rooms, seen.rule, start, this_hour))
        for day in days_ending(start, this_hour, self._zone):
            begin, end = day_bounds(day, self._zone)
            if begin < base_ms:
                longer = longer.with_gaps([Gap(begin, end)])
            else:
                self._write(room_days(seen.rooms, seen.rule, day, self._zone))
        return longer

    def _fill(self, known: RolledUp, seen: Seen) -> RolledUp:
        """Fill gaps up to `STEP_ROWS`; no more than one from the store."""
        rows, asked = STEP_ROWS, False
        while known.gaps and rows > 0 and not asked:
            gap = max(known.gaps, key=lambda g: (g.end_ms, g.start_ms))
            which = self._which(gap)
            if not len(which):
                known = known.filled(gap, gap.end_ms)
                continue
            hours = min(max(1, rows // len(which)), (gap.end_ms - gap.start_ms) // HOUR_MS)
            until_ms = gap.start_ms + hours * HOUR_MS
            begin = self._day_start(gap.start_ms)
            if begin >= seen.whole_from(which):
                series = selected(seen.rooms, which) if gap.points else seen.rooms
            else:
                series, asked = self._load(gap, begin, until_ms), True
            self._write_gap(series, seen.rule.of(which), gap.start_ms, until_ms)
            known = known.filled(gap, until_ms)
            rows -= hours * len(which)
        if not known.gaps:
            self._loaded = None
        return known

    def _write_gap(self, series: ReadingSeries, rule: Rule, start_ms: int, end_ms: int) -> None:
        days = days_ending(start_ms, end_ms, self._zone)
        first = self._day_start(start_ms)
        rule = replace(rule, windows=DayWindows.between(self._profile, self._zone, first, end_ms))
        self._write(room_hours(series, rule, start_ms, end_ms))
        for day in days:
            self._write(room_days(series, rule, day, self._zone))

    def _load(self, gap: Gap, begin_ms: int, until_ms: int) -> ReadingSeries:
        """Return the readings from the beginning of the day in which a step begins to its end."""
        held = self._loaded
        begin_ms -= self._stale_ms
        points = tuple(self._estate.ids[index] for index in self._which(gap).tolist())
        if held is None or (held.points, held.until_ms) != (points, gap.start_ms):
            held = _Loaded(points, begin_ms, empty_series(points))
        part = self._store.series(points, held.until_ms, until_ms)
        series, _ = merged(held.series.between(begin_ms, held.until_ms), part, np.arange(len(points)))
        self._loaded = _Loaded(points, until_ms, series)
        return series

    def _write(self, rows: RollUp) -> None:
        # Rows without some value together at the end: for them InfluxDB is asked what they replace.
        order = np.argsort(np.any([np.isnan(column) for column in rows.floats.values()], axis=0), kind="stable")
        step = _WRITE_VALUES // len(rows.floats)
        for begin in range(0, len(rows), step):
            self._store.write_rollup(part_of(rows, order[begin : begin + step]))

    def _which(self, gap: Gap) -> Ints:
        """Return the indices of the points of a gap; some may be in the register no more."""
        if not gap.points:
            return np.arange(len(self._estate))
        index = self._estate.index
        return np.array(sorted(index[p] for p in gap.points if p in index), dtype=np.int64)

    def _longer(self, known: RolledUp, changes: Iterable[Change], now_ms: int) -> RolledUp:
        """Return it from the day of the oldest change on, if that is before its beginning."""
        oldest = min((change.oldest_ms for change in changes), default=now_ms)
        return known.since(self._day_start(max(oldest, now_ms - LONGEST_MS)))

    def _touched(self, change: Change) -> tuple[int, int]:
        """Return from the oldest reading of a change to the end of the last day in which one holds."""
        return change.oldest_ms, self._span(change.oldest_ms, change.newest_ms + self._stale_ms + 1)[1]

    def _span(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the local days in which [start, end) lies, from their beginning to their end."""
        return self._day_start(start_ms), day_bounds(self._day(end_ms - 1), self._zone)[1]

    def _day_start(self, at_ms: int) -> int:
        return day_bounds(self._day(at_ms), self._zone)[0]

    def _day(self, at_ms: int) -> date:
        return local_day(at_ms, self._zone)


def _newest(rooms: ReadingSeries) -> Ints:
    """Return the instant of the newest reading of each point, int64 (P,) [ms]; long ago where there is none."""
    newest = np.full(len(rooms.points), np.iinfo(np.int64).min)
    filled = np.flatnonzero(rooms.counts)
    newest[filled] = rooms.ts_ms[rooms.offsets[filled + 1] - 1]
    return newest


def _oldest(store: ReadingStore, now_ms: int) -> int:
    """Return an instant [ms] at most a day before the oldest room reading that matters; `now` where there is none."""
    low, high = now_ms - LONGEST_MS - _DAY_MS, now_ms
    if not len(store.latest(KindCode.ROOM, at_ms=high)):
        return now_ms
    while high - low > _DAY_MS:
        middle = (low + high) // 2
        if len(store.latest(KindCode.ROOM, at_ms=middle)):
            high = middle
        else:
            low = middle
    return low
