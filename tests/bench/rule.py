"""The rule alone, on event arrays, as a multiple of copying the same arrays once; aim: at most 30, and linear."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from measuring import best_s, line, peak_mb

from analyzer.compliance import Rule, judge
from analyzer.exemption import exemptions_of
from analyzer.floors import DayWindows, floors_of
from heating.instants import to_ms
from heating.reading import ReadingSeries
from heating.regulation import load_profile
from heating.site import MeasurementPoint

START_MS = to_ms(datetime(2026, 11, 21, 16, tzinfo=UTC))  # midnight in Shanghai
READINGS, STEP_MS, DAY_MS = 72, 1_200_000, 86_400_000
COLD, SWINGS = 0.05, 0.05  # shares of homes that are cold all day, and that cross their floor again and again


def series(points: int, rng: np.random.Generator) -> ReadingSeries:
    """A day at 20 min of homes that differ by 0.6 K, some of them cold, some near their floor."""
    level = 20.5 + 0.6 * rng.standard_normal(points)
    kind = rng.random(points)
    level[kind < COLD] -= 4.0
    level[(kind >= COLD) & (kind < COLD + SWINGS)] = 18.1
    value = np.round(level[:, None] + 0.25 * rng.standard_normal((points, READINGS)), 1)
    ts = START_MS + rng.integers(0, STEP_MS, points)[:, None] + STEP_MS * np.arange(READINGS)
    offsets = READINGS * np.arange(points + 1, dtype=np.int64)
    names = tuple(map(str, range(points)))
    return ReadingSeries(names, offsets, ts.ravel(), value.ravel(), np.zeros(points * READINGS, dtype=np.int64))


def rule(points: int) -> Rule:
    """The company's rule for apartments."""
    profile, zone = load_profile("enterprise"), ZoneInfo("Asia/Shanghai")
    homes = [MeasurementPoint(point_id="P", station="S", building="1", floor=1)] * points
    windows = DayWindows.between(profile, zone, START_MS, START_MS + DAY_MS)
    return Rule(floors_of(profile, homes, 0.3), windows, exemptions_of(homes, (), (), zone), 5_400_000, 1_800_000)


def run() -> None:
    line("points", "readings", "rule [s]", "copy [s]", "multiple", "episodes", "peak [MB]")
    for points in (16_000, 64_000, 256_000, 1_000_000):
        data, by = series(points, np.random.default_rng(1)), rule(points)
        rounds = 5 if points < 500_000 else 2
        copy = best_s(lambda data=data: [array.copy() for array in (data.ts_ms, data.value, data.quality)], rounds)
        took = best_s(lambda data=data, by=by: judge(data, by, START_MS + DAY_MS), rounds)
        found = judge(data, by, START_MS + DAY_MS)
        line(points, len(data), took, copy, took / copy, len(found.cold), round(peak_mb()))
