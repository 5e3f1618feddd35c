"""Reads a readings CSV with a progress bar, and says what was skipped."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from heating.readings_file import ReadingsFile, read_readings
from heating.register import Register
from heatwatch.output import note, progress


def read_with_progress(path: Path, register: Register, zone: ZoneInfo) -> ReadingsFile:
    """Return the readings of a file; unusable files raise `InputError`."""
    size = path.stat().st_size if path.is_file() else None
    with progress() as bar:
        task = bar.add_task("readings", total=size)
        found = read_readings(path, register, zone, progress=lambda done: bar.advance(task, done))
    if found.skipped.total:
        note(f"skipped rows: {found.skipped}")
    return found
