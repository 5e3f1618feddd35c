"""Reading the register and a day of readings from CSV, beside reading the bytes and beside the csv module alone."""

from __future__ import annotations

import csv
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from measuring import best_s, line, peak_mb

from heating.readings_file import read_readings, write_readings
from heating.register_file import read_register

POINTS, READINGS = 16_000, 72
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = "point_id,device_id,station,branch,branch_distance_m,building,unit,floor,floors_total,room"


def write_points(path: Path) -> None:
    rows = (
        f"P{i},D{i:06d},S{i // 4000},B,{i // 100 % 10 * 50 + 50},{i // 100},{i // 25 % 4},{i % 6 + 1},6,{i % 25}"
        for i in range(POINTS)
    )
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")


def write_day(path: Path, rng: np.random.Generator) -> None:
    start = datetime(2026, 11, 22, tzinfo=SHANGHAI)
    with path.open("w", encoding="utf-8") as file:
        file.write("device_id,ts,temperature_c,humidity_pct,battery_v\n")
        for slot in range(READINGS):
            values = rng.normal((20.0, 40.0), (1.0, 5.0), (POINTS, 2)).round(2).tolist()
            file.writelines(
                f"D{i:06d},{(start + timedelta(seconds=1200 * slot + i % 1200)).isoformat()},{value},{humidity},2.98\n"
                for i, (value, humidity) in enumerate(values)
            )


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        points, day = Path(folder, "points.csv"), Path(folder, "readings.csv")
        write_points(points)
        write_day(day, np.random.default_rng(1))
        register = read_register(points, SHANGHAI).register()
        rows = POINTS * READINGS
        line("work", "seconds", "rows/s")
        for name, work, count in (
            ("register, 16 000 points", lambda: read_register(points, SHANGHAI), POINTS),
            ("readings, the bytes alone", day.read_bytes, rows),
            ("readings, csv module alone", lambda: _count(day), rows),
            ("readings, read and placed", lambda: read_readings(day, register, SHANGHAI), rows),
        ):
            took = best_s(work, 3)
            line(name, took, round(count / took))
        table = read_readings(day, register, SHANGHAI).table
        took = best_s(lambda: write_readings(Path(folder, "out.csv"), [table], SHANGHAI), 2)
        line("readings, written", took, round(rows / took))
        line("peak [MB]", round(peak_mb()))


def _count(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file))
