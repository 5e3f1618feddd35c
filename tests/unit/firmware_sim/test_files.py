"""Files of a simulated estate: same bytes from the same seed, and a truth that a slow walk confirms."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from firmware_sim.estate import Estate
from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.scenario import Scenario, load_scenario, scenario_names
from firmware_sim.sensors import Sensors
from firmware_sim.simulate import simulate_to_files
from firmware_sim.truth import Truth, TruthKeeper, read_truth
from firmware_sim.world import Hour, World
from heating.errors import InputError
from heating.instants import from_ms, parse_instant, to_ms
from heating.readings_file import read_readings
from heating.register import Register


def scenario_of(*faults: FaultSpec, days: float = 1.0) -> Scenario:
    return Scenario(name="test", description="", days=days, faults=faults)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_gives_the_same_bytes_again(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    start = scenario.default_start()
    for run in ("a", "b"):
        simulate_to_files(scenario, 24, 5, tmp_path / run, start, start + timedelta(hours=30))
    for file in ("points.csv", "readings.csv", "truth.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_readings_are_those_of_the_contract(tmp_path: Path) -> None:
    scenario = scenario_of()
    done = simulate_to_files(scenario, 40, 1, tmp_path)
    estate = Estate.build(40, 1)
    table = read_readings(tmp_path / "readings.csv", Register.of_points(estate.points), scenario.zone)
    assert table.skipped.total == 0
    assert table.rows == done.readings == 72 * len(estate.points)  # every 20 minutes
    start, end = to_ms(done.start), to_ms(done.end)
    assert ((table.table.ts_ms >= start) & (table.table.ts_ms < end)).all()
    temperature = table.table.temperature_c[~np.isnan(table.table.temperature_c)]
    assert np.allclose(temperature, np.round(temperature, 1))


def walk(scenario: Scenario, homes: int, hours: int) -> tuple[Estate, list[Hour], Truth, World]:
    estate = Estate.build(homes, 7, scenario.estate)
    start = to_ms(scenario.default_start())
    world = World(scenario, estate, 7, start, start)
    keeper = TruthKeeper(estate, scenario.zone, world.faults)
    walked = []
    for _ in range(hours):
        hour = world.hour()
        keeper.take(hour)
        walked.append(hour)
    return estate, walked, keeper.truth(start, world.next_ms), world


def test_the_truth_is_what_a_slow_walk_finds() -> None:
    valves = FaultSpec(kind=FaultKind.HOME_VALVE, share=0.2, start_h=-30)
    windows = FaultSpec(kind=FaultKind.WINDOW, share=0.2, start_h=0, spread_h=30, hours=0.5)
    scenario = scenario_of(valves, windows)
    estate, hours, truth, _ = walk(scenario, 120, 36)
    seen = 0
    for hour in hours:
        for k in range(12):
            at = from_ms(int(hour.times_ms[k]))
            cold = set()
            for z, point in enumerate(estate.room_points):
                day = 6 <= at.astimezone(scenario.zone).hour < 21
                floor = {
                    "apartment": 18.0 if day else 16.0,
                    "bungalow": 16.0 if day else 14.0,
                    "nonresidential": 18.0 if day else 12.0,
                }[point.home_class]
                if point.heating_state != "suspended" and hour.air[k, z] < floor:
                    cold.add(point.point_id)
            assert set(truth.cold_points(at)) == cold
            seen += len(cold)
    assert seen > 100


def test_a_cold_spell_names_the_fault_behind_it(tmp_path: Path) -> None:
    done = simulate_to_files(scenario_of(FaultSpec(kind=FaultKind.BRANCH_END, start_h=-40), days=2.0), 120, 1, tmp_path)
    cold = done.truth.cold()
    starved = {r.point_id for r in done.truth.faults()}
    assert starved
    for row in cold:
        if row.point_id in starved:
            assert (row.fault, row.scope, row.side) == ("branch_end", "branch_end", "network")
            assert row.subject.count("/") == 1
    assert len({r.point_id for r in cold} & starved) > 0.5 * len(starved)
    back = read_truth(tmp_path / "truth.csv")
    at = done.start + timedelta(hours=30)
    assert back.cold_homes(at) == done.truth.cold_homes(at) != frozenset()
    assert len(back.rows) == len(done.truth.rows)


def readings_of(tmp_path: Path, *faults: FaultSpec, homes: int = 30) -> tuple[list[dict[str, str]], Truth]:
    done = simulate_to_files(scenario_of(*faults, days=1.0), homes, 2, tmp_path)
    with (tmp_path / "readings.csv").open(newline="") as handle:
        return list(csv.DictReader(handle)), done.truth


def device_of(truth: Truth, homes: int = 30) -> str:
    point = truth.faults()[0].point_id
    return next(p.device_id or "" for p in Estate.build(homes, 2).points if p.point_id == point)


def values(rows: list[dict[str, str]], device: str) -> list[float]:
    return [float(r["temperature_c"]) for r in rows if r["device_id"] == device]


def test_a_stuck_sensor_repeats_one_value(tmp_path: Path) -> None:
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.STUCK, start_h=-12, hours=6))
    held = values(rows, device_of(truth))
    assert len(set(held[37:53])) == 1
    assert len(set(held[:36])) > 3
    assert len(set(held[55:])) > 2


def test_a_dead_sensor_falls_silent(tmp_path: Path) -> None:
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.DEAD, start_h=-12))
    assert len(values(rows, device_of(truth))) == 36


def test_a_moved_offset_shifts_and_a_spike_jumps(tmp_path: Path) -> None:
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.OFFSET, start_h=-12, level=-5.0))
    shifted = values(rows, device_of(truth))
    assert np.mean(shifted[:36]) - np.mean(shifted[36:]) == pytest.approx(5, abs=1)
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.SPIKE, start_h=-24, level=0.2))
    jumps = np.abs(np.diff(values(rows, device_of(truth))))
    assert (jumps > 7).sum() > 5


def test_a_backlog_arrives_late_with_its_own_times(tmp_path: Path) -> None:
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.OFFLINE, start_h=-20, hours=8))
    device = device_of(truth)
    order = [k for k, r in enumerate(rows) if r["device_id"] == device]
    times = [parse_instant(rows[k]["ts"], None) for k in order]
    assert times == sorted(times)
    assert len(times) == 72  # nothing lost
    newest_before = [max(parse_instant(r["ts"], None) for r in rows[: k + 1]) for k in order]
    late = [(newest - ts) > timedelta(hours=2) for ts, newest in zip(times, newest_before, strict=True)]
    assert sum(late) > 15


def test_a_backlog_that_never_came_is_absent(tmp_path: Path) -> None:
    rows, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.OFFLINE, start_h=-6))
    assert len(values(rows, device_of(truth))) == 54


def test_a_skewed_clock_shifts_the_times(tmp_path: Path) -> None:
    plain, _ = readings_of(tmp_path)
    skewed, truth = readings_of(tmp_path, FaultSpec(kind=FaultKind.SKEW, start_h=-24, level=-10))
    device = device_of(truth)

    def times(rows: list[dict[str, str]]) -> list[datetime]:
        return [parse_instant(r["ts"], None) for r in rows if r["device_id"] == device]

    assert {a - b for a, b in zip(times(plain), times(skewed), strict=True)} == {timedelta(minutes=10)}


def test_sensors_err_as_little_as_good_ones() -> None:
    estate, hours, _, world = walk(scenario_of(), 60, 0)
    assert hours == []
    sensors = Sensors(world, world.scenario.nodes, 7)
    errors = []
    for _ in range(24):
        hour = world.hour()
        samples = sensors.hour(hour)
        rooms = samples.rows(samples.device < len(estate.rooms))
        nearest = np.rint((rooms.taken_ms - hour.times_ms[0]) / 300_000).astype(int)
        errors.append(rooms.temperature_c - hour.air[nearest, rooms.device])
    assert np.concatenate(errors).std() < 0.2


def test_scenarios_are_strict(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('name = "x"\ndescription = ""\n[[faults]]\nkind = "branch_end"\nhoures = 3\n')
    with pytest.raises(InputError, match="houres"):
        load_scenario(str(file))
    file.write_text('name = "x"\ndescription = ""\n[weather]\nclimate = "paris"\n')
    with pytest.raises(InputError, match=r"paris.*tianjin"):
        load_scenario(str(file))
    with pytest.raises(InputError, match="demo"):
        load_scenario("no-such")
