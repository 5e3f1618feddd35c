"""Homes as people see them: one row a home, made of its points, findings and orders. No I/O.

A home with several points is as cold as its worst trusted point (contract §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from heating.finding import Cause, Finding, FindingKind, Status
from heating.site import HeatingState, MeasurementPoint

# Trusted points first, worst first; without one, what most asks for a person's eye.
_WEIGHT = {
    Status.COLD: 0,
    Status.BELOW_TARGET: 1,
    Status.OK: 2,
    Status.SUSPECT: 3,
    Status.UNKNOWN: 4,
    Status.EXEMPT: 5,
}
JUDGED = (Status.COLD, Status.BELOW_TARGET, Status.OK)


class PointStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The newest `home_status` row of a point; units as the names say."""

    at: datetime
    status: Status
    temperature_c: float | None = None
    floor_c: float | None = None
    deficit_k: float | None = None
    score: float | None = None
    minutes_below: float | None = None


class HomeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One home. `point_id` is the point that decides its status; ids of places as in contract §3.

    Attributes
    ----------
    judged_at
        Instant of the analyzer's row; None when it has none lately.
    last_reading_at
        Newest stored reading of the sensor at the deciding point.
    why
        For a home that is not judged: a word that says why.
    """

    home: str
    point_id: str
    points: tuple[str, ...]
    station: str
    branch: str
    building: str
    unit: str
    floor: int | None
    room: str
    status: Status
    confirmed: bool
    temperature_c: float | None
    floor_c: float | None
    deficit_k: float | None
    score: float | None
    minutes_below: float | None
    judged_at: datetime | None
    last_reading_at: datetime | None
    since: datetime | None
    rank: int | None
    reasons: tuple[str, ...]
    why: str | None
    cause: Cause | None
    findings: tuple[str, ...]
    order: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the register when homes are put together."""

    status: Mapping[str, PointStatus]
    """Newest row of each point."""
    findings: Mapping[str, Sequence[Finding]]
    """Open findings of each point, those of its shared causes among them."""
    orders: Mapping[str, str]
    """Unfinished order of each home."""
    last_reading: Mapping[str, datetime]
    """Newest reading of each device."""
    low_floors: int
    """`analyzer.low_floors`: floors up to this one count as low."""
    out_places: frozenset[str] = frozenset()
    """Ids of the places under a registered outage."""


def homes_of(points: Iterable[MeasurementPoint], known: Known) -> tuple[HomeRow, ...]:
    """Return one row a home, most urgent first, with the ranks of the cold ones."""
    return Homes(points).rows(known)


class Homes:
    """Homes that are asked for their rows again and again: one of which nothing new is known keeps its row."""

    def __init__(self, points: Iterable[MeasurementPoint]) -> None:
        by_home: dict[str, list[MeasurementPoint]] = {}
        for point in points:
            by_home.setdefault(point.home_id, []).append(point)
        self._homes = tuple(_Home(home, tuple(group)) for home, group in by_home.items())
        self._known: list[tuple[object, ...]] = [()] * len(self._homes)
        self._rows: list[HomeRow] = []
        self._rules: tuple[int, frozenset[str]] | None = None

    def rows(self, known: Known) -> tuple[HomeRow, ...]:
        """Return the row of each home, as `homes_of`."""
        rules = (known.low_floors, known.out_places)
        news = [home.known(known) for home in self._homes]
        if self._rules != rules:
            self._rows = [_home(home, known) for home in self._homes]
        else:
            for i, (new, old) in enumerate(zip(news, self._known, strict=True)):
                if new != old:
                    self._rows[i] = _home(self._homes[i], known)
        self._known, self._rules = news, rules
        ranked = enumerate(sorted(self._rows, key=urgency), 1)
        return tuple(msgspec.structs.replace(r, rank=i) if r.status is Status.COLD else r for i, r in ranked)


class _Home:
    """A home and its points."""

    __slots__ = ("id", "points")

    def __init__(self, home: str, points: tuple[MeasurementPoint, ...]) -> None:
        self.id, self.points = home, points

    def known(self, known: Known) -> tuple[object, ...]:
        """Return everything of which the row is made."""
        order, points = known.orders.get(self.id), self.points
        status, findings, last = known.status, known.findings, known.last_reading
        if len(points) == 1:
            (point,) = points
            id_ = point.point_id
            return order, status.get(id_), findings.get(id_), last.get(point.device_id or "")
        return (
            order,
            *((status.get(p.point_id), findings.get(p.point_id), last.get(p.device_id or "")) for p in points),
        )


def urgency(row: HomeRow) -> tuple[int, bool, float, float, str]:
    """Return the sort key of contract §6: confirmed first, then score, then the longer breach, then the point."""
    since = row.since.timestamp() if row.since else float("inf")
    return _WEIGHT[row.status], not row.confirmed, -(row.score or 0.0), since, row.point_id


def priority_reasons(point: MeasurementPoint, low_floors: int) -> tuple[str, ...]:
    """Return what raises the priority of a point (S0 四查: low floors and network ends; contract §6)."""
    tall = point.floors_total is None or point.floors_total >= 3
    low = point.floor is not None and point.floor <= low_floors and tall
    return tuple(word for word, holds in (("low_floor", low), ("network_end", point.network_end)) if holds)


def _home(home: _Home, known: Known) -> HomeRow:
    points = home.points
    point = min(points, key=lambda p: _worst(known.status.get(p.point_id), p.point_id))
    judged = known.status.get(point.point_id)
    findings = known.findings.get(point.point_id, ())
    cold = next((f for f in findings if f.kind is FindingKind.COLD_HOME and f.subject.id == point.point_id), None)
    status = judged.status if judged else Status.UNKNOWN
    is_cold = status is Status.COLD
    return HomeRow(
        home=home.id,
        point_id=point.point_id,
        points=tuple(p.point_id for p in points),
        station=point.station_id,
        branch=point.branch_id,
        building=point.building_id,
        unit=point.unit,
        floor=point.floor,
        room=point.room,
        status=status,
        confirmed=is_cold and cold is not None and cold.confirmed,
        temperature_c=judged.temperature_c if judged else None,
        floor_c=judged.floor_c if judged else None,
        deficit_k=judged.deficit_k if judged and is_cold else None,
        score=judged.score if judged and is_cold else None,
        minutes_below=judged.minutes_below if judged and is_cold else None,
        judged_at=judged.at if judged else None,
        last_reading_at=known.last_reading.get(point.device_id or ""),
        since=cold.start if cold and is_cold else None,
        rank=None,
        reasons=priority_reasons(point, known.low_floors) if is_cold else (),
        why=_why(point, status, findings, known),
        cause=next((f.cause for f in findings if f.cause), None),
        findings=tuple(f.id for f in findings),
        order=known.orders.get(home.id),
    )


def _worst(judged: PointStatus | None, point_id: str) -> tuple[int, float, str]:
    if judged is None:
        return _WEIGHT[Status.UNKNOWN], 0.0, point_id
    return _WEIGHT[judged.status], -(judged.deficit_k or 0.0), point_id


def _why(point: MeasurementPoint, status: Status, findings: Sequence[Finding], known: Known) -> str | None:
    """Return why a home is not judged, in the analyzer's words where it has one."""
    if status in JUDGED:
        return None
    if status is Status.EXEMPT:
        if point.heating_state is HeatingState.SUSPENDED:
            return "suspended"
        places = {point.point_id, point.home_id, point.riser_id, point.building_id, point.branch_id, point.station_id}
        return "season" if known.out_places.isdisjoint(places) else "outage"
    if point.device_id is None:
        return "no_device"
    data = [f.kind.value for f in findings if f.kind not in (FindingKind.COLD_HOME, FindingKind.BELOW_TARGET)]
    if data:
        return data[0]
    return "sensor_fault" if status is Status.SUSPECT else "no_reading"
