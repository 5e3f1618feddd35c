"""Hours and days are complete where the ledger says so, whatever comes late, is away, or is killed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from unit.analyzer.fakes import World

from analyzer import upkeep
from analyzer.analysis import Observations, Rules, run_pass
from analyzer.estate import Estate
from analyzer.hours import room_days, room_hours
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from heating.errors import StoreUnavailable
from heating.instants import to_ms
from heating.measurement import RollUp
from heating.point_day import day_bounds, local_day
from heating.register import Register
from heating.regulation import load_profile
from heating.rolled_up import HOUR_MS, RolledUp
from heating.site import HeatingState, MeasurementPoint

START = datetime(2026, 11, 20, 16, tzinfo=UTC)  # midnight in Shanghai
POINTS = [
    MeasurementPoint(point_id=f"P{n}", station="S", building="1", unit="1", room=str(n), floor=n + 1) for n in range(2)
] + [MeasurementPoint(point_id="off", station="S", building="1", room="9", heating_state=HeatingState.SUSPENDED)]
DAY_MINUTES = 1440

values = st.sampled_from([15.5, 16.1, 17.0, 17.9, 18.1, 20.0])
# Minutes between readings, and between sending and arriving: on time, a while, hours, days, beyond the look-back.
gaps = st.sampled_from([20, 20, 20, 37, 100, 700])
delays = st.sampled_from([0, 0, 0, 0, 3, 70, 400, 3000, 20 * DAY_MINUTES])
# Minutes between two sweeps: as usual, over an hour, days, and beyond the look-back.
pauses = st.sampled_from([7, 20, 61, 300, 1500, 4000, 16 * DAY_MINUTES])


def rules_in(zone: str) -> Rules:
    return Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo(zone))


@st.composite
def deliveries(draw: Any) -> list[tuple[int, tuple[str, int, float]]]:
    """Readings with the minute of their arrival, over some days."""
    rows = []
    for point in POINTS:
        minute = draw(st.integers(-30 * DAY_MINUTES, 600))
        for gap, value, delay, repeat in draw(
            st.lists(st.tuples(gaps, values, delays, st.integers(1, 12)), max_size=9)
        ):
            for _ in range(repeat):
                rows.append((max(minute + delay, 0), (point.point_id, minute, value)))
                minute += gap
    return sorted(rows)


def wanted(world: World, rules: Rules, rolled_up: RolledUp) -> tuple[RollUp, list[RollUp]]:
    """All hours and days that are complete, worked out at once from all readings."""
    estate = Estate(Register.of_points(POINTS))
    rooms = world.store.series(estate.ids, -(1 << 60), 1 << 60)
    rule = run_pass(estate, rules, Observations(rooms), rolled_up.through_ms).rule
    start = rolled_up.from_ms // HOUR_MS * HOUR_MS
    days = []
    day = local_day(rolled_up.from_ms, rules.zone)
    while day_bounds(day, rules.zone)[1] <= rolled_up.through_ms:
        days.append(room_days(rooms, rule, day, rules.zone))
        day += timedelta(days=1)
    return room_hours(rooms, rule, start, rolled_up.through_ms), days


def lines(rows: RollUp) -> dict[tuple[Any, ...], tuple[float, ...]]:
    names = list(rows.floats)
    table = np.column_stack([rows.floats[name] for name in names]) if len(rows) else []
    return {
        (int(ts), point): tuple(line)
        for ts, point, line in zip(rows.ts_ms.tolist(), rows.tags["point"], table, strict=True)
    }


def same(stored: dict[tuple[Any, ...], tuple[float, ...]], found: dict[tuple[Any, ...], tuple[float, ...]]) -> None:
    assert set(stored) == set(found)
    for key, line in found.items():
        assert stored[key] == pytest.approx(line, nan_ok=True, abs=1e-9), key


def check(world: World, rules: Rules) -> RolledUp:
    """Compare what the ledger vouches for with all readings."""
    rolled_up = world.ledger.findings.rolled_up()
    assert rolled_up is not None
    hours, days = wanted(world, rules, rolled_up)

    def vouched(key: tuple[Any, ...], end_ms: int) -> bool:
        doubtful = rolled_up.doubtful(max(key[0], rolled_up.from_ms), end_ms)
        return doubtful is not None and key[1] not in doubtful

    stored = world.store.rollups.get("room_hour", {})
    names = [{k: v for k, v in table.items() if vouched(k, k[0] + HOUR_MS)} for table in (stored, lines(hours))]
    same(*names)
    stored, found = world.store.rollups.get("room_day", {}), {}
    for rows in days:
        found |= lines(rows)
    ends = {key: day_bounds(local_day(key[0], rules.zone), rules.zone)[1] for key in {*stored, *found}}
    same(*({k: v for k, v in table.items() if vouched(k, ends[k])} for table in (stored, found)))
    return rolled_up


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    deliveries(), st.lists(pauses, min_size=1, max_size=25), st.lists(st.integers(1, 200), max_size=5),
    st.sets(st.integers(0, 25)), st.sampled_from(["Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin"]),
    st.sampled_from([30, 300, 100_000]),
)  # fmt: skip
def test_what_the_ledger_vouches_for_is_complete(
    rows: list[tuple[int, tuple[str, int, float]]], waits: list[int], crashes: list[int],
    restarts: set[int], zone: str, step: int,
) -> None:  # fmt: skip
    rules, world = rules_in(zone), World(Register.of_points(POINTS))
    sweeper = Sweeper(rules, world.store, world.ledger)  # type: ignore[arg-type]
    waiting, crashes, minute = list(rows), sorted(crashes), 0
    with patch.object(upkeep, "STEP_ROWS", step):
        for number, pause in enumerate(waits):
            minute += pause
            come = sum(arrival <= minute for arrival, _ in waiting)
            for begin in range(0, come, 7):
                batch = [reading for _, reading in waiting[begin : min(begin + 7, come)]]
                world.deliver([(p, START + timedelta(minutes=m), v) for p, m, v in batch])
            waiting = waiting[come:]
            if number in restarts:
                sweeper = Sweeper(rules, world.store, world.ledger)  # type: ignore[arg-type]
            world.faults.fail_at = next((at for at in crashes if at > world.faults.calls), None)
            try:
                sweeper.sweep(START + timedelta(minutes=minute))
            except StoreUnavailable:
                continue
            world.faults.fail_at = None
            if number % 5 == 0:
                check(world, rules)
        world.faults.fail_at = None
        for _ in range(2000):
            sweeper.sweep(START + timedelta(minutes=minute))
            if not world.ledger.findings.rolled_up().gaps:
                break
    assert check(world, rules).gaps == ()


def test_days_of_other_lengths_are_whole() -> None:
    """A day of 23 and one of 25 hours, in a zone whose clocks change."""
    zone = ZoneInfo("Europe/Berlin")
    for day, hours in ((date(2027, 3, 28), 23), (date(2026, 10, 25), 25)):
        start, end = day_bounds(day, zone)
        assert end - start == hours * HOUR_MS
        world = World(Register.of_points(POINTS))
        rules = rules_in("Europe/Berlin")
        sweeper = Sweeper(rules, world.store, world.ledger)  # type: ignore[arg-type]
        first = START.fromtimestamp(start / 1000, UTC)
        for hour in range(-2, hours + 2):
            at = first + timedelta(hours=hour)
            world.deliver([("P0", at, 17.5)])
            sweeper.sweep(at + timedelta(minutes=1))
        check(world, rules)
        row = world.store.rollups["room_day"][(start, "P0")]
        assert row[list(_names()).index("held_min")] == hours * 60
        assert row[list(_names()).index("below_min")] == 15 * 60
        assert to_ms(first) == start


def _names() -> tuple[str, ...]:
    from heating.measurement import DAY_HOURS

    others = ("min_c", "mean_c", "max_c", "held_min", "below_min", "exempt_min", "floor_day_c", "floor_night_c")
    return (*DAY_HOURS, *others, "n", "first_ms")
