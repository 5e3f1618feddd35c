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
    PROBE = "probe"
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
    FaultKind.BRANCH_END: Traits(Target.BRANCH, Scope.BRANCH_END, Side.NETWORK, 0.1, "share of the flow"),
    FaultKind.BUILDING_VALVE: Traits(Target.BUILDING, Scope.BUILDING, Side.NETWORK, 0.1, "share of the flow"),
    FaultKind.RISER: Traits(Target.RISER, Scope.RISER, Side.NETWORK, 0.03, "share of the flow"),
    FaultKind.LOW_FLOORS: Traits(Target.BUILDING, Scope.LOW_FLOORS, Side.NETWORK, 0.1, "share of the flow"),
    FaultKind.HOME_VALVE: Traits(Target.HOME, Scope.HOME, Side.INDOOR, 0.02, "share of the flow"),
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
    FaultKind.PROBE: Traits(Target.ROOM, *_DATA, 85.0, "°C, what a DS18B20 says that lost its supply"),
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
