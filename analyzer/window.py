"""The readings that a sweep keeps in memory, appended to instead of read again. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.compliance import Carry, Judgement, Rule, judge
from analyzer.episodes import EndedBy, Episodes
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.floors import DECIMALS
from analyzer.state import States, states_at
from heating.finding import Finding, FindingKind, Status
from heating.instants import to_ms
from heating.reading import Ints, ReadingSeries


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Readings that were new to a window: index of their point and instant, each int64 (N,)."""

    owner: Ints
    ts_ms: Ints


def merged(series: ReadingSeries, part: ReadingSeries, which: Ints) -> tuple[ReadingSeries, Arrivals]:
    """Add readings to a series; what stands at an instant already stays (the first one wins).

    Parameters
    ----------
    part, which
        The readings to add, and the index in `series` of each point of `part`.
    """
    owner = which[part.owner]
    if not len(owner):
        return series, Arrivals(owner, part.ts_ms)
    t0 = int(min(part.ts_ms.min(), series.ts_ms.min() if len(series) else part.ts_ms.min()))
    span = int(max(part.ts_ms.max(), series.ts_ms.max() if len(series) else 0)) - t0 + 1
    held, coming = series.owner * span + (series.ts_ms - t0), owner * span + (part.ts_ms - t0)
    order = np.argsort(coming, kind="stable")
    coming = coming[order]
    place = np.searchsorted(held, coming)
    new = np.ones(len(coming), dtype=np.bool_)
    if len(held):
        new = held[np.minimum(place, len(held) - 1)] != coming
    rows, place = order[new], place[new]
    counts = series.counts + np.bincount(owner[rows], minlength=len(series.points))
    whole = ReadingSeries(
        series.points,
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.insert(series.ts_ms, place, part.ts_ms[rows]),
        np.insert(series.value, place, part.value[rows]),
        np.insert(series.quality, place, part.quality[rows]),
    )
    return whole, Arrivals(owner[rows], part.ts_ms[rows])


def trimmed(series: ReadingSeries, base_ms: Ints) -> ReadingSeries:
    """Drop what lies before the base of each point, but for the last reading before it."""
    before = series.ts_ms < base_ms[series.owner]
    # A reading before the base is the last such one where the next row is not before the base of the same point.
    following = np.append(before[1:], False)
    filled = series.offsets[1:][series.counts > 0]
    following[filled - 1] = False
    keep = ~before | ~following
    running = np.concatenate(([0], np.cumsum(keep)))
    return ReadingSeries(
        series.points, running[series.offsets], series.ts_ms[keep], series.value[keep], series.quality[keep]
    )


def empty_series(points: tuple[str, ...]) -> ReadingSeries:
    """Return a series without readings."""
    nothing = np.empty(0, dtype=np.int64)
    return ReadingSeries(points, np.zeros(len(points) + 1, dtype=np.int64), nothing, np.empty(0), nothing)


def advanced(series: ReadingSeries, rule: Rule, carry: Carry, base_ms: int) -> Carry:
    """Move the base of all points forward to `base_ms`, except where a count is running there.

    A count runs where a breach is open and the home is warm (its end is being counted) or cold but not confirmed: such
    a point keeps its base until the next time. Everywhere else the open episodes are all the memory that the rule has.
    """
    judgement = judge(series, rule, base_ms, carry)
    states = states_at(series, rule, base_ms, judgement.cold)
    counting = _counting(judgement, states)
    base = np.where(counting | (carry.base_ms > base_ms), carry.base_ms, base_ms)
    moved = base != carry.base_ms
    cold, below_target = (
        Episodes.joined([old.rows(np.flatnonzero(~moved[old.point])), new.rows(_open_and(new, moved))])
        for old, new in ((carry.cold, judgement.cold), (carry.below_target, judgement.below_target))
    )
    return Carry(base, _by_point(cold), _by_point(below_target))


def _counting(judgement: Judgement, states: States) -> np.ndarray:
    points = len(states.status)
    open_cold, open_target = np.zeros(points, np.bool_), np.zeros(points, np.bool_)
    open_cold[judgement.cold.point[judgement.cold.end_ms == FOREVER]] = True
    open_target[judgement.below_target.point[judgement.below_target.end_ms == FOREVER]] = True
    is_cold, is_below = states.are(Status.COLD), states.are(Status.BELOW_TARGET)
    silent = states.are(Status.UNKNOWN) | states.are(Status.SUSPECT) | states.are(Status.EXEMPT)
    unfinished = np.where(is_cold, ~states.confirmed, True)
    return ~silent & ((open_cold & unfinished) | (open_target & ~is_below))


def _open_and(episodes: Episodes, moved: np.ndarray) -> Ints:
    return np.flatnonzero((episodes.end_ms == FOREVER) & moved[episodes.point])


def _by_point(episodes: Episodes) -> Episodes:
    return episodes.rows(np.argsort(episodes.point, kind="stable"))


def carried_from(estate: Estate, findings: list[Finding], kind: FindingKind) -> Episodes:
    """Return open episodes as the ledger remembers them, for windows that begin inside a finding."""
    rows = [(estate.index[f.subject.id], f) for f in findings if f.kind is kind and f.subject.id in estate.index]
    rows.sort(key=lambda row: row[0])

    def figures(name: str, factor: float) -> list[float]:
        return [float(f.evidence.get(name, 0.0)) * factor for _, f in rows]

    confirmed = [FOREVER if f.confirmed_at is None else to_ms(f.confirmed_at) for _, f in rows]
    return Episodes(
        point=np.array([index for index, _ in rows], dtype=np.int64),
        start_ms=np.array([to_ms(f.start) for _, f in rows], dtype=np.int64),
        end_ms=np.full(len(rows), FOREVER),
        confirmed_ms=np.array(confirmed, dtype=np.int64),
        ended_by=np.full(len(rows), int(EndedBy.WARM)),
        below_ms=np.array(figures("minutes_below", 60_000.0)),
        degree_ms=np.array(figures("degree_hours", 3_600_000.0)),
        min_c=np.array(figures("min_c", 1.0)),
        deficit_k=np.round(figures("deficit_k", 1.0), DECIMALS),
        readings=np.array(figures("readings", 1.0)),
    )
