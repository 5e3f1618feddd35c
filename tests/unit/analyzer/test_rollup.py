"""Derived rows count homes, hours and minutes as people would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.analysis import Observations, Rules, run_pass
from analyzer.estate import Estate
from analyzer.hours import room_hours
from analyzer.rollup import AreaRollUp, home_rows
from analyzer.settings import AnalyzerSettings
from heating.instants import to_ms
from heating.measurement import Measurement
from heating.reading import ReadingSeries
from heating.register import Register
from heating.regulation import load_profile
from heating.site import HeatingState, MeasurementPoint

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai"))


def point(name: str, floor: int, room: str, **more) -> MeasurementPoint:
    return MeasurementPoint(
        point_id=name, station="S", branch="B", building="1", unit="1", floor=floor, floors_total=6, room=room, **more
    )


POINTS = [
    point("low", 1, "101", branch_distance_m=10.0),
    point("low-2", 1, "101", branch_distance_m=10.0),
    point("high", 6, "601", branch_distance_m=10.0),
    point("silent", 6, "602"),
    point("off", 3, "301", heating_state=HeatingState.SUSPENDED),
    MeasurementPoint(
        point_id="far", station="S", branch="B", building="2", unit="1", room="1", branch_distance_m=300.0
    ),
]


def series(rows: dict[str, list[tuple[int, float]]]) -> ReadingSeries:
    """Readings by point, at minutes before noon."""
    flat = [(i, to_ms(NOON) - m * 60_000, v) for i, p in enumerate(POINTS) for m, v in rows.get(p.point_id, [])]
    owner, ts, value = (np.array(column) for column in zip(*flat, strict=True))
    return ReadingSeries.of_rows(
        tuple(p.point_id for p in POINTS), owner, ts, value, np.zeros(len(flat), dtype=np.int64)
    )


READINGS = series(
    {
        "low": [(100, 17.0), (60, 17.0), (10, 17.0)],
        "low-2": [(10, 20.0)],
        "high": [(10, 22.0)],
        "silent": [(200, 15.0)],
        "off": [(10, 8.0)],
        "far": [(10, 18.5)],
    }
)


def test_places_count_homes_not_points() -> None:
    estate = Estate(Register.of_points(POINTS))
    outcome = run_pass(estate, RULES, Observations(READINGS), to_ms(NOON))
    building, branch, station = AreaRollUp(estate).rows(outcome.states)
    one = list(building.tags["building"]).index("S/1")
    row = {name: column[one] for name, column in building.floats.items()}
    assert (row["total"], row["cold"], row["confirmed"], row["unknown"]) == (3, 1, 1, 1)
    assert row["qualified_rate"] == 0.5
    assert row["mean_c"] == pytest.approx((17 + 22) / 2)
    assert row["p10_c"] == 17.0
    assert row["vertical_k"] == pytest.approx(5.0)
    assert (branch.measurement, station.measurement) == (Measurement.BRANCH_STATUS, Measurement.STATION_STATUS)
    assert branch.floats["horizontal_k"][0] == pytest.approx((17 + 22) / 2 - 18.5)
    assert station.floats["total"][0] == 4


def test_home_rows_carry_place_and_state() -> None:
    estate = Estate(Register.of_points(POINTS))
    outcome = run_pass(estate, RULES, Observations(READINGS), to_ms(NOON))
    rows = home_rows(estate, outcome.states, outcome.priority, np.arange(len(estate)))
    assert list(rows.texts["status"]) == ["cold", "ok", "ok", "unknown", "exempt", "ok"]
    assert [rows.tags[name][0] for name in ("station", "branch", "building", "floor")] == ["S", "S/B", "S/1", "1"]
    assert rows.floats["minutes_below"][0] == 100
    assert rows.floats["score"][0] == 1.5


def test_an_hour_holds_its_readings_and_the_minutes_below() -> None:
    estate = Estate(Register.of_points(POINTS))
    outcome = run_pass(estate, RULES, Observations(READINGS), to_ms(NOON))
    start = to_ms(NOON - timedelta(hours=2))
    rows = room_hours(READINGS, outcome.rule, start, to_ms(NOON))
    mine = {
        (row_point, (int(ts) - start) // 3_600_000): (n, mean, below)
        for row_point, ts, n, mean, below in zip(
            rows.tags["point"],
            rows.ts_ms,
            rows.floats["n"],
            rows.floats["mean_c"],
            rows.floats["below_min"],
            strict=True,
        )
    }
    assert mine["low", 0] == (1, 17.0, 40.0)
    assert mine["low", 1] == (2, 17.0, 60.0)
    assert mine["high", 1] == (1, 22.0, 0.0)
    held = mine["silent", 0]  # a reading of the hour before holds on for ten minutes
    assert (held[0], held[2]) == (0, 10.0)
    assert np.isnan(held[1])
    assert ("silent", 1) not in mine
    assert mine["off", 1] == (1, 8.0, 0.0)
