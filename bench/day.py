"""A day of an estate of 16 000 points from files: `heatwatch analyze` as a person calls it, and reading them alone."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import meter
from figures import Cell, Steps, Table, middle

from heating.readings_file import read_readings
from heating.register_file import read_register

_HEATWATCH = (sys.executable, "-P", "-m", "heatwatch")
_SPAN = ("--from", "2026-01-10T00:00", "--to", "2026-01-11T00:00")
_ZONE = ZoneInfo("Asia/Shanghai")
_TIMES = 3


def measure(homes: int, folder: Path, steps: Steps) -> list[Table]:
    """Simulate the files, then read and judge them."""
    steps.expect(1 + _TIMES + 4)
    steps.begin("simulating a day to files")
    files = folder / "day"
    meter.run([*_HEATWATCH, "simulate", "--homes", str(homes), "--out", files, *_SPAN], folder)
    steps.done()
    return [_analyzed(files, steps), _read(files, steps)]


def _analyzed(files: Path, steps: Steps) -> Table:
    points, readings = (_rows(files / name) for name in ("points.csv", "readings.csv"))
    names = ("--points", files / "points.csv", "--readings", files / "readings.csv")
    costs = []
    for _ in range(_TIMES):
        steps.begin("heatwatch analyze with files")
        costs.append(meter.run([*_HEATWATCH, "analyze", *names, *_SPAN, "--json"], files))
        steps.done()
    cost = sorted(costs, key=lambda one: one.wall_s)[_TIMES // 2]
    return Table(
        title="A day from files",
        sizes=f"`heatwatch analyze --from --to --json`, {points} points (rooms, entries, outdoor) and {readings} "
        "readings of the simulator, as a child process from its start to the JSON; median of three.",
        header=["wall s", "CPU s", "peak RSS MB", "goal"],
        rows=[[cost.wall_s, cost.cpu_s, cost.peak_mb, "≤ 20 s, ≤ 1 500 MB"]],
    )


def _read(files: Path, steps: Steps) -> Table:
    points, readings = files / "points.csv", files / "readings.csv"
    register = read_register(points, _ZONE).register()
    works: dict[str, tuple[Path, Callable[[], object]]] = {
        "register, checked": (points, lambda: read_register(points, _ZONE)),
        "readings, the bytes alone": (readings, readings.read_bytes),
        "readings, csv module alone": (readings, lambda: _csv_rows(readings)),
        "readings, checked and placed": (readings, lambda: read_readings(readings, register, _ZONE)),
    }
    rows: list[list[Cell]] = []
    for name, (file, work) in works.items():
        steps.begin(name)
        seconds = middle(lambda work=work: _timed(work))  # type: ignore[misc]
        rows.append([name, _rows(file) / seconds, seconds])
        steps.done()
    return Table(
        title="Reading files",
        sizes="The same files, in one process; processor time, medians of three.",
        header=["work", "rows/s", "s"],
        rows=rows,
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _csv_rows(file: Path) -> int:
    with file.open(encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.reader(text))


def _rows(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines) - 1
