"""A simulated estate: its register of measurement points and the arrays on which the physics runs.

Z rooms (room points), B buildings, S stations. The same seed gives the same estate. Names and telephone numbers are
invented and look it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np

from firmware_sim.dwellings import Row, entry_point, longest_of, outdoor_point, room_point, rooms_of
from firmware_sim.layout import BuildingPlan, EstateMix, plan_buildings
from heating.reading import Bools, Floats, Ints
from heating.site import Contact, HeatingState, HomeClass, MeasurementPoint, PointKind

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the physics needs of Z rooms.

    Attributes
    ----------
    building, riser, home
        int64 (Z,), indices of the building, of the (building, staircase) and of the home.
    floor, floors_total
        int64 (Z,).
    corner, bottom, top, south, suspended, off_neighbour
        bool (Z,); `bottom` and `top` only in blocks of three floors or more.
    day_c, night_c
        float64 (Z,), floor temperature in the day and at night by the enterprise rule [°C]; -inf where suspended.
    """

    building: Ints
    riser: Ints
    home: Ints
    floor: Ints
    floors_total: Ints
    corner: Bools
    bottom: Bools
    top: Bools
    south: Bools
    suspended: Bools
    off_neighbour: Bools
    day_c: Floats
    night_c: Floats

    def __len__(self) -> int:
        """Return Z."""
        return len(self.building)


@dataclass(frozen=True, slots=True)
class Buildings:
    """What the network needs of B buildings.

    Attributes
    ----------
    station, branch
        int64 (B,), indices into `Estate.station_ids` and `Estate.branch_ids`.
    distance_m
        float64 (B,), pipe length from the station.
    reach
        float64 (B,), distance as a share of the branch's longest, 0…1.
    old
        bool (B,).
    """

    station: Ints
    branch: Ints
    distance_m: Floats
    reach: Floats
    old: Bools

    def __len__(self) -> int:
        """Return B."""
        return len(self.station)


@dataclass(frozen=True, slots=True)
class Estate:
    """Points in the order rooms (Z), entries (B), outdoor (S); `contacts` by point id."""

    rooms: Rooms
    buildings: Buildings
    points: tuple[MeasurementPoint, ...]
    contacts: dict[str, Contact]
    station_ids: tuple[str, ...]
    branch_ids: tuple[str, ...]
    building_ids: tuple[str, ...]
    riser_ids: tuple[str, ...]

    @property
    def room_points(self) -> tuple[MeasurementPoint, ...]:
        """The Z room points."""
        return self.points[: len(self.rooms)]

    @property
    def devices(self) -> tuple[str, ...]:
        """Device ids in the order of `points`; built at each call."""
        return tuple(p.device_id or "" for p in self.points)

    @classmethod
    def build(cls, homes: int, seed: int, mix: EstateMix | None = None) -> Self:
        """Build an estate with `homes` monitored homes."""
        if homes < 1:
            raise ValueError("an estate needs at least one home")
        rng = np.random.default_rng([seed, 1])
        mix = mix or EstateMix()
        plans = plan_buildings(homes, mix, rng)
        shares = [len(part) for part in np.array_split(np.arange(homes), len(plans))]
        rows = [
            row
            for index, (plan, share) in enumerate(zip(plans, shares, strict=True))
            for row in rooms_of(index, plan, share, mix, rng)
        ]
        longest = longest_of(plans)
        points = _number(
            [room_point(row, plans[row.building], longest) for row in rows]
            + [entry_point(plan, longest) for plan in plans]
            + [outdoor_point(station) for station in _unique([plan.station for plan in plans])]
        )
        riser_ids = _unique([p.riser_id for p in points[: len(rows)]])
        return cls(
            rooms=_rooms(rows, points[: len(rows)], riser_ids, rng, mix),
            buildings=_buildings(plans, longest),
            points=points,
            contacts={p.point_id: _contact(i, p) for i, p in enumerate(points[: len(rows)])},
            station_ids=_unique([plan.station for plan in plans]),
            branch_ids=_unique([f"{plan.station}/{plan.branch}" for plan in plans]),
            building_ids=_unique([f"{plan.station}/{plan.name}" for plan in plans]),
            riser_ids=riser_ids,
        )


_PREFIX = {PointKind.ROOM: "P", PointKind.ENTRY: "E", PointKind.OUTDOOR: "O"}


def _number(points: list[MeasurementPoint]) -> tuple[MeasurementPoint, ...]:
    counts = dict.fromkeys(PointKind, 0)
    numbered: list[MeasurementPoint] = []
    for serial, point in enumerate(points, start=1):
        counts[point.kind] += 1
        point_id = f"{_PREFIX[point.kind]}{counts[point.kind]:05d}"
        numbered.append(msgspec.structs.replace(point, point_id=point_id, device_id=f"SIM{serial:06d}"))
    return tuple(numbered)


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _rooms(
    rows: list[Row],
    points: tuple[MeasurementPoint, ...],
    riser_ids: tuple[str, ...],
    rng: np.random.Generator,
    mix: EstateMix,
) -> Rooms:
    count = len(rows)
    homes = {home: i for i, home in enumerate(_unique([p.home_id for p in points]))}
    risers = {riser: i for i, riser in enumerate(riser_ids)}
    floor = np.array([p.floor for p in points], dtype=np.int64)
    total = np.array([p.floors_total for p in points], dtype=np.int64)
    suspended = np.array([p.heating_state is HeatingState.SUSPENDED for p in points], dtype=np.bool_)
    day, night = (np.array(column, dtype=np.float64) for column in zip(*(_floors(p) for p in points), strict=True))
    return Rooms(
        building=np.array([row.building for row in rows], dtype=np.int64),
        riser=np.array([risers[p.riser_id] for p in points], dtype=np.int64),
        home=np.array([homes[p.home_id] for p in points], dtype=np.int64),
        floor=floor,
        floors_total=total,
        corner=np.array([bool(p.corner) for p in points], dtype=np.bool_),
        bottom=(floor == 1) & (total >= 3),
        top=(floor == total) & (total >= 3),
        south=rng.random(count) < 0.6,
        suspended=suspended,
        off_neighbour=rng.random(count) < mix.off_neighbour,
        day_c=np.where(suspended, -np.inf, day),
        night_c=np.where(suspended, -np.inf, night),
    )


def _floors(point: MeasurementPoint) -> tuple[float, float]:
    """Day and night floor [°C] (S2 §7(1) for apartments, the contract for others)."""
    if point.home_class is HomeClass.APARTMENT or point.contract_day_c is None:
        return 18.0, 16.0
    night = point.contract_night_c
    return point.contract_day_c, point.contract_day_c if night is None else night


def _buildings(plans: list[BuildingPlan], longest: dict[tuple[str, str], float]) -> Buildings:
    stations = {name: i for i, name in enumerate(_unique([plan.station for plan in plans]))}
    branches = {key: i for i, key in enumerate(longest)}
    distance = np.array([plan.distance_m for plan in plans], dtype=np.float64)
    return Buildings(
        station=np.array([stations[plan.station] for plan in plans], dtype=np.int64),
        branch=np.array([branches[plan.station, plan.branch] for plan in plans], dtype=np.int64),
        distance_m=distance,
        reach=distance / np.array([longest[plan.station, plan.branch] for plan in plans], dtype=np.float64),
        old=np.array([plan.old for plan in plans], dtype=np.bool_),
    )


def _contact(index: int, point: MeasurementPoint) -> Contact:
    name = f"{_SURNAMES[index % len(_SURNAMES)]}样例{index:05d}"
    address = f"模拟小区{point.station}片{point.building}号楼{point.unit}单元{point.room}室"
    return Contact(name=name, phone=f"000{index:08d}", address=address)
