"""Readings cut into pieces over which value, floor and exemption do not change.

::

    readings   x------------x---------------x . . . . . . x----
    switches           |                                          (06:00, 21:00 local)
    pieces     [-------)[---)[--------------)             [----   (silence and exemption leave holes)

A reading holds until the next one, less than `stale`: [ts, min(next, ts + stale)). A reading exactly `stale` later
leaves no hole. Pieces are judged up to and including `now`, so one that begins exactly at `now` exists, without length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.exemption import FOREVER, Exemptions
from analyzer.floors import DayWindows
from heating.reading import Bools, Floats, Ints, Quality, ReadingSeries


@dataclass(frozen=True, slots=True)
class Pieces:
    """M pieces by point and time; those of unknown, suspect and exempt time are left out.

    Attributes
    ----------
    owner
        int64 (M,), index of the point.
    start_ms, end_ms
        int64 (M,); `end_ms` may be `now + 1`.
    value
        float64 (M,) [°C].
    fresh
        bool (M,): the piece begins at a reading (and not at a switch or at the base of the window).
    day
        bool (M,): the window in force.
    at_switch
        bool (M,): the piece begins at the instant at which the window changed.
    """

    owner: Ints
    start_ms: Ints
    end_ms: Ints
    value: Floats
    fresh: Bools
    day: Bools
    at_switch: Bools


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is judged: from `base_ms` (int64 (P,)) of each point to `now_ms`, inclusive."""

    base_ms: Ints
    now_ms: int
    stale_ms: int


def cut(series: ReadingSeries, windows: DayWindows, exempt: Exemptions, horizon: Horizon) -> Pieces:
    """Cut the readings of P points into pieces."""
    owner, value = series.owner, series.value
    start, end = _holding(series, horizon)
    fresh = start == series.ts_ms
    trusted = (series.quality & Quality.SENSOR_FAULT) == 0
    keep = np.flatnonzero((end > start) & trusted)
    if len(keep) < len(owner):
        owner, start, end, value, fresh = owner[keep], start[keep], end[keep], value[keep], fresh[keep]
    edges = np.unique(np.concatenate((windows.switch_ms, exempt.off_start_ms, exempt.off_end_ms)))
    owner, start, end, value, fresh = _split_at(edges, (owner, start, end, value, fresh), start, end)
    if len(exempt.owner):
        keys = Keys.of(start, horizon.now_ms)
        edges = np.unique(np.concatenate((keys(exempt.owner, exempt.start_ms), keys(exempt.owner, exempt.end_ms))))
        columns = (owner, start, end, value, fresh)
        at = keys(owner, start)
        owner, start, end, value, fresh = _split_at(edges, columns, at, at + (end - start))
    keep = np.flatnonzero(~is_exempt(owner, start, exempt, horizon.now_ms))
    if len(keep) < len(owner):
        owner, start, end, value, fresh = owner[keep], start[keep], end[keep], value[keep], fresh[keep]
    window = windows.index(start)
    return Pieces(owner, start, end, value, fresh, windows.day[window], windows.switch_ms[window] == start)


@dataclass(frozen=True, slots=True)
class Keys:
    """Instants of many points as one ascending line: owner x span + time since `t0`."""

    t0_ms: int
    span_ms: int

    @classmethod
    def of(cls, start_ms: Ints, now_ms: int) -> Keys:
        """Span from just before the first piece to just after `now`."""
        t0 = (int(start_ms.min()) if len(start_ms) else now_ms) - 1
        return cls(t0, now_ms + 3 - t0)

    def __call__(self, owner: Ints, at_ms: Ints) -> Ints:
        """Return the keys; instants outside the span are moved to its ends."""
        return owner * self.span_ms + np.clip(at_ms - self.t0_ms, 0, self.span_ms - 1)


def _holding(series: ReadingSeries, horizon: Horizon) -> tuple[Ints, Ints]:
    """Return from when to when each reading holds; readings outside the horizon get no length."""
    ts = series.ts_ms
    following = np.empty_like(ts)
    following[:-1] = ts[1:]
    filled = series.offsets[1:][series.counts > 0]
    following[filled - 1] = FOREVER
    end = np.minimum(following, ts + horizon.stale_ms)
    np.minimum(end, horizon.now_ms + 1, out=end)
    return np.maximum(ts, np.repeat(horizon.base_ms, series.counts)), end


Columns = tuple[Ints, Ints, Ints, Floats, Bools]


def _split_at(edges: Ints, columns: Columns, start_key: Ints, end_key: Ints) -> Columns:
    """Split pieces at the edges strictly inside them; keys are instants or lines of `Keys`."""
    first = np.searchsorted(edges, start_key, side="right")
    cuts = np.searchsorted(edges, end_key, side="left") - first
    if not cuts.any():
        return columns
    owner, start, end, value, fresh = columns
    source = np.repeat(np.arange(len(owner)), cuts + 1)
    begin = np.cumsum(cuts + 1) - (cuts + 1)
    part = np.arange(len(source)) - begin[source]
    # The k-th part of a piece begins at the k-th edge inside it, where the part before ends; such parts are few.
    later = np.flatnonzero(part)
    whole = source[later]
    edge_ms = edges[first[whole] + part[later] - 1] + (start - start_key)[whole]
    start, end, fresh = start[source], end[source], fresh[source]
    start[later], end[later - 1], fresh[later] = edge_ms, edge_ms, False
    return owner[source], start, end, value[source], fresh


def is_exempt(owner: Ints, at_ms: Ints, exempt: Exemptions, now_ms: int) -> Bools:
    """Tell which points (indices) are exempt at which instants up to `now`, both int64 (N,)."""
    inside = exempt.suspended[owner]
    if len(exempt.off_start_ms):
        inside |= _running(exempt.off_start_ms, exempt.off_end_ms, at_ms)
    if len(exempt.owner):
        keys = Keys.of(at_ms, now_ms)
        starts, ends = keys(exempt.owner, exempt.start_ms), keys(exempt.owner, exempt.end_ms)
        inside |= _running(starts, ends, keys(owner, at_ms))
    return inside


def _running(starts: Ints, ends: Ints, at: Ints) -> Bools:
    """Tell at which instants more intervals have begun than ended."""
    begun = np.searchsorted(np.sort(starts), at, side="right")
    return begun > np.searchsorted(np.sort(ends), at, side="right")
