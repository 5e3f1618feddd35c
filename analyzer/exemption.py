"""When points are not judged: heating suspended, outside the season, registered outage or commissioning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import local_midnight, to_ms
from heating.reading import Bools, Ints
from heating.site import HeatingState, MeasurementPoint, Outage, SubjectType

# Beyond every instant of a sensor, and far enough from the ends of int64 to be added to.
FOREVER = 1 << 52

Season = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Exemptions:
    """Exempt intervals of P points, half-open, in milliseconds.

    Attributes
    ----------
    suspended
        bool (P,): heating is off by the register (S2 §5(5)).
    off_start_ms, off_end_ms
        int64 (S,): intervals outside the season, the same for all points.
    owner, start_ms, end_ms
        int64 (E,): outages as they meet single points, by owner and start; they may overlap.
    reason
        E texts.
    """

    suspended: Bools
    off_start_ms: Ints
    off_end_ms: Ints
    owner: Ints
    start_ms: Ints
    end_ms: Ints
    reason: tuple[str, ...]

    def why(self, at_ms: int) -> dict[int, str]:
        """Return the reason of every point that is exempt at an instant, by index of the point."""
        out_of_season = bool(np.any((self.off_start_ms <= at_ms) & (at_ms < self.off_end_ms)))
        whys = dict.fromkeys(range(len(self.suspended)), "season") if out_of_season else {}
        for row in np.flatnonzero((self.start_ms <= at_ms) & (at_ms < self.end_ms))[::-1]:
            whys[int(self.owner[row])] = f"outage: {self.reason[row]}" if self.reason[row] else "outage"
        whys.update(dict.fromkeys(np.flatnonzero(self.suspended).tolist(), "suspended"))
        return whys

    def of(self, which: Ints) -> Exemptions:
        """Return those of the points at ascending indices `which`, numbered anew."""
        place = np.full(len(self.suspended), -1, dtype=np.int64)
        place[which] = np.arange(len(which))
        mine = np.flatnonzero(place[self.owner] >= 0) if len(self.owner) else self.owner
        return Exemptions(
            self.suspended[which],
            self.off_start_ms,
            self.off_end_ms,
            place[self.owner[mine]],
            self.start_ms[mine],
            self.end_ms[mine],
            tuple(self.reason[row] for row in mine),
        )


def exemptions_of(
    points: Sequence[MeasurementPoint], outages: Sequence[Outage], seasons: Sequence[Season], zone: ZoneInfo
) -> Exemptions:
    """Collect what exempts `points`; no seasons means always in season."""
    off = _off_season(seasons, zone)
    rows = sorted(_meetings(points, outages), key=lambda row: row[:3])
    owner, start, end = np.array([row[:3] for row in rows], dtype=np.int64).reshape(len(rows), 3).T.copy()
    return Exemptions(
        np.array([p.heating_state is HeatingState.SUSPENDED for p in points], dtype=np.bool_),
        np.array([start for start, _ in off], dtype=np.int64),
        np.array([end for _, end in off], dtype=np.int64),
        owner,
        start,
        end,
        tuple(row[3] for row in rows),
    )


def _off_season(seasons: Sequence[Season], zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return the gaps between seasons; both dates of a season belong to it."""
    gaps: list[tuple[int, int]] = []
    reached = -FOREVER
    for first, last in sorted(seasons):
        start, end = (to_ms(local_midnight(day, zone)) for day in (first, last + timedelta(days=1)))
        if start > reached:
            gaps.append((reached, start))
        reached = max(reached, end)
    return [*gaps, (reached, FOREVER)] if seasons else []


def _meetings(points: Sequence[MeasurementPoint], outages: Sequence[Outage]) -> list[tuple[int, int, int, str]]:
    """Return (point index, start, end, reason) of each outage at each point under its place."""
    rows: list[tuple[int, int, int, str]] = []
    under = {kind: places(points, kind) for kind in {outage.subject_type for outage in outages}}
    for outage in outages:
        start, end = to_ms(outage.start), FOREVER if outage.end is None else to_ms(outage.end)
        if start < end:
            members = under[outage.subject_type].get(outage.subject_id, ())
            rows += [(index, start, end, outage.reason) for index in members]
    return rows


def places(points: Sequence[MeasurementPoint], kind: SubjectType) -> dict[str, list[int]]:
    """Return the indices of the points under each place of a kind."""
    table: dict[str, list[int]] = defaultdict(list)
    for index, point in enumerate(points):
        table[place_id(point, kind)].append(index)
    return table


def place_id(point: MeasurementPoint, kind: SubjectType) -> str:
    """Return the id of the place of a kind to which a point belongs."""
    match kind:
        case SubjectType.POINT:
            return point.point_id
        case SubjectType.HOME:
            return point.home_id
        case SubjectType.RISER:
            return point.riser_id
        case SubjectType.BUILDING:
            return point.building_id
        case SubjectType.BRANCH:
            return point.branch_id
        case SubjectType.STATION:
            return point.station_id
