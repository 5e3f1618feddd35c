from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.reports.points import verdict
from heating.point_day import Stretch, point_day
from heating.reading import ReadingSeries

H = 3_600_000
HOLD = 90 * 60_000


def series(*points: list[tuple[float, float]]) -> ReadingSeries:
    rows = [(p, round(hour * H), value) for p, readings in enumerate(points) for hour, value in readings]
    owner, ts, value = (np.array(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return ReadingSeries.of_rows(
        tuple(f"P{p}" for p in range(len(points))),
        np.array(owner, dtype=np.int64),
        np.array(ts, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.zeros(len(rows), dtype=np.int64),
    )


def day(*floors: tuple[float, float, float], size: int = 1, exempt: bool = False) -> tuple[Stretch, ...]:
    return tuple(Stretch(int(a * H), int(b * H), np.full(size, floor), np.full(size, exempt)) for a, b, floor in floors)


NIGHT_DAY_NIGHT = day((0, 6, 16.0), (6, 21, 18.0), (21, 24, 16.0))


def test_a_night_at_17_is_below_the_floor_only_from_six() -> None:
    readings = [(h / 2, 17.0) for h in range(48)]
    found = point_day(series(readings), np.array([2 * H, 6 * H]), NIGHT_DAY_NIGHT, HOLD)
    assert found.below_h[0] == pytest.approx(15.0)
    assert found.held_h[0] == pytest.approx(24.0)
    assert (found.min_c[0], found.mean_c[0], found.max_c[0]) == (17.0, pytest.approx(17.0), 17.0)


def test_equal_to_the_floor_is_not_below() -> None:
    found = point_day(series([(h, 18.0) for h in range(24)]), np.array([], dtype=np.int64), NIGHT_DAY_NIGHT, HOLD)
    assert found.below_h[0] == 0


def test_a_reading_holds_less_than_the_limit() -> None:
    found = point_day(
        series([(1.0, 20.0)]), np.array([int(0.9 * H), H, int(2.5 * H) - 1, int(2.5 * H)]), NIGHT_DAY_NIGHT, HOLD
    )
    assert [not np.isnan(v) for v in found.at_hours[0]] == [False, True, True, False]
    assert found.held_h[0] == pytest.approx(1.5)


def test_what_held_before_midnight_counts_from_midnight_only() -> None:
    found = point_day(series([(-1.0, 15.0)]), np.array([0]), NIGHT_DAY_NIGHT, HOLD)
    assert (found.at_hours[0, 0], found.held_h[0], found.below_h[0]) == (15.0, 0.5, 0.5)


def test_exempt_time_is_never_below() -> None:
    stretches = (*day((0, 12, 18.0)), *day((12, 24, 18.0), exempt=True))
    found = point_day(series([(h, 10.0) for h in range(24)]), np.array([], dtype=np.int64), stretches, HOLD)
    assert (found.below_h[0], found.exempt_h[0]) == (12.0, 12.0)


def test_a_silent_point_has_no_numbers() -> None:
    found = point_day(series([], [(3.0, 20.0)]), np.array([3 * H]), day((0, 24, 18.0), size=2), HOLD)
    assert np.isnan([found.min_c[0], found.mean_c[0], found.max_c[0], found.at_hours[0, 0]]).all()
    assert found.max_c[1] == 20.0


@pytest.mark.parametrize(
    ("hours_held", "value", "word"),
    [
        (24, 20.0, "qualified"),
        (24, 17.0, "unqualified"),
        (10, 20.0, "incomplete"),
        (10, 17.0, "unqualified"),
        (0, 0, "no_data"),
    ],
)
def test_verdicts(hours_held: int, value: float, word: str) -> None:
    readings = [(6 + h, value) for h in range(hours_held)] if hours_held < 24 else [(h, value) for h in range(24)]
    found = point_day(series(readings), np.array([], dtype=np.int64), NIGHT_DAY_NIGHT, HOLD)
    assert verdict(found, 0, 24.0, 30.0) == word


@given(st.lists(st.tuples(st.integers(-120, 1500), st.integers(100, 250)), max_size=40))
@example([(53, 100), (69, 160)])  # 69/60 h is a hair less than 69 min
def test_agrees_with_a_minute_by_minute_walk(rows: list[tuple[int, int]]) -> None:
    readings = dict(rows)
    found = point_day(
        series([(m / 60, v / 10) for m, v in readings.items()]), np.array([], dtype=np.int64), NIGHT_DAY_NIGHT, HOLD
    )
    below = held = 0
    for minute in range(24 * 60):
        last = max((m for m in readings if m <= minute), default=None)
        if last is None or minute - last >= 90:
            continue
        held += 1
        floor = 18.0 if 360 <= minute < 1260 else 16.0
        below += readings[last] / 10 < floor
    assert found.held_h[0] * 60 == pytest.approx(held)
    assert found.below_h[0] * 60 == pytest.approx(below)
