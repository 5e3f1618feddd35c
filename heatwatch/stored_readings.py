"""Reads from the store what the judgement of a span needs: the span, and as far before it as a breach reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from analyzer.analysis import Observations, Rules, Span, standing_since
from analyzer.estate import Estate
from analyzer.window import merged
from heating.finding import Finding
from heating.instants import to_ms
from heating.reading import KindCode, ReadingSeries, ReadingTable
from heating.store.port import ReadingStore

# What happened longer before the span than this cannot change what is said of it, but for a breach that still lasts.
LOOK_BACK = timedelta(days=3)
# No breach is followed further back: a heating season.
_FARTHEST = timedelta(days=240)
_HOUR_MS = 3_600_000


def stored_observations(
    store: ReadingStore, estate: Estate, rules: Rules, span: Span, known: Sequence[Finding] = ()
) -> Observations:
    """Return the readings that a judgement of `span` needs.

    Parameters
    ----------
    known
        What the ledger says of the span: points with an older finding are read from its beginning on.
    """
    at_ms = to_ms(span.start or span.end)
    first_ms = at_ms - _ms(LOOK_BACK)
    found = Observations.of_table(estate, _table(store, first_ms, to_ms(span.end) + 1))
    begun = {estate.index[f.subject.id]: to_ms(f.start) for f in known if f.subject.id in estate.index}
    older = sorted(point for point, start_ms in begun.items() if start_ms < first_ms)
    if older:
        from_ms = min(begun[point] for point in older) - _HOUR_MS - rules.settings.stale_ms
        found = _with_earlier(store, found, older, from_ms, first_ms)
    return _followed_back(store, estate, rules, found, at_ms)


def _followed_back(store: ReadingStore, estate: Estate, rules: Rules, found: Observations, at_ms: int) -> Observations:
    """Read on, twice as far each time, for the points whose breach then turns out to have begun earlier."""
    since = standing_since(estate, rules, found, at_ms)
    moving, depth = sorted(since), LOOK_BACK
    while moving and depth < _FARTHEST:
        start_ms, end_ms = at_ms - 2 * _ms(depth), at_ms - _ms(depth)
        depth *= 2
        found = _with_earlier(store, found, moving, start_ms, end_ms)
        now = standing_since(estate, rules, found, at_ms)
        # A silent point's last reading may lie farther back than was read.
        moving = [p for p in moving if p in now and (now[p] != since[p] or now[p] < start_ms)]
        since = now
    return found


def _with_earlier(
    store: ReadingStore, found: Observations, points: list[int], start_ms: int, end_ms: int
) -> Observations:
    """Add the readings of some points over [start, end), and the last one before."""
    ids = tuple(found.rooms.points[index] for index in points)
    which = np.array(points, dtype=np.int64)
    rooms, _ = merged(found.rooms, store.series(ids, start_ms, end_ms), which)
    last = store.latest(KindCode.ROOM, at_ms=start_ms - 1, points=ids)
    number = {point: index for index, point in enumerate(ids)}
    owner = np.array([number[point] for point in last.point], dtype=np.int64)
    part = ReadingSeries.of_rows(ids, owner, last.ts_ms, last.temperature_c, last.quality)
    return replace(found, rooms=merged(rooms, part, which)[0])


def _table(store: ReadingStore, start_ms: int, end_ms: int) -> ReadingTable:
    # The newest reading of each point before the span tells for how long a silent one has been silent.
    tables = list(store.readings(start_ms, end_ms, kinds=[KindCode.ROOM, KindCode.ENTRY]))
    older = store.latest(KindCode.ROOM, at_ms=start_ms - 1)
    return ReadingTable.joined([older, *tables])


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
