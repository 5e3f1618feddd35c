"""Laying faults on an estate: which places they hit, and when."""

from __future__ import annotations

import numpy as np

from firmware_sim.estate import Estate
from firmware_sim.faults import FOREVER_MS, HOUR_MS, TRAITS, Fault, FaultKind, FaultSpec, Target
from heating.reading import Ints


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
