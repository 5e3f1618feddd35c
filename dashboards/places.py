"""Places as people say them, from the register and from ids (contract §3). No I/O."""

from __future__ import annotations

from heating.finding import Subject
from heating.register import Register
from heating.site import MeasurementPoint, SubjectType
from heating.words import Language

# What follows (Chinese) or precedes (English) a bare number; a name that says it already is left as it is.
_BUILDING = ("号楼", "bldg ")
_UNIT = ("单元", "unit ")
_ROOM = ("室", "rm ")


def home_name(point: MeasurementPoint, language: Language) -> str:
    """Return station, building, unit and room of a point."""
    return _joined(*home_lines(point, language))


def home_lines(point: MeasurementPoint, language: Language) -> tuple[str, str]:
    """Return where a home is in two lines: station and building, then unit and room."""
    room = _named(point.room, _ROOM, language) or point.point_id
    return (
        _joined(point.station, _named(point.building, _BUILDING, language)),
        _joined(_named(point.unit, _UNIT, language), room),
    )


def building_name(building_id: str, language: Language) -> str:
    """Return station and building of an id."""
    station, _, building = building_id.partition("/")
    return _joined(_plain(station), _named(_plain(building), _BUILDING, language))


def subject_name(subject: Subject, register: Register, language: Language) -> str:
    """Return what a finding or an order is about."""
    if subject.type is SubjectType.POINT:
        point = register.by_id.get(subject.id)
        return home_name(point, language) if point else subject.id
    if subject.type is SubjectType.BUILDING:
        return building_name(subject.id, language)
    return id_name(subject.id, language, home=subject.type is SubjectType.HOME)


def place_id(point: MeasurementPoint, kind: SubjectType) -> str:
    """Return the id of the place of a kind at which a point is."""
    return {
        SubjectType.POINT: point.point_id,
        SubjectType.HOME: point.home_id,
        SubjectType.RISER: point.riser_id,
        SubjectType.BUILDING: point.building_id,
        SubjectType.BRANCH: point.branch_id,
        SubjectType.STATION: point.station_id,
    }[kind]


def id_name(place_id: str, language: Language, *, home: bool = False) -> str:
    """Return the parts of an id; those of a home with their kinds."""
    parts = [_plain(part) for part in place_id.split("/")]
    if home and len(parts) == 4:
        station, building, unit, room = parts
        kinds = (_BUILDING, _UNIT, _ROOM)
        named = (_named(p, k, language) for p, k in zip((building, unit, room), kinds, strict=True))
        return _joined(station, *named)
    return " / ".join(part for part in parts if part)


def _named(name: str, kind: tuple[str, str], language: Language) -> str:
    if not (name.isascii() and name.isalnum() and len(name) <= 5):
        return name
    return f"{name}{kind[0]}" if language is Language.ZH else f"{kind[1]}{name}"


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _plain(part: str) -> str:
    return part.replace("%2F", "/")
