"""The rows of an estate's register: who lives at a designated point, and what its row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from firmware_sim.layout import BuildingPlan, Dwelling, EstateMix, designate
from heating.site import HeatingState, HomeClass, MeasurementPoint, PointKind

NETWORK_END_FRACTION = 0.8  # contract §2, analyzer.network_end_fraction
_INSTALLED = date(2026, 9, 15)


@dataclass(frozen=True, slots=True)
class Row:
    """One room: index of its building, where it lies, what it is."""

    building: int
    dwelling: Dwelling
    space: str
    home_class: HomeClass
    state: HeatingState
    area_m2: float


def rooms_of(index: int, plan: BuildingPlan, homes: int, mix: EstateMix, rng: np.random.Generator) -> list[Row]:
    """Return the rooms with a point in a building's designated homes."""
    rows: list[Row] = []
    for dwelling in designate(plan, homes, rng):
        home_class = _class_of(plan, dwelling, mix, rng)
        state = _state_of(mix, rng)
        area = round(float(rng.normal(60 if plan.old else 95, 12)), 1)
        spaces = ("客厅", "主卧") if rng.random() < mix.two_points else ("客厅",)
        if home_class is HomeClass.NONRESIDENTIAL:
            spaces = ("营业厅",)
        rows += [Row(index, dwelling, space, home_class, state, max(area, 25.0)) for space in spaces]
    return rows


def _class_of(plan: BuildingPlan, dwelling: Dwelling, mix: EstateMix, rng: np.random.Generator) -> HomeClass:
    # Shops stand on the ground floor; six times the share there makes about the share of all.
    draw = rng.random()
    if plan.bungalow:
        return HomeClass.BUNGALOW
    shop = dwelling.floor == 1 and draw < 4 * mix.nonresidential
    return HomeClass.NONRESIDENTIAL if shop else HomeClass.APARTMENT


def _state_of(mix: EstateMix, rng: np.random.Generator) -> HeatingState:
    draw = rng.random()
    if draw < mix.suspended:
        return HeatingState.SUSPENDED
    return HeatingState.PARTIAL if draw < mix.suspended + mix.partial else HeatingState.ON


def longest_of(plans: list[BuildingPlan]) -> dict[tuple[str, str], float]:
    """Return the pipe length to the far end of each (station, branch) [m]."""
    longest: dict[tuple[str, str], float] = {}
    for plan in plans:
        key = (plan.station, plan.branch)
        longest[key] = max(longest.get(key, 0.0), plan.distance_m)
    return longest


def _is_end(plan: BuildingPlan, longest: dict[tuple[str, str], float]) -> bool:
    return plan.distance_m >= NETWORK_END_FRACTION * longest[plan.station, plan.branch]


def room_point(row: Row, plan: BuildingPlan, longest: dict[tuple[str, str], float]) -> MeasurementPoint:
    """Return the register row of a room, still without a number."""
    day, night = _contract(row.home_class)
    dwelling = row.dwelling
    return MeasurementPoint(
        point_id="",
        station=plan.station,
        branch=plan.branch,
        branch_distance_m=plan.distance_m,
        network_end=_is_end(plan, longest),
        building=plan.name,
        unit=str(dwelling.unit),
        floor=dwelling.floor,
        floors_total=plan.floors,
        room=f"{dwelling.floor}{dwelling.door:02d}",
        space=row.space,
        corner=dwelling.corner,
        area_m2=row.area_m2,
        home_class=row.home_class,
        contract_day_c=day,
        contract_night_c=night,
        heating_state=row.state,
        installed_on=_INSTALLED,
        height_m=1.6,
        wall="内墙",
    )


def _contract(home_class: HomeClass) -> tuple[float | None, float | None]:
    # Assumed contracts: the sources leave the number open (regulations.md §0.1, rows 3 and 4).
    if home_class is HomeClass.BUNGALOW:
        return 16.0, 14.0
    return (18.0, 12.0) if home_class is HomeClass.NONRESIDENTIAL else (None, None)


def entry_point(plan: BuildingPlan, longest: dict[tuple[str, str], float]) -> MeasurementPoint:
    """Return the register row of a building's entry, still without a number."""
    return MeasurementPoint(
        point_id="",
        kind=PointKind.ENTRY,
        station=plan.station,
        branch=plan.branch,
        branch_distance_m=plan.distance_m,
        network_end=_is_end(plan, longest),
        building=plan.name,
        installed_on=_INSTALLED,
    )


def outdoor_point(station: str) -> MeasurementPoint:
    """Return the register row of a station's outdoor sensor, still without a number."""
    return MeasurementPoint(point_id="", kind=PointKind.OUTDOOR, station=station, installed_on=_INSTALLED)
