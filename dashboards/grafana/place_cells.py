"""Cells that say where something is: ids for links, and kind and id in one text that dashboards put into words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from dashboards.grafana.board import BUILDING, HOME, STATION
from dashboards.places import place_id
from heating.finding import Subject
from heating.register import Register
from heating.site import MeasurementPoint, PointKind, SubjectType

_WAY = (SubjectType.STATION, SubjectType.BRANCH, SubjectType.BUILDING, SubjectType.HOME)
# As many storeys as the grid of a building shows at a glance; a tower with all its storeys would hide the low ones.
GRID_STOREYS = 15
# The dashboard of the last place on the way, by the length of the way.
_BOARDS = {1: STATION, 2: STATION, 3: BUILDING, 4: HOME}
_DEPTH = {SubjectType.STATION: 1, SubjectType.BRANCH: 2, SubjectType.BUILDING: 3, SubjectType.RISER: 3}


class PlaceCells:
    """Says where subjects of one register are."""

    def __init__(self, register: Register) -> None:
        self.register = register

    def of(self, subject: Subject) -> dict[str, str]:
        """Return `named`, and for a link the dashboard and the ids of the places down to the subject."""
        point = self._point(subject)
        named = {"named": _named(subject, point)}
        if point is None:
            return named
        depth = _DEPTH.get(subject.type) or _depth(point)
        return named | {"board": _BOARDS[depth], **{level.value: place_id(point, level) for level in _WAY[:depth]}}

    def to_home(self, home: str) -> dict[str, str]:
        """Return the ids of the places that lead to a home, without itself."""
        point = self._somewhere[SubjectType.HOME].get(home)
        return {} if point is None else {level.value: place_id(point, level) for level in _WAY[:3]}

    def _point(self, subject: Subject) -> MeasurementPoint | None:
        if subject.type is SubjectType.POINT:
            return self.register.by_id.get(subject.id)
        return self._somewhere[subject.type].get(subject.id)

    @cached_property
    def _somewhere(self) -> Mapping[SubjectType, Mapping[str, MeasurementPoint]]:
        """A point in each place, by kind of place; the first of the register."""
        points = (*reversed(self.register.retired), *reversed(self.register.points))
        return {kind: {place_id(p, kind): p for p in points} for kind in SubjectType if kind is not SubjectType.POINT}


def _named(subject: Subject, point: MeasurementPoint | None) -> str:
    """Return kind and id; of a point in a home the home, as people know it."""
    if subject.type is not SubjectType.POINT or point is None:
        return f"{subject.type.value} {subject.id}"
    if point.kind is PointKind.ROOM:
        return f"{SubjectType.HOME.value} {point.home_id}"
    return f"{SubjectType.POINT.value} {point.building_id or point.station_id} {point.point_id}"


def _depth(point: MeasurementPoint) -> int:
    if point.kind is PointKind.ROOM:
        return len(_WAY)
    return 3 if point.building else 1


def spot(floor: int | None, place: str, home: str) -> str:
    """Return where a home stands in the grid of its building, and its id: a choice by the one gives the other."""
    return f"{'' if floor is None else floor}F {place}|{home}"


def empty_storeys(points: Iterable[MeasurementPoint]) -> list[tuple[MeasurementPoint, list[int]]]:
    """Return, with a room of each building, the storeys that its grid shows although nobody there is watched.

    They reach from the first storey, or the lowest below it, to the last that the register knows of. A tower of more
    than `GRID_STOREYS` has none.
    """
    rooms: dict[str, list[MeasurementPoint]] = {}
    for point in points:
        if point.building and point.floor is not None:
            rooms.setdefault(point.building_id, []).append(point)
    return [(of_one[0], _gaps(of_one)) for of_one in rooms.values()]


def _gaps(rooms: Iterable[MeasurementPoint]) -> list[int]:
    floors = {room.floor for room in rooms if room.floor is not None}
    top = max(*floors, *(room.floors_total or 1 for room in rooms))
    storeys = [floor for floor in range(min(1, *floors), top + 1) if floor != 0]
    return [floor for floor in storeys if floor not in floors] if len(storeys) <= GRID_STOREYS else []
