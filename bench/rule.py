"""The rule alone, as a multiple of copying the arrays that it reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from figures import Cell, Steps, Table, middle

from analyzer.compliance import Rule, judge
from analyzer.exemption import exemptions_of
from analyzer.floors import DayWindows, Floors, floors_of
from analyzer.settings import AnalyzerSettings
from heating.instants import to_ms
from heating.reading import ReadingSeries
from heating.regulation import load_profile
from heating.site import MeasurementPoint

READINGS = 72  # a day at 20 min
ZONE = ZoneInfo("Asia/Shanghai")
START_MS = to_ms(datetime(2026, 1, 9, 16, tzinfo=UTC))  # midnight in ZONE
STEP_MS = 20 * 60_000
END_MS = START_MS + READINGS * STEP_MS

Values = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Points of the estate at 1x, the multiples of it, and the points of the large run (0: none)."""

    points: int
    scales: tuple[int, ...]
    large: int


def measure(sizes: Sizes, steps: Steps) -> Table:
    """Judge two populations at every size."""
    counts = [sizes.points * scale for scale in sizes.scales] + [sizes.large] * bool(sizes.large)
    steps.expect(2 * len(counts))
    rows = [_row(name, values, count, steps) for name, values in POPULATIONS.items() for count in counts]
    return Table(
        title="The rule alone",
        sizes=f"`analyzer.compliance.judge` on event arrays in memory, {READINGS} readings a point, one thread, "
        "processor time; the copy is `copy()` of the same offsets, times, values and marks; medians.",
        header=[
            "population",
            "points",
            "cold episodes",
            "copy ms",
            "rule ms",
            "ns per reading",
            "x copy",
            "into place",
        ],
        rows=rows,
        notes=[
            "Typical: some 3 % of the homes fall below a limit at some time. Worst: every home breaches, is confirmed "
            "and recovers again and again, all day.",
            "Into place: as a multiple of copying into arrays that exist, without the cost of fresh memory.",
            "Linear where ns per reading stay level.",
        ],
    )


def typical(rng: np.random.Generator, points: int) -> np.ndarray:
    """Return temperatures of homes that differ and sway a little, float64 (P, T) [°C]."""
    clock = np.linspace(0, 2 * np.pi, READINGS, endpoint=False)
    base = rng.normal(21.0, 1.35, (points, 1))
    grid: np.ndarray = base + 0.4 * np.sin(clock) + rng.normal(0, 0.1, (points, READINGS))
    return grid.round(1)


def worst(rng: np.random.Generator, points: int) -> np.ndarray:
    """Return temperatures that fall below every floor for 40 min and recover for 40 min, float64 (P, T) [°C]."""
    phase = rng.integers(0, 4, (points, 1))
    cold = (np.arange(READINGS) + phase) % 4 < 2
    grid: np.ndarray = np.where(cold, 15.0, 19.0) + rng.normal(0, 0.1, (points, READINGS))
    return grid.round(1)


POPULATIONS: dict[str, Values] = {"typical": typical, "worst": worst}


def _row(name: str, values: Values, points: int, steps: Steps) -> list[Cell]:
    steps.begin(f"rule, {name}, {points} points")
    series, rule = series_of(values, points), rule_of(points)
    times = 3 if points <= 300_000 else 1
    found = judge(series, rule, END_MS)
    _copied(series)  # the first one pays for fresh memory that the next ones find
    copy_s = middle(lambda: _timed(lambda: _copied(series)), 7)
    place_s = _into_place_s(series)
    rule_s = middle(lambda: _timed(lambda: judge(series, rule, END_MS)), times)
    steps.done()
    per_reading = rule_s / len(series) * 1e9
    return [
        name, points, len(found.cold), copy_s * 1e3, rule_s * 1e3, per_reading, rule_s / copy_s, rule_s / place_s,
    ]  # fmt: skip


def series_of(values: Values, points: int) -> ReadingSeries:
    """Return event arrays of a population; every point has its own instants."""
    rng = np.random.default_rng(points)
    value = np.concatenate([values(rng, n).ravel() for n in _parts(points)])
    owner_shift = rng.integers(0, STEP_MS, (points, 1))
    ts = (START_MS + owner_shift + STEP_MS * np.arange(READINGS, dtype=np.int64)).ravel()
    offsets = np.arange(points + 1, dtype=np.int64) * READINGS
    return ReadingSeries(("P",) * points, offsets, ts, value, np.zeros(len(ts), dtype=np.int64))


def rule_of(points: int) -> Rule:
    """Return the enterprise's rule for apartments."""
    settings, profile = AnalyzerSettings(), load_profile("enterprise")
    one = [MeasurementPoint(point_id="P", station="S")]
    floors, exempt = floors_of(profile, one, settings.clear_margin_k), exemptions_of(one, [], [], ZONE)
    many = np.zeros(points, dtype=np.int64)
    return Rule(
        Floors(*(getattr(floors, name)[many] for name in Floors.__dataclass_fields__)),
        DayWindows.between(profile, ZONE, START_MS, END_MS),
        replace(exempt, suspended=np.zeros(points, dtype=np.bool_)),
        settings.stale_ms,
        settings.confirm_ms,
    )


def _parts(points: int) -> list[int]:
    whole, rest = divmod(points, 50_000)
    return [50_000] * whole + [rest] * bool(rest)


def _copied(series: ReadingSeries) -> list[np.ndarray]:
    return [column.copy() for column in (series.offsets, series.ts_ms, series.value, series.quality)]


def _into_place_s(series: ReadingSeries) -> float:
    columns = (series.offsets, series.ts_ms, series.value, series.quality)
    places = _copied(series)

    def copy() -> None:
        for place, column in zip(places, columns, strict=True):
            np.copyto(place, column)

    return middle(lambda: _timed(copy))


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()  # not wall time: others may share the machine
    work()
    return time.thread_time() - began
