"""Faults with known truth: what can go wrong, whom it hits, and what the right diagnosis is.

A scenario names faults by kind with a count or a share; here they are laid on an estate. Magnitudes are those of
reference/regulations.md §3.3, assumptions unless that page cites a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
import numpy as np

from firmware_sim.estate import Estate
from heating.finding import Scope, Side
from heating.reading import Floats, Ints

HOUR_MS = 3_600_000
FOREVER_MS = 2**53


class FaultKind(StrEnum):
    """What can go wrong."""

    BRANCH_END = "branch_end"
    BUILDING_VALVE = "building_valve"
    RISER = "riser"
    LOW_FLOORS = "low_floors"
    HOME_VALVE = "home_valve"
    SUPPLY_LOW = "supply_low"
    OUTAGE = "outage"
    WINDOW = "window"
    SUN = "sun"
    RADIATOR = "radiator"
    KITCHEN = "kitchen"
    NEAR_WINDOW = "near_window"
    STUCK = "stuck"
    OFFSET = "offset"
    SPIKE = "spike"
    DRIFT = "drift"
    DEAD = "dead"
    OFFLINE = "offline"
    DUPLICATE = "duplicate"
    SKEW = "skew"
    LOW_BATTERY = "low_battery"
    MOVED = "moved"
    GARBAGE = "garbage"


class Target(StrEnum):
    """What a fault is counted in, and hits as a whole."""

    STATION = "station"
    BRANCH = "branch"
    BUILDING = "building"
    RISER = "riser"
    HOME = "home"
    ROOM = "room"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a kind hits, its true cause, and the default and unit of its level."""

    target: Target
    scope: Scope
    side: Side
    level: float
    unit: str


_DATA = (Scope.SENSOR, Side.DATA)
TRAITS: dict[FaultKind, Traits] = {
    FaultKind.BRANCH_END: Traits(Target.BRANCH, Scope.BRANCH_END, Side.NETWORK, 0.22, "share of the flow"),
    FaultKind.BUILDING_VALVE: Traits(Target.BUILDING, Scope.BUILDING, Side.NETWORK, 0.18, "share of the flow"),
    FaultKind.RISER: Traits(Target.RISER, Scope.RISER, Side.NETWORK, 0.1, "share of the flow"),
    FaultKind.LOW_FLOORS: Traits(Target.BUILDING, Scope.LOW_FLOORS, Side.NETWORK, 0.22, "share of the flow"),
    FaultKind.HOME_VALVE: Traits(Target.HOME, Scope.HOME, Side.INDOOR, 0.05, "share of the flow"),
    FaultKind.SUPPLY_LOW: Traits(Target.STATION, Scope.STATION, Side.NETWORK, 12.0, "K below the curve"),
    FaultKind.OUTAGE: Traits(Target.STATION, Scope.STATION, Side.NETWORK, 1.0, "primary heat lost, water circulates"),
    FaultKind.WINDOW: Traits(Target.ROOM, Scope.WINDOW, Side.INDOOR, 4.5, "W/(m²·K)"),
    FaultKind.SUN: Traits(Target.ROOM, *_DATA, 3.0, "K at noon under a clear sky"),
    FaultKind.RADIATOR: Traits(Target.ROOM, *_DATA, 4.0, "K"),
    FaultKind.KITCHEN: Traits(Target.ROOM, *_DATA, 4.0, "K at meals"),
    FaultKind.NEAR_WINDOW: Traits(Target.ROOM, *_DATA, 0.1, "share of the way to outdoors"),
    FaultKind.STUCK: Traits(Target.ROOM, *_DATA, 0.0, "none"),
    FaultKind.OFFSET: Traits(Target.ROOM, *_DATA, -2.5, "K"),
    FaultKind.SPIKE: Traits(Target.ROOM, *_DATA, 0.05, "chance of a sample"),
    FaultKind.DRIFT: Traits(Target.ROOM, *_DATA, -0.5, "K a day"),
    FaultKind.DEAD: Traits(Target.ROOM, *_DATA, 0.0, "none"),
    FaultKind.OFFLINE: Traits(Target.ROOM, *_DATA, 0.0, "none"),
    FaultKind.DUPLICATE: Traits(Target.ROOM, *_DATA, 0.5, "chance of a packet"),
    FaultKind.SKEW: Traits(Target.ROOM, *_DATA, -10.0, "min"),
    FaultKind.LOW_BATTERY: Traits(Target.ROOM, *_DATA, 2.45, "V"),
    FaultKind.MOVED: Traits(Target.ROOM, *_DATA, 1.5, "K at the new place"),
    FaultKind.GARBAGE: Traits(Target.ROOM, *_DATA, 0.5, "chance of a packet"),
}

FLOW_KINDS = frozenset(
    (FaultKind.BRANCH_END, FaultKind.BUILDING_VALVE, FaultKind.RISER, FaultKind.LOW_FLOORS, FaultKind.HOME_VALVE)
)
STATION_KINDS = frozenset((FaultKind.SUPPLY_LOW, FaultKind.OUTAGE))
# Kinds that make rooms truly colder; the other ones only touch what is said of them.
THERMAL_KINDS = FLOW_KINDS | STATION_KINDS | {FaultKind.WINDOW}


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Faults of one kind in a scenario: how many, when, how bad.

    Attributes
    ----------
    count, share
        How many targets, or which share of all (one of the two; neither means one target).
    start_h
        Start in hours after the scenario's now; negative lies in the history.
    spread_h
        Each target starts up to this much later.
    hours
        Duration; None lasts to the end.
    repeat_h
        Comes again after this many hours, each time on the same targets; None does not.
    level
        Magnitude in the unit of the kind (`TRAITS`); None takes its default.
    """

    kind: FaultKind
    count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    start_h: float = 0.0
    spread_h: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    hours: Annotated[float, msgspec.Meta(gt=0)] | None = None
    repeat_h: Annotated[float, msgspec.Meta(gt=0)] | None = None
    level: float | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.share is not None:
            raise ValueError(f"fault {self.kind}: give count or share, not both")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault laid on the estate over [start_ms, end_ms).

    Attributes
    ----------
    rooms
        int64, indices of the rooms it acts on.
    subject
        Id of the place that is at fault (`S1/B`, `S1/3/1`, a point id …).
    station
        Index of the station for faults of a station, else -1.
    """

    kind: FaultKind
    subject: str
    rooms: Ints
    station: int
    start_ms: int
    end_ms: int
    level: float


def lay_faults(
    specs: tuple[FaultSpec, ...], estate: Estate, now_ms: int, end_ms: int, rng: np.random.Generator
) -> list[Fault]:
    """Choose targets and times; repeats are laid up to `end_ms`.

    Kinds of one target never share it while others are free, so that each fault can be told apart.
    """
    taken: dict[Target, set[int]] = {target: set() for target in Target}
    faults: list[Fault] = []
    for spec in specs:
        traits = TRAITS[spec.kind]
        for index in _choose(spec, traits.target, estate, taken, rng):
            offset_h = spec.start_h + float(rng.uniform(0, spec.spread_h)) if spec.spread_h else spec.start_h
            start = now_ms + round(offset_h * 3600) * 1000
            faults += _repeated(spec, estate, index, start, end_ms)
    return faults


def _choose(
    spec: FaultSpec, target: Target, estate: Estate, taken: dict[Target, set[int]], rng: np.random.Generator
) -> list[int]:
    eligible = _eligible(spec.kind, target, estate)
    wanted = spec.count if spec.count is not None else 1
    if spec.share is not None:
        wanted = round(spec.share * len(eligible))
    order = [int(i) for i in rng.permutation(eligible)]
    alone = spec.repeat_h is None  # daily habits may meet any other fault
    if alone:
        order.sort(key=lambda i: i in taken[target])
    chosen = order[:wanted]
    if alone:
        taken[target].update(chosen)
        _reserve(chosen, target, estate, taken)
    return chosen


def _reserve(chosen: list[int], target: Target, estate: Estate, taken: dict[Target, set[int]]) -> None:
    """Mark what lies under the chosen places, so that later faults look elsewhere first."""
    for index in chosen:
        rooms = _rooms_under(target, index, estate)
        taken[Target.ROOM].update(int(r) for r in rooms)
        taken[Target.HOME].update(int(h) for h in estate.rooms.home[rooms])
        taken[Target.RISER].update(int(r) for r in estate.rooms.riser[rooms])
        taken[Target.BUILDING].update(int(b) for b in estate.rooms.building[rooms])


def _eligible(kind: FaultKind, target: Target, estate: Estate) -> Ints:
    """Places where a kind shows: branches with a far end, risers and low floors with enough points."""
    rooms, buildings = estate.rooms, estate.buildings
    heated = np.flatnonzero(~rooms.suspended)
    if target is Target.STATION:
        return np.arange(len(estate.station_ids))
    if target is Target.BRANCH:
        sizes = np.bincount(buildings.branch, minlength=len(estate.branch_ids))
        return _or_all(np.flatnonzero(sizes >= 3), len(sizes))
    if kind is FaultKind.LOW_FLOORS:
        tall = np.unique(rooms.building[(rooms.floors_total >= 6) & (rooms.floor <= 2)])
        return tall if len(tall) else np.arange(len(buildings))
    if target is Target.BUILDING:
        return np.arange(len(buildings))
    if target is Target.RISER:
        return _risers(estate)
    if target is Target.HOME:
        return np.unique(rooms.home[heated])
    return heated


def _risers(estate: Estate) -> Ints:
    rooms = estate.rooms
    points = np.bincount(rooms.riser, minlength=len(estate.riser_ids))
    building_of = np.zeros(len(estate.riser_ids), dtype=np.int64)
    building_of[rooms.riser] = rooms.building
    risers = np.bincount(building_of, minlength=len(estate.buildings))
    # A riser can be told from its building only where the building has another one.
    return _or_all(np.flatnonzero((points >= 3) & (risers[building_of] >= 2)), len(points))


def _or_all(indices: Ints, count: int) -> Ints:
    return indices if len(indices) else np.arange(count)


def _repeated(spec: FaultSpec, estate: Estate, index: int, start_ms: int, end_ms: int) -> list[Fault]:
    traits = TRAITS[spec.kind]
    rooms = _affected(spec.kind, traits.target, index, estate)
    subject = _subject(traits.target, index, estate)
    station = index if traits.target is Target.STATION else -1
    level = traits.level if spec.level is None else spec.level
    length = FOREVER_MS if spec.hours is None else round(spec.hours * HOUR_MS)
    faults: list[Fault] = []
    while True:
        faults.append(Fault(spec.kind, subject, rooms, station, start_ms, min(start_ms + length, FOREVER_MS), level))
        if spec.repeat_h is None or spec.hours is None:
            return faults
        start_ms += round(spec.repeat_h * HOUR_MS)
        if start_ms >= end_ms:
            return faults


def _affected(kind: FaultKind, target: Target, index: int, estate: Estate) -> Ints:
    rooms = _rooms_under(target, index, estate)
    if kind is FaultKind.BRANCH_END:
        reach = estate.buildings.reach[estate.rooms.building[rooms]]
        return rooms[reach >= 0.75]
    if kind is FaultKind.LOW_FLOORS:
        return rooms[estate.rooms.floor[rooms] <= np.maximum(2, estate.rooms.floors_total[rooms] // 3)]
    return rooms


def _rooms_under(target: Target, index: int, estate: Estate) -> Ints:
    rooms, buildings = estate.rooms, estate.buildings
    if target is Target.ROOM:
        return np.array([index], dtype=np.int64)
    place = {
        Target.HOME: rooms.home,
        Target.RISER: rooms.riser,
        Target.BUILDING: rooms.building,
        Target.BRANCH: buildings.branch[rooms.building],
        Target.STATION: buildings.station[rooms.building],
    }[target]
    return np.flatnonzero(place == index)


def _subject(target: Target, index: int, estate: Estate) -> str:
    if target is Target.ROOM:
        return estate.points[index].point_id
    if target is Target.HOME:
        return estate.points[int(np.flatnonzero(estate.rooms.home == index)[0])].home_id
    names = {
        Target.STATION: estate.station_ids,
        Target.BRANCH: estate.branch_ids,
        Target.BUILDING: estate.building_ids,
        Target.RISER: estate.riser_ids,
    }[target]
    return names[index]


@dataclass(frozen=True, slots=True)
class Effects:
    """All faults of some kinds spread over rooms: E rows of (room, start, end, level)."""

    kind: Ints
    room: Ints
    start_ms: Ints
    end_ms: Ints
    level: Floats

    @classmethod
    def of(cls, faults: list[Fault]) -> Effects:
        """Spread faults over their rooms."""
        sizes = [len(f.rooms) for f in faults]
        return cls(
            kind=np.repeat(np.array([KINDS.index(f.kind) for f in faults], dtype=np.int64), sizes),
            room=np.concatenate([f.rooms for f in faults]) if faults else np.zeros(0, dtype=np.int64),
            start_ms=np.repeat(np.array([f.start_ms for f in faults], dtype=np.int64), sizes),
            end_ms=np.repeat(np.array([f.end_ms for f in faults], dtype=np.int64), sizes),
            level=np.repeat(np.array([f.level for f in faults], dtype=np.float64), sizes),
        )

    def during(self, start_ms: int, end_ms: int) -> Effects:
        """Return the effects that touch [start, end)."""
        return self._rows((self.start_ms < end_ms) & (self.end_ms > start_ms))

    def of_kind(self, *kinds: FaultKind) -> Effects:
        """Return the effects of some kinds."""
        return self._rows(np.isin(self.kind, [KINDS.index(k) for k in kinds]))

    def at(self, ts_ms: int) -> Effects:
        """Return the effects in force at an instant."""
        return self._rows((self.start_ms <= ts_ms) & (ts_ms < self.end_ms))

    def _rows(self, keep: np.ndarray) -> Effects:
        return Effects(self.kind[keep], self.room[keep], self.start_ms[keep], self.end_ms[keep], self.level[keep])


KINDS = tuple(FaultKind)
