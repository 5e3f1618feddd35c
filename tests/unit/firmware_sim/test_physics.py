"""Rooms that a heating engineer would believe: figures of regulations.md §3.1 and §3.2."""

from dataclasses import dataclass

import numpy as np
import pytest

from firmware_sim.estate import Estate
from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.network import Curve
from firmware_sim.scenario import Scenario, load_scenario
from firmware_sim.thermal import MEAN_GAIN, Drive, Physics, State, step
from firmware_sim.weather import CLIMATES
from firmware_sim.world import Hour, World
from heating.instants import to_ms
from heating.reading import Floats

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Week:
    estate: Estate
    air: Floats  # (T, Z)
    outdoor: Floats


@pytest.fixture(scope="module")
def week() -> Week:
    """A quiet week of a large estate."""
    estate = Estate.build(1500, 1)
    world = world_of(Scenario(name="quiet", description=""), estate, 1)
    hours = [world.hour() for _ in range(168)]
    return Week(estate, np.concatenate([h.air[:-1] for h in hours]), np.concatenate([h.outdoor[:-1] for h in hours]))


def world_of(scenario: Scenario, estate: Estate, seed: int) -> World:
    start = to_ms(scenario.default_start())
    return World(scenario, estate, seed, start, start)


def test_heated_rooms_lie_where_chinese_homes_lie(week: Week) -> None:
    # 19–24 °C typical, variance 0.48 K² in an estate under conventional control (regulations.md §3.1).
    air = week.air[:, ~week.estate.rooms.suspended]
    assert 20.5 < air.mean() < 22.0
    assert 0.35 < air.var() < 0.65
    assert np.percentile(air, 1) > 18.5
    assert np.percentile(air, 99) < 24.0
    assert 0.05 < air.var(axis=0).mean() < 0.3  # a room by itself changes little


def test_exposed_rooms_are_colder(week: Week) -> None:
    rooms, mean = week.estate.rooms, week.air.mean(axis=0)
    inner = ~(rooms.bottom | rooms.top | rooms.corner | rooms.off_neighbour | rooms.suspended)
    for exposed in (rooms.bottom, rooms.top, rooms.corner):
        assert 0.2 < mean[inner].mean() - mean[exposed & ~rooms.suspended].mean() < 1.5
    end = week.estate.buildings.reach[rooms.building] > 0.9
    near = week.estate.buildings.reach[rooms.building] < 0.3
    assert 0.2 < mean[inner & near].mean() - mean[inner & end].mean() < 3.0
    off = mean[rooms.off_neighbour & ~rooms.suspended].mean()
    assert 0.2 < mean[~rooms.off_neighbour & ~rooms.suspended].mean() - off < 1.0
    assert 8 < mean[rooms.suspended].mean() < 17


def cooling_hours(from_c: float, to_c: float, outdoor_c: float, *, old: bool) -> Floats:
    """Hours in which rooms of whole buildings fall by themselves once the water stops, from rest at `from_c`."""
    estate = Estate.build(400, 2)
    curve = Curve.of(CLIMATES["tianjin"])
    physics = Physics.draw(estate, curve, np.random.default_rng(2))
    state = State.steady(physics, curve)
    shift = from_c - physics.target
    state.air, state.mass = state.air + shift, state.mass + shift
    still = np.zeros(len(estate.rooms))
    took = np.full(len(still), np.nan)
    for k in range(12 * 60):
        around = state.air  # neighbours of an outage cool alike
        step(state, physics, Drive(outdoor_c, still, still, still, still + MEAN_GAIN, around))
        took = np.where(np.isnan(took) & (state.air < to_c), (k + 1) / 12, took)
    ours = estate.buildings.old[estate.rooms.building] == old
    return took[ours]


def test_old_buildings_lose_three_kelvin_in_six_to_ten_hours() -> None:
    # Measured 23 → 20 °C at 0 °C: 6 h (1970s) and 10 h (1980s), liu.diva-portal.org diva2:893577.
    hours = cooling_hours(23, 20, 0, old=True)
    assert 6 < np.median(hours) < 10


def test_old_buildings_fall_to_sixteen_in_the_hours_seen_in_tianjin() -> None:
    # 150–245 min to 16 °C, fastest where the envelope is large (doi 10.3389/fenrg.2023.1120184); simulated from 18 °C.
    minutes = 60 * cooling_hours(18, 16, -5, old=True)
    assert np.percentile(minutes, 10) < 245
    assert 150 < np.median(minutes) < 300


def test_insulated_buildings_keep_their_heat_longer() -> None:
    assert np.median(cooling_hours(20, 18, -5, old=False)) > 1.5 * np.median(cooling_hours(20, 18, -5, old=True))


@pytest.mark.parametrize(
    ("climate", "outdoor", "supply", "back"),
    [("tianjin", 5, 42.8, 35.0), ("tianjin", 0, 50.2, 39.4), ("tianjin", -7, 60, 45), ("harbin", -18, 68.0, 46.7)],
)
def test_the_heating_curve_is_that_of_the_reference(climate: str, outdoor: float, supply: float, back: float) -> None:
    assert Curve.of(CLIMATES[climate]).water(outdoor) == pytest.approx((supply, back), abs=0.06)


def after(kind: FaultKind, hours: int, count: int = 1) -> tuple[World, list[Hour], list[Hour]]:
    """A fault from hour 24 on, beside the same world without it."""
    worlds = []
    estate = Estate.build(250, 4)
    for number in (count, 0):
        spec = FaultSpec(kind=kind, count=number, start_h=0.0)
        scenario = Scenario(name="one", description="", faults=(spec,))
        world = world_of(scenario, estate, 4)
        worlds.append((world, [world.hour() for _ in range(hours)]))
    return worlds[0][0], worlds[0][1], worlds[1][1]


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.BRANCH_END,
        FaultKind.BUILDING_VALVE,
        FaultKind.RISER,
        FaultKind.LOW_FLOORS,
        FaultKind.HOME_VALVE,
        FaultKind.SUPPLY_LOW,
        FaultKind.OUTAGE,
    ],
)
def test_a_fault_cools_the_rooms_it_hits_and_no_others_much(kind: FaultKind) -> None:
    world, with_fault, without = after(kind, 30)
    fall = without[-1].air[-1] - with_fault[-1].air[-1]
    hit = np.zeros(len(fall), dtype=bool)
    hit[np.concatenate([f.rooms for f in world.faults])] = True
    hit &= ~world.estate.rooms.suspended
    assert fall[hit].mean() > 1.5
    assert fall[~hit].max() < fall[hit].mean()


def test_a_starved_building_shows_cold_return_water_and_normal_supply() -> None:
    world, with_fault, without = after(FaultKind.BUILDING_VALVE, 12)
    building = world.estate.rooms.building[world.faults[0].rooms[0]]
    assert with_fault[-1].supply[-1, building] == pytest.approx(without[-1].supply[-1, building])
    assert without[-1].back[-1, building] - with_fault[-1].back[-1, building] > 5


def test_an_outage_takes_the_supply_of_its_station_alone() -> None:
    world, with_fault, without = after(FaultKind.OUTAGE, 10)
    station = world.estate.buildings.station == world.faults[0].station
    drop = without[-1].supply[-1] - with_fault[-1].supply[-1]
    assert (drop[station] > 8).all()
    assert np.allclose(drop[~station], 0)


def test_an_open_window_costs_some_kelvin_in_minutes_and_heals_in_hours() -> None:
    # Drop 2–6 K in 10–40 min, recovery 1–2 h (regulations.md §3.3).
    estate = Estate.build(250, 4)
    spec = FaultSpec(kind=FaultKind.WINDOW, share=0.2, start_h=2.0, hours=0.5)
    world = world_of(Scenario(name="air", description="", faults=(spec,)), estate, 4)
    air = np.concatenate([world.hour().air[:-1] for _ in range(6)])
    rooms = np.concatenate([f.rooms for f in world.faults])
    drop = air[24, rooms] - air[30, rooms]
    left = air[24, rooms] - air[30 + 24, rooms]
    assert 2 < np.median(drop) < 6
    assert np.median(left) < 0.25 * np.median(drop)


def test_a_cold_wave_is_felt_indoors() -> None:
    world = world_of(load_scenario("cold-wave"), Estate.build(100, 1), 1)
    outdoor = np.concatenate([world.hour().outdoor[:-1] for _ in range(36)])
    assert outdoor[:12].mean() - outdoor[-72:].mean() > 5
