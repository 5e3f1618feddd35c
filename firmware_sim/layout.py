"""How a simulated estate is laid out: stations, branches, buildings along the pipe, and which homes are designated.

The choice of designated homes follows what cities publish: top and bottom floors, gable ends, and samples of the
middle (reference/regulations.md §1.4: Weifang, Jinan). Sizes and shares are assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

HOMES_PER_BUILDING = 11
BUILDINGS_PER_STATION = 24
BUILDINGS_PER_BRANCH = 8
HEIGHTS = (6, 6, 6, 7, 11, 11, 18, 18, 24)


class EstateMix(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares that shape an estate (0…1); all assumptions."""

    old_buildings: float = 0.55
    bungalow_buildings: float = 0.04
    nonresidential: float = 0.02
    suspended: float = 0.02
    partial: float = 0.015
    two_points: float = 0.06
    off_neighbour: float = 0.05


@dataclass(frozen=True, slots=True)
class BuildingPlan:
    """One building: where it stands on the network [m of pipe] and what it looks like."""

    station: str
    branch: str
    name: str
    distance_m: float
    floors: int
    units: int
    doors: int
    old: bool
    bungalow: bool


@dataclass(frozen=True, slots=True)
class Dwelling:
    """One designated home inside a building."""

    unit: int
    floor: int
    door: int
    corner: bool


def plan_buildings(homes: int, mix: EstateMix, rng: np.random.Generator) -> list[BuildingPlan]:
    """Spread enough buildings for `homes` designated homes over stations and branches, near to far."""
    count = max(1, round(homes / HOMES_PER_BUILDING))
    stations = max(1, round(count / BUILDINGS_PER_STATION))
    share = -(-homes // count)
    plans: list[BuildingPlan] = []
    for number, part in enumerate(np.array_split(np.arange(count), stations), start=1):
        branches = max(1, round(len(part) / BUILDINGS_PER_BRANCH))
        name = 0
        for letter, members in enumerate(np.array_split(part, branches)):
            distance = float(rng.uniform(40, 90))
            for _ in members:
                name += 1
                place = _Place(f"S{number}", chr(ord("A") + letter), str(name), round(distance))
                plans.append(_building(place, share, mix, rng))
                distance += float(rng.uniform(45, 110))
    return plans


@dataclass(frozen=True, slots=True)
class _Place:
    station: str
    branch: str
    name: str
    distance_m: float


def _building(place: _Place, homes: int, mix: EstateMix, rng: np.random.Generator) -> BuildingPlan:
    bungalow = bool(rng.random() < mix.bungalow_buildings)
    old = bool(rng.random() < mix.old_buildings)
    floors = int(rng.choice(HEIGHTS))
    units = int(rng.integers(min(2, homes), max(2, homes // 3) + 1))
    doors = int(rng.integers(2, 5))
    if bungalow:
        old, floors, units, doors = True, 1, 1, homes
    return BuildingPlan(place.station, place.branch, place.name, place.distance_m, floors, units, doors, old, bungalow)


def designate(plan: BuildingPlan, homes: int, rng: np.random.Generator) -> list[Dwelling]:
    """Choose `homes` designated homes: bottom, top and middle of every staircase, gable ends first."""
    chosen: list[Dwelling] = []
    taken: set[tuple[int, int, int]] = set()
    turn = 0
    while len(chosen) < homes:
        unit = turn % plan.units + 1
        floor = _floor(plan.floors, turn // plan.units, rng)
        free = [d for d in _doors(plan, unit, rng) if (unit, floor, d) not in taken]
        turn += 1
        if free:
            taken.add((unit, floor, free[0]))
            chosen.append(Dwelling(unit, floor, free[0], _is_corner(plan, unit, free[0])))
    return sorted(chosen, key=lambda d: (d.unit, d.floor, d.door))


def _floor(floors: int, turn: int, rng: np.random.Generator) -> int:
    if floors < 3:
        return turn % floors + 1
    stage = turn % 5
    if stage == 0:
        return 1
    if stage == 1:
        return floors
    return int(rng.integers(2, floors))


def _doors(plan: BuildingPlan, unit: int, rng: np.random.Generator) -> list[int]:
    doors = [int(d) for d in rng.permutation(plan.doors) + 1]
    return sorted(doors, key=lambda d: not _is_corner(plan, unit, d)) if rng.random() < 0.5 else doors


def _is_corner(plan: BuildingPlan, unit: int, door: int) -> bool:
    return (unit == 1 and door == 1) or (unit == plan.units and door == plan.doors)
