"""Episodes: stretches that begin with a bad piece and end by a recovery, by the clock or by an exemption.

The memory of the rule (contract §6) without a loop. Every close trigger has a place on the time line of its point:

- a warm run of at least `confirm`, or one that runs while the floor falls: at the beginning of the run;
- a piece that closes at once (the floor fell to or below the value): at its beginning;
- the beginning of an exemption.

No bad piece lies between the place of a trigger and the instant at which it is known, so the number of triggers before
a bad piece says which episode it belongs to: the first bad piece of a number opens it, the next trigger ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from analyzer.exemption import FOREVER
from analyzer.pieces import Keys, Pieces
from heating.reading import Floats, Ints


class State(IntEnum):
    """How a piece counts."""

    BAD = 0
    BETWEEN = 1
    WARM = 2
    CLOSING = 3


class EndedBy(IntEnum):
    """Why an episode ended; `WARM` is the ordinary end."""

    WARM = 0
    FLOOR = 1
    SEASON = 2
    OUTAGE = 3
    COLD = 4


@dataclass(frozen=True, slots=True)
class Episodes:
    """E episodes by point and start.

    Attributes
    ----------
    point
        int64 (E,), index of the point.
    start_ms, end_ms, confirmed_ms
        int64 (E,); `FOREVER` means open, or not confirmed.
    ended_by
        int64 (E,), `EndedBy`.
    below_ms
        float64 (E,): time spent in bad pieces.
    degree_ms
        float64 (E,): deficit summed over that time [K·ms].
    min_c, deficit_k
        float64 (E,): lowest temperature and largest deficit.
    readings
        float64 (E,): readings that held a bad piece.
    """

    point: Ints
    start_ms: Ints
    end_ms: Ints
    confirmed_ms: Ints
    ended_by: Ints
    below_ms: Floats
    degree_ms: Floats
    min_c: Floats
    deficit_k: Floats
    readings: Floats

    def __len__(self) -> int:
        """Return E."""
        return len(self.point)

    def rows(self, which: Ints) -> Episodes:
        """Return the episodes at indices or under a mask."""
        return Episodes(*(getattr(self, f.name)[which] for f in fields(self)))

    def at_points(self, points: Ints) -> Episodes:
        """Return them with their point replaced by `points[point]`."""
        return Episodes(points[self.point], *(getattr(self, f.name) for f in fields(self)[1:]))

    @classmethod
    def joined(cls, parts: list[Episodes]) -> Episodes:
        """Return the parts one after the other."""
        if not parts:
            nothing, none = np.empty(0, dtype=np.int64), np.empty(0)
            return cls(nothing, nothing, nothing, nothing, nothing, none, none, none, none, none)
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


@dataclass(frozen=True, slots=True)
class Triggers:
    """Close triggers: where they stand (owner, instant) and why, each int64 (K,)."""

    owner: Ints
    at_ms: Ints
    reason: Ints


@dataclass(frozen=True, slots=True)
class Judged:
    """Pieces with their state and deficit.

    Attributes
    ----------
    state
        int64 (M,), `State`.
    deficit_k
        float64 (M,): how far under the limit [K]; used where the state is `BAD`.
    fallen
        int64 (M,): the instant at which the floor fell if it did so at the beginning of the piece, else `FOREVER`.
    closing_reason
        int64 (M,), `EndedBy` of pieces that are `CLOSING`.
    """

    pieces: Pieces
    state: Ints
    deficit_k: Floats
    fallen: Ints
    closing_reason: Ints


@dataclass(frozen=True, slots=True)
class Runs:
    """R maximal runs of pieces that touch and share a state: first and last piece, start and end clipped to now."""

    first: Ints
    last: Ints
    state: Ints
    owner: Ints
    start_ms: Ints
    end_ms: Ints


def episodes(judged: Judged, extra: Triggers, carried: Episodes, now_ms: int, confirm_ms: int) -> Episodes:
    """Return the episodes of all points.

    Parameters
    ----------
    extra
        Triggers that do not come from readings: beginnings of exemptions.
    carried
        Episodes open when the window begins, at most one a point.
    """
    if not len(carried) and not (judged.state == State.BAD).any():
        return Episodes.joined([])
    runs = _runs(judged, now_ms)
    bad = np.flatnonzero(runs.state == State.BAD)
    triggers = _joined(_from_runs(judged, runs, confirm_ms), extra)
    found = _by_run(judged, runs, bad, now_ms, confirm_ms)
    keys = Keys.of(np.concatenate((runs.start_ms[:1], triggers.at_ms, found.start_ms)), now_ms)
    return _merged(found, carried, triggers, keys)


def _runs(judged: Judged, now_ms: int) -> Runs:
    pieces, state = judged.pieces, judged.state
    if not len(state):
        nothing = np.empty(0, dtype=np.int64)
        return Runs(nothing, nothing, nothing, nothing, nothing, nothing)
    new = np.ones(len(state), dtype=np.bool_)
    new[1:] = (state[1:] != state[:-1]) | (pieces.start_ms[1:] != pieces.end_ms[:-1])
    new[1:] |= (pieces.owner[1:] != pieces.owner[:-1]) | (state[1:] == State.CLOSING)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(state)) - 1
    end = np.minimum(pieces.end_ms[last], now_ms)
    return Runs(first, last, state[first], pieces.owner[first], pieces.start_ms[first], end)


def _from_runs(judged: Judged, runs: Runs, confirm_ms: int) -> Triggers:
    """Return the triggers that warm runs and closing pieces set, in order."""
    if not len(runs.first):
        return Triggers(runs.first, runs.first, runs.first)
    fallen = _first_fall(judged, runs)
    warm = runs.state == State.WARM
    long = warm & (runs.end_ms - runs.start_ms >= confirm_ms)
    by_floor = warm & (fallen <= np.where(long, runs.start_ms + confirm_ms, FOREVER - 1))
    closing = runs.state == State.CLOSING
    reason = np.where(by_floor, EndedBy.FLOOR, np.where(closing, judged.closing_reason[runs.first], EndedBy.WARM))
    set_ = np.flatnonzero(long | by_floor | closing)
    return Triggers(runs.owner[set_], runs.start_ms[set_], reason[set_].astype(np.int64))


def _first_fall(judged: Judged, runs: Runs) -> Ints:
    """Return the first instant at which the floor fell in each run, int64 (R,), else `FOREVER`; falls are few."""
    fallen = np.full(len(runs.first), FOREVER)
    falls = np.flatnonzero(judged.fallen != FOREVER)
    np.minimum.at(fallen, np.searchsorted(runs.first, falls, side="right") - 1, judged.fallen[falls])
    return fallen


def _joined(own: Triggers, extra: Triggers) -> Triggers:
    if not len(extra.owner):
        return own
    owner, at, reason = (
        np.concatenate((getattr(own, name), getattr(extra, name))) for name in ("owner", "at_ms", "reason")
    )
    order = np.lexsort((at, owner))
    return Triggers(owner[order], at[order], reason[order])


def _by_run(judged: Judged, runs: Runs, bad: Ints, now_ms: int, confirm_ms: int) -> Episodes:
    """Return one row for each bad run, as if it were an episode of its own; the end is not known yet."""
    if not len(bad):
        return Episodes.joined([])
    first, last, start = runs.first[bad], runs.last[bad], runs.start_ms[bad]
    piece = judged.pieces
    # Bad pieces alone: a run of them begins where as many lie before it as in all runs before.
    inside = np.flatnonzero(judged.state == State.BAD)
    count = last + 1 - first
    begin = np.cumsum(count) - count
    deficit = judged.deficit_k[inside]
    length = (np.minimum(piece.end_ms[inside], now_ms) - piece.start_ms[inside]).astype(np.float64)
    fresh_at = np.flatnonzero(piece.fresh)
    arrived: Ints = np.cumsum(piece.fresh, dtype=np.int64)
    # What already held when the run began is its first reading; the second is the next one that arrives in it.
    ahead = arrived[first]
    second = fresh_at[np.minimum(ahead, len(fresh_at) - 1)] if len(fresh_at) else np.zeros_like(first)
    held = (ahead < len(fresh_at)) & (second <= last)
    confirmed = np.maximum(start + confirm_ms, piece.start_ms[second])
    confirmed = np.where(held & (confirmed <= runs.end_ms[bad]), confirmed, FOREVER)
    return Episodes(
        point=runs.owner[bad],
        start_ms=start,
        end_ms=np.full(len(bad), FOREVER),
        confirmed_ms=confirmed,
        ended_by=np.zeros(len(bad), dtype=np.int64),
        below_ms=np.add.reduceat(length, begin),
        degree_ms=np.add.reduceat(length * deficit, begin),
        min_c=np.minimum.reduceat(piece.value[inside], begin),
        deficit_k=np.maximum.reduceat(deficit, begin),
        readings=(arrived[last] - ahead + 1).astype(np.float64),
    )


def _merged(found: Episodes, carried: Episodes, triggers: Triggers, keys: Keys) -> Episodes:
    """Join bad runs (and what was carried in) with no trigger between them, and end them by the next trigger."""
    rows, at = found, keys(found.point, found.start_ms)
    if len(carried):
        rows = Episodes.joined([carried, found])
        at = np.concatenate((carried.point * keys.span_ms, at))
        order = np.argsort(at, kind="stable")
        rows, at = rows.rows(order), at[order]
    trigger_at = keys(triggers.owner, triggers.at_ms)
    group = np.searchsorted(trigger_at, at, side="right")
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (group[1:] != group[:-1]) | (rows.point[1:] != rows.point[:-1])
    first = np.flatnonzero(new)
    if len(first) < len(rows):
        rows = _summed(rows, first)
    following = group[first]
    ends = following < len(trigger_at)
    trigger = np.minimum(following, max(len(trigger_at) - 1, 0))
    if len(trigger_at):
        ends &= triggers.owner[trigger] == rows.point
        rows.end_ms[ends] = triggers.at_ms[trigger[ends]]
        rows.ended_by[ends] = triggers.reason[trigger[ends]]
    return rows


def _summed(rows: Episodes, first: Ints) -> Episodes:
    """Return one row for those from each `first` on, open."""
    return Episodes(
        point=rows.point[first],
        start_ms=rows.start_ms[first],
        end_ms=np.full(len(first), FOREVER),
        confirmed_ms=np.minimum.reduceat(rows.confirmed_ms, first),
        ended_by=np.zeros(len(first), dtype=np.int64),
        below_ms=np.add.reduceat(rows.below_ms, first),
        degree_ms=np.add.reduceat(rows.degree_ms, first),
        min_c=np.minimum.reduceat(rows.min_c, first),
        deficit_k=np.maximum.reduceat(rows.deficit_k, first),
        readings=np.add.reduceat(rows.readings, first),
    )
