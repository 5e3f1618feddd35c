"""Brings readings and findings from store and ledger into the memory of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from analyzer.analysis import Rules
from analyzer.compliance import Carry
from analyzer.episodes import Episodes
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.window import Arrivals, carried_from, empty_series, merged
from heating.finding import Finding, FindingKind
from heating.instants import from_ms, to_ms
from heating.ledger.port import Change, Ledger
from heating.reading import Ints, KindCode, ReadingSeries
from heating.site import SubjectType
from heating.store.port import ReadingStore

HOUR_MS = 3_600_000
# How far back a sweep judges again; what comes later than that is stored, but its findings stay as they are.
LOOKBACK_MS = 10 * 24 * HOUR_MS
# Readings younger than this are read for all points at once; older ones only for points that may have them.
RECENT_MS = 3 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Loaded:
    """Some points as read from the store: readings, base of their window, what was found of them, open episodes."""

    which: Ints
    rooms: ReadingSeries
    base_ms: Ints
    known: list[Finding]
    cold: Episodes
    below_target: Episodes


class Loader:
    """Reads for one estate."""

    def __init__(self, estate: Estate, rules: Rules, store: ReadingStore, ledger: Ledger) -> None:
        self._estate, self._store, self._ledger = estate, store, ledger
        self._stale_ms = rules.settings.stale_ms
        self._entries = tuple(p.point_id for p in estate.entries)

    def points(self, which: Ints, base_ms: int, now_ms: int) -> Loaded:
        """Load the points at ascending indices `which` from `base_ms` on, at most `LOOKBACK_MS` back.

        Where a finding stands across the base, the window of its point begins before it, so that it is judged whole;
        if that is too far back, the ledger's word is carried in.
        """
        deepest = now_ms - LOOKBACK_MS
        base_ms = max(base_ms, deepest)
        since = from_ms(deepest)
        standing = self._ledger.findings.overlapping(since, from_ms(now_ms) + timedelta(milliseconds=1))
        mine = set(which.tolist())
        known = [f for f in standing if self._index(f) in mine]
        base = self._bases(which, known, (base_ms, deepest))
        rooms = self._rooms(which, base, base_ms, now_ms)
        across = [
            f
            for f in known
            if to_ms(f.start) < (at := base[np.searchsorted(which, self._index(f))])
            and (f.end is None or to_ms(f.end) > at)
        ]
        return Loaded(
            which,
            rooms,
            base,
            known,
            carried_from(self._estate, across, FindingKind.COLD_HOME),
            carried_from(self._estate, across, FindingKind.BELOW_TARGET),
        )

    def shared_findings(self, now_ms: int) -> list[Finding]:
        """Return the open findings that are about more than a point."""
        return [f for f in self._ledger.findings.open() if f.subject.type is not SubjectType.POINT]

    def retired_findings(self) -> list[Finding]:
        """Return the open findings of points that the register has no more."""
        points = (f for f in self._ledger.findings.open() if f.subject.type is SubjectType.POINT)
        return [f for f in points if f.subject.id not in self._estate.index]

    def news(self, rooms: ReadingSeries, changes: Sequence[Change], now_ms: int) -> tuple[ReadingSeries, Arrivals]:
        """Return the room readings with what changed; only points that may have old news are read far back."""
        low, high = min(c.oldest_ms for c in changes), max(c.newest_ms for c in changes) + 1
        low = max(low, now_ms - LOOKBACK_MS)
        recent = now_ms - RECENT_MS
        everyone = np.arange(len(self._estate))
        # What is not late is newer than the newest of its point: only points behind `recent` can have older news.
        newest = np.full(len(everyone), -FOREVER)
        filled = np.flatnonzero(rooms.counts)
        newest[filled] = rooms.ts_ms[rooms.offsets[filled + 1] - 1]
        late = [self._estate.index.get(point, -1) for change in changes for point in change.late_points]
        behind = np.flatnonzero((newest < recent) | np.isin(everyone, late))
        rooms, near = self._add(rooms, everyone, max(low, recent), high)
        rooms, far = self._add(rooms, behind, low, min(recent, high))
        return rooms, Arrivals(np.concatenate((near.owner, far.owner)), np.concatenate((near.ts_ms, far.ts_ms)))

    def supply(self, held: ReadingSeries | None, start_ms: int, end_ms: int) -> ReadingSeries:
        """Return the supply temperatures with those of [start, end) added."""
        held = held or empty_series(self._entries)
        if not self._entries or start_ms >= end_ms:
            return held
        part = self._store.series(self._entries, start_ms, end_ms, quantity="supply_c")
        return merged(held, part, np.arange(len(self._entries)))[0]

    def _add(self, rooms: ReadingSeries, which: Ints, low: int, high: int) -> tuple[ReadingSeries, Arrivals]:
        if not len(which) or low >= high:
            nothing = np.empty(0, dtype=np.int64)
            return rooms, Arrivals(nothing, nothing)
        return merged(rooms, self._store.series(self._ids(which), low, high), which)

    def _rooms(self, which: Ints, base: Ints, base_ms: int, now_ms: int) -> ReadingSeries:
        """Return the readings of some points, with the one that came last before the common base."""
        rooms = self._stretch(empty_series(self._ids(which)), np.arange(len(which)), base_ms, now_ms + 1)
        earlier = np.flatnonzero(base < base_ms)
        if len(earlier):
            rooms = self._stretch(rooms, earlier, int(base[earlier].min()), base_ms)
        return rooms

    def _stretch(self, rooms: ReadingSeries, which: Ints, start_ms: int, end_ms: int) -> ReadingSeries:
        """Add the readings of [start, end), those that may hold at its start, and the last one before them."""
        ids = tuple(rooms.points[index] for index in which.tolist())
        start_ms -= self._stale_ms
        rooms, _ = merged(rooms, self._store.series(ids, start_ms, end_ms), which)
        last = self._store.latest(KindCode.ROOM, at_ms=start_ms - 1, points=ids)
        number = {point: index for index, point in enumerate(ids)}
        owner = np.array([number[point] for point in last.point], dtype=np.int64)
        held = ReadingSeries.of_rows(ids, owner, last.ts_ms, last.temperature_c, last.quality)
        return merged(rooms, held, which)[0]

    def _bases(self, which: Ints, known: list[Finding], bounds: tuple[int, int]) -> Ints:
        """Return the base of each point, moved before the findings that stand across it."""
        base_ms, deepest = bounds
        base = np.full(len(which), base_ms)
        # From the latest start back, a finding may make the window reach into the one before.
        for finding in sorted(known, key=lambda f: f.start, reverse=True):
            place = int(np.searchsorted(which, self._index(finding)))
            start, end = to_ms(finding.start), FOREVER if finding.end is None else to_ms(finding.end)
            if start < base[place] < end:
                base[place] = max(start - self._stale_ms, deepest)
        return base

    def _index(self, finding: Finding) -> int:
        return self._estate.index.get(finding.subject.id, -1) if finding.subject.type is SubjectType.POINT else -1

    def _ids(self, which: Ints) -> tuple[str, ...]:
        return tuple(self._estate.ids[index] for index in which.tolist())


def whole_carry(loaded: Loaded) -> Carry:
    """Return the carry of a load of all points."""
    return Carry(loaded.base_ms, loaded.cold, loaded.below_target)
