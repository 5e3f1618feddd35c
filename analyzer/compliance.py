"""The rule of contract §6 on event arrays: breaches, stretches below target, silence. No I/O.

Points that never fall below any of their limits cost two passes over their readings; only the others are cut into
pieces and judged exactly. Points are taken in chunks that stay in the processor's cache.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from analyzer.episodes import EndedBy, Episodes, Judged, State, Triggers, episodes
from analyzer.exemption import FOREVER, Exemptions
from analyzer.floors import DayWindows, Floors
from analyzer.pieces import Horizon, Pieces, cut
from heating.reading import Bools, Ints, ReadingSeries

CHUNK = 1 << 17  # readings judged at a time: 1 MiB a column


@dataclass(frozen=True, slots=True)
class Rule:
    """What P points are judged by: limits, windows, exemptions, and the two times of contract §6 [ms]."""

    floors: Floors
    windows: DayWindows
    exempt: Exemptions
    stale_ms: int
    confirm_ms: int

    def of(self, which: Ints) -> Rule:
        """Return the rule of the points at ascending indices `which`."""
        floors = Floors(*(getattr(self.floors, name)[which] for name in Floors.__dataclass_fields__))
        return Rule(floors, self.windows, self.exempt.of(which), self.stale_ms, self.confirm_ms)


@dataclass(frozen=True, slots=True)
class Carry:
    """What is known at the beginning of the window of each point.

    Attributes
    ----------
    base_ms
        int64 (P,): pieces before it are not judged (the reading that holds then is still given).
    cold, below_target
        Episodes open at the base, at most one a point.
    """

    base_ms: Ints
    cold: Episodes
    below_target: Episodes

    @classmethod
    def none(cls, points: int) -> Carry:
        """Judge from the first reading on."""
        return cls(np.full(points, -FOREVER), Episodes.joined([]), Episodes.joined([]))


@dataclass(frozen=True, slots=True)
class Silences:
    """Stretches without a valid reading at a point, each int64 (G,); `end_ms` is `FOREVER` while it lasts."""

    point: Ints
    start_ms: Ints
    end_ms: Ints


@dataclass(frozen=True, slots=True)
class Judgement:
    """All episodes of P points up to an instant."""

    cold: Episodes
    below_target: Episodes
    silent: Silences


def judge(series: ReadingSeries, rule: Rule, now_ms: int, carry: Carry | None = None) -> Judgement:
    """Judge P points up to and including `now_ms`; later readings are not used.

    Parameters
    ----------
    carry
        The state at the beginning of the window; None judges all that is given.
    """
    carry = carry or Carry.none(len(series.points))
    bounds = _chunks(series.offsets)
    open_before = np.zeros(len(series.points), dtype=np.bool_)
    open_before[carry.cold.point] = True
    open_before[carry.below_target.point] = True
    cold: list[Episodes] = []
    below_target: list[Episodes] = []
    silent: list[Silences] = []
    lowest = rule.floors.highest_c
    for first, last in itertools.pairwise(bounds):
        silent.append(_silences(series, first, last, rule.stale_ms, now_ms))
        suspicious = _ever_below(series, first, last, lowest) | open_before[first:last]
        which = first + np.flatnonzero(suspicious & ~rule.exempt.suspended[first:last])
        if len(which):
            found = _exactly(series, rule, now_ms, carry, which)
            cold.append(found[0].at_points(which))
            below_target.append(found[1].at_points(which))
    return Judgement(Episodes.joined(cold), Episodes.joined(below_target), _joined_silences(silent))


def _chunks(offsets: Ints) -> list[int]:
    """Return bounds of chunks of points with about `CHUNK` readings each."""
    points = len(offsets) - 1
    if points == 0:
        return [0]
    steps = np.searchsorted(offsets, np.arange(CHUNK, int(offsets[-1]), CHUNK))
    return sorted({0, points, *(min(int(step), points) for step in steps)})


def _ever_below(series: ReadingSeries, first: int, last: int, limit_c: np.ndarray) -> Bools:
    """Tell which points have a reading below their highest limit."""
    offsets = series.offsets[first : last + 1]
    below = np.zeros(last - first, dtype=np.bool_)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        values = series.value[offsets[0] : offsets[-1]]
        below[filled] = np.minimum.reduceat(values, offsets[filled] - offsets[0]) < limit_c[first + filled]
    return below


def _silences(series: ReadingSeries, first: int, last: int, stale_ms: int, now_ms: int) -> Silences:
    """Return the holes between readings, and the ones that last at `now`."""
    offsets = series.offsets[first : last + 1]
    start, stop = int(offsets[0]), int(offsets[-1])
    ts = series.ts_ms[start:stop]
    silent = np.empty(len(ts), dtype=np.bool_)
    np.greater(ts[1:], ts[:-1] + stale_ms, out=silent[:-1])
    filled = np.flatnonzero(np.diff(offsets))
    ends = offsets[filled + 1] - start - 1
    silent[ends] = ts[ends] + stale_ms <= now_ms
    before = np.flatnonzero(silent)
    begin = ts[before] + stale_ms
    known = begin <= now_ms
    before, begin = before[known], begin[known]
    owner = np.searchsorted(offsets[1:], before + start, side="right")
    following = ts[np.minimum(before + 1, max(len(ts) - 1, 0))]
    last_one = (before + start + 1 == offsets[1:][owner]) | (following > now_ms)
    return Silences(first + owner, begin, np.where(last_one, FOREVER, following))


def _joined_silences(parts: list[Silences]) -> Silences:
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Silences(nothing, nothing, nothing)
    return Silences(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("point", "start_ms", "end_ms")))


def _exactly(series: ReadingSeries, rule: Rule, now_ms: int, carry: Carry, which: Ints) -> tuple[Episodes, Episodes]:
    """Judge the points at `which` piece by piece; the episodes number them from 0."""
    mine, base = rule.of(which), carry.base_ms[which]
    pieces = cut(selected(series, which), mine.windows, mine.exempt, Horizon(base, now_ms, rule.stale_ms))
    ends = _exemption_starts(mine.exempt, base, now_ms)
    cold = episodes(_cold(pieces, mine.floors), ends, _carried(carry.cold, which), now_ms, rule.confirm_ms)
    target = _below_target(pieces, mine.floors)
    return cold, episodes(target, ends, _carried(carry.below_target, which), now_ms, rule.confirm_ms)


def selected(series: ReadingSeries, which: Ints) -> ReadingSeries:
    """Return the readings of the points at ascending indices `which`."""
    counts = series.counts[which]
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    rows = np.repeat(series.offsets[which] - offsets[:-1], counts) + np.arange(offsets[-1])
    points = tuple(series.points[index] for index in which)
    return ReadingSeries(points, offsets, series.ts_ms[rows], series.value[rows], series.quality[rows])


def _carried(carried: Episodes, which: Ints) -> Episodes:
    if not len(carried):
        return carried
    place = np.searchsorted(which, carried.point)
    here = (place < len(which)) & (which[np.minimum(place, len(which) - 1)] == carried.point)
    mine = carried.rows(np.flatnonzero(here))
    numbers = np.zeros(int(which[-1]) + 1, dtype=np.int64)
    numbers[which] = np.arange(len(which))
    return mine.at_points(numbers)


def _exemption_starts(exempt: Exemptions, base_ms: Ints, now_ms: int) -> Triggers:
    """Return the beginnings of exemptions inside the horizon of each point."""
    points = len(base_ms)
    off = exempt.off_start_ms[exempt.off_start_ms > -FOREVER]
    owner = np.concatenate((np.repeat(np.arange(points), len(off)), exempt.owner))
    at = np.concatenate((np.tile(off, points), exempt.start_ms))
    reason = np.repeat([EndedBy.SEASON, EndedBy.OUTAGE], [points * len(off), len(exempt.owner)]).astype(np.int64)
    inside = np.flatnonzero((at >= base_ms[owner]) & (at <= now_ms))
    return Triggers(owner[inside], at[inside], reason[inside])


def _cold(pieces: Pieces, floors: Floors) -> Judged:
    """Judge pieces against the floor in force."""
    owner, day = pieces.owner, pieces.day
    by_day, by_night = floors.day_c[owner], floors.night_c[owner]
    floor = np.where(day, by_day, by_night)
    clear = np.where(day, floors.day_clear_c[owner], floors.night_clear_c[owner])
    fell = pieces.at_switch & (floor < np.where(day, by_night, by_day))
    state = np.where(pieces.value < floor, State.BAD, np.where(pieces.value >= clear, State.WARM, State.BETWEEN))
    state[fell & (state == State.BETWEEN)] = State.CLOSING
    return Judged(
        pieces,
        state,
        floor - pieces.value,
        np.where(fell, pieces.start_ms, FOREVER),
        np.full(len(owner), EndedBy.FLOOR, dtype=np.int64),
    )


def _below_target(pieces: Pieces, floors: Floors) -> Judged:
    """Judge pieces against the target where it is above the floor in force; a breach or the other window closes."""
    owner = pieces.owner
    floor = np.where(pieces.day, floors.day_c[owner], floors.night_c[owner])
    target = floors.target_c[owner]
    below = pieces.value < target
    cold = pieces.value < floor
    state = np.where(below, State.BAD, State.BETWEEN)
    state[pieces.value >= floors.target_clear_c[owner]] = State.WARM
    state[cold | (target <= floor)] = State.CLOSING
    return Judged(
        pieces,
        state,
        target - pieces.value,
        np.full(len(owner), FOREVER),
        np.where(cold, EndedBy.COLD, EndedBy.WARM).astype(np.int64),
    )
