"""Rows of homes and points for Grafana: every home as it is now, and where each point sits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from dashboards.grafana.place_cells import PlaceCells, empty_storeys, spot
from dashboards.grafana.rows import Row
from dashboards.homes import JUDGED, HomeRow
from heating.finding import Cause, Finding, Status
from heating.instants import to_ms
from heating.site import MeasurementPoint, PointKind

# More than any score: confirmed homes come before unconfirmed ones (contract §6).
_CONFIRMED_FIRST = 1000.0
# A cold home whose score rounds to nothing still stands in the list.
_LEAST = 0.001


def places_in_building(homes: Iterable[HomeRow]) -> dict[str, str]:
    """Return for each home its column in the grid of its building: unit, then the door (`501` on floor 5 is `01`).

    Where two homes of a floor come to one column, which must not hide one, the position on the floor is added.
    """
    taken: dict[tuple[str, str, int | None, str], int] = defaultdict(int)
    columns = {}
    for home in sorted(homes, key=lambda h: (len(h.room), h.room, h.home)):
        floor = "" if home.floor is None else str(home.floor)
        door = home.room.removeprefix(floor) or home.room or "1"
        column = f"{home.unit}-{door}" if home.unit else door
        key = (home.building, home.unit, home.floor, column)
        taken[key] += 1
        columns[home.home] = column if taken[key] == 1 else f"{column}.{taken[key]}"
    return columns


def home_now(
    homes: Sequence[HomeRow], columns: Mapping[str, str], temperature_c: Mapping[str, float], at: datetime
) -> Iterator[Row]:
    """Yield the rows of `home_now`.

    Parameters
    ----------
    columns
        Column of each home in the grid of its building.
    temperature_c
        Newest reading of each point [°C]; it stands in for the one judged last, which is up to an hour old.
    """
    at_ms = to_ms(at)
    for home in homes:
        fresh = temperature_c.get(home.point_id) if home.status in JUDGED else None
        temperature = home.temperature_c if fresh is None else fresh
        yield Row(
            at_ms,
            {
                "home": home.home,
                "station": home.station,
                "branch": home.branch,
                "building": home.building,
                "unit": home.unit,
                "floor": "" if home.floor is None else str(home.floor),
                "place": columns.get(home.home, ""),
                "urgency": _urgency(home),
                "confirmed": float(home.confirmed),
                "score": home.score,
                "deficit_k": home.deficit_k,
                "temperature_c": temperature,
                "floor_c": home.floor_c,
                "since_ms": None if home.since is None else float(to_ms(home.since)),
                "storey": None if home.floor is None else float(home.floor),
                "status": home.status.value,
                "cell": _cell(home, temperature),
                "point": home.point_id,
                "room": home.room,
                "reasons": "+".join(home.reasons),
                "why": home.why,
                **cause_cells(home.cause),
                "order_no": home.order,
            },
        )


def point_places(points: Iterable[MeasurementPoint], columns: Mapping[str, str], at: datetime) -> Iterator[Row]:
    """Yield the rows of `point_place`: what variables of dashboards choose from; `columns` as in `home_now`."""
    at_ms = to_ms(at)
    for point in points:
        home = point.home_id if point.kind is PointKind.ROOM else ""
        yield Row(
            at_ms,
            {
                "point": point.point_id,
                "kind": point.kind.value,
                "home": home,
                "station": point.station_id,
                "branch": point.branch_id,
                "building": point.building_id,
                "unit": point.unit,
                "floor": "" if point.floor is None else str(point.floor),
                "branch_distance_m": point.branch_distance_m,
                "network_end": float(point.network_end),
                "device": point.device_id,
                "room": point.room,
                "space": point.space,
                "spot": spot(point.floor, columns.get(home, ""), home) if home else "",
            },
        )


def bare_storeys(points: Iterable[MeasurementPoint], columns: Mapping[str, str], at: datetime) -> Iterator[Row]:
    """Yield the rows of `empty_storey`: the floors that the grid of a building shows without a home."""
    rooms = (point for point in points if point.kind is PointKind.ROOM)
    for room, storeys in empty_storeys(rooms):
        where = {"station": room.station_id, "branch": room.branch_id, "building": room.building_id}
        for storey in storeys:
            place = columns.get(room.home_id, "")
            yield Row(to_ms(at), {**where, "floor": str(storey), "storey": float(storey), "place": place})


def finding_status(findings: Iterable[Finding], places: PlaceCells, at: datetime) -> Iterator[Row]:
    """Yield the rows of `finding_status`; of several about one place and of one kind, the longest stands."""
    standing: dict[tuple[str, str, str], Finding] = {}
    for finding in sorted(findings, key=lambda f: (f.end is None, -to_ms(f.start))):
        standing[finding.kind.value, finding.subject.type.value, finding.subject.id] = finding
    for (kind, subject_type, subject), finding in sorted(standing.items()):
        yield Row(
            to_ms(at),
            {
                "kind": kind,
                "subject_type": subject_type,
                "subject": subject,
                "open": float(finding.end is None),
                "points": float(max(len(finding.members), 1)),
                "start_ms": float(to_ms(finding.start)),
                "severity": finding.severity.value,
                **cause_cells(finding.cause),
                **places.of(finding.subject),
            },
        )


def cause_cells(cause: Cause | None) -> dict[str, str]:
    """Return the cells of a cause."""
    return {"cause": cause.scope.value, "side": cause.side.value} if cause else {"cause": "", "side": ""}


def _urgency(home: HomeRow) -> float:
    if home.status is not Status.COLD:
        return 0.0
    return _CONFIRMED_FIRST * home.confirmed + max(home.score or 0.0, _LEAST)


def _cell(home: HomeRow, temperature: float | None) -> str:
    """Return state and temperature in one text, from which the grid takes its colour, its sign and its number."""
    state = "confirmed" if home.confirmed else home.status.value
    return state if temperature is None else f"{state} {temperature:.1f}"
