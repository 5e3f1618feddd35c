"""Readings CSV (contract §4): rows placed at their points, ready for the store or the analyzer; and writing them."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, repeat
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import from_ms, rfc3339
from heating.reading import Bools, Ints, KindCode, ReadingTable, Texts
from heating.readings_text import REQUIRED, VALUES, Progress, RawReadings, iter_readings
from heating.register import Register

HEADER = (*REQUIRED, *VALUES[1:])
# Bad is outside these bounds (contract §4), by kind and quantity [°C].
BOUNDS: dict[KindCode, dict[str, tuple[float, float]]] = {
    KindCode.ROOM: {"temperature_c": (-30.0, 60.0)},
    KindCode.ENTRY: {"supply_c": (0.0, 150.0), "return_c": (0.0, 150.0)},
    KindCode.OUTDOOR: {"temperature_c": (-60.0, 60.0)},
}
_NOWHERE = -1
_LOOK_UP = -2  # the point depends on the time, or the device is unknown


@dataclass(slots=True)
class Skipped:
    """Rows of a readings file that are no readings of this register, counted by reason."""

    unknown_device: int = 0
    unplaced: int = 0
    """Of a known device, at a time when the register has it nowhere."""
    without_value: int = 0
    implausible: int = 0
    """Outside the bounds of contract §4."""
    repeated: int = 0
    """The same device and instant stood earlier in the file."""
    unknown_devices: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """All skipped rows."""
        return self.unknown_device + self.unplaced + self.without_value + self.implausible + self.repeated

    def __str__(self) -> str:
        """Say what was skipped and why, in one line; blank if nothing was."""
        said = (
            (self.unknown_device, f"of {len(self.unknown_devices)} devices not in the register"),
            (self.unplaced, "from before their device was installed"),
            (self.without_value, "without a value"),
            (self.implausible, "outside the plausible range"),
            (self.repeated, "repeated"),
        )
        return ", ".join(f"{count} {why}" for count, why in said if count)


@dataclass(frozen=True, slots=True)
class ReadingsFile:
    """A readings file as a table, in the order of the file; `rows` counts all rows, `skipped` those left out."""

    table: ReadingTable
    rows: int
    skipped: Skipped


class Placer:
    """Turns rows into readings at their points; one for a file, since it counts and remembers devices."""

    def __init__(self, register: Register) -> None:
        self.skipped = Skipped()
        self._register = register
        self._points = np.array([p.point_id for p in register.points] or [""], dtype=object)
        self._kinds = np.array([KindCode.of(p.kind) for p in register.points] or [KindCode.ROOM], dtype=np.int64)
        self._number = {p.point_id: index for index, p in enumerate(register.points)}
        self._fixed = self._fixed_places()

    def place(self, raw: RawReadings) -> ReadingTable:
        """Return the readings among the rows; what is left out is counted."""
        where = self._where(raw)
        kind = np.where(where == _NOWHERE, _NOWHERE, self._kinds[where])
        keep = where != _NOWHERE
        keep &= self._counted("without_value", keep, _valueless(raw))
        keep &= self._counted("implausible", keep, _implausible(raw, kind))
        blank = np.full(int(keep.sum()), np.nan)
        return ReadingTable(
            kind=kind[keep],
            point=self._points[where[keep]],
            device=raw.device[keep],
            ts_ms=raw.ts_ms[keep],
            quality=np.zeros(len(blank), dtype=np.int64),
            rssi_dbm=blank,
            lag_s=blank,
            flow_m3h=blank,
            **{name: raw.values[name][keep] for name in VALUES},
        )

    def _fixed_places(self) -> dict[str, int]:
        """Devices that sat at one point for all time, the usual case, with the number of that point."""
        places: dict[str, int] = {}
        several: set[str] = set()
        for placement in self._register.placements:
            device = placement.device_id
            if device in places or placement.start_ms is not None or placement.end_ms is not None:
                several.add(device)
            places[device] = self._number.get(placement.point_id, _NOWHERE)
        return {device: place for device, place in places.items() if device not in several}

    def _where(self, raw: RawReadings) -> Ints:
        """Return the number of each row's point, `_NOWHERE` where the register has none."""
        where = np.fromiter(map(self._fixed.get, raw.device, repeat(_LOOK_UP)), np.int64, len(raw))
        for row in np.flatnonzero(where == _LOOK_UP):
            device = raw.device[row]
            point = self._register.point_at(device, int(raw.ts_ms[row]))
            where[row] = _NOWHERE if point is None else self._number[point.point_id]
            if point is not None:
                continue
            if self._register.knows(device):
                self.skipped.unplaced += 1
            else:
                self.skipped.unknown_device += 1
                self.skipped.unknown_devices.add(device)
        return where

    def _counted(self, reason: str, among: Bools, bad: Bools) -> Bools:
        found = int((among & bad).sum())
        setattr(self.skipped, reason, getattr(self.skipped, reason) + found)
        return ~bad


def _valueless(raw: RawReadings) -> Bools:
    """Rows whose every value is blank."""
    blank: Bools = np.all([np.isnan(values) for values in raw.values.values()], axis=0)
    return blank


def _implausible(raw: RawReadings, kind: Ints) -> Bools:
    bad = np.zeros(len(raw), dtype=np.bool_)
    for code, bounds in BOUNDS.items():
        for name, (low, high) in bounds.items():
            values = raw.values[name]
            bad |= (kind == code) & ((values < low) | (values > high))
    return bad


def read_readings(path: Path, register: Register, zone: ZoneInfo, *, progress: Progress | None = None) -> ReadingsFile:
    """Read a whole readings CSV; of rows with the same device and instant the first one wins.

    Raises
    ------
    InputError
        At a bad cell, with its line; or for a file that is no readings CSV.
    """
    placer = Placer(register)
    tables: list[ReadingTable] = []
    rows = 0
    for raw in iter_readings(path, zone, progress=progress):
        rows += len(raw)
        tables.append(placer.place(raw))
    table = ReadingTable.joined(tables)
    first = first_of_each(table.device, table.ts_ms)
    placer.skipped.repeated = int(len(table) - first.sum())
    return ReadingsFile(table if first.all() else table.rows(first), rows, placer.skipped)


def first_of_each(device: Texts, ts_ms: Ints) -> Bools:
    """Mark the first row of each (device, instant)."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    owner = np.fromiter(map(numbers.__getitem__, device), np.int64, len(device))
    order = np.lexsort((ts_ms, owner))  # stable: the order of the file among equals
    first = np.ones(len(device), dtype=np.bool_)
    same = (owner[order][1:] == owner[order][:-1]) & (ts_ms[order][1:] == ts_ms[order][:-1])
    first[order[1:][same]] = False
    return first


def write_readings(target: Path | TextIO, tables: Iterable[ReadingTable], zone: ZoneInfo) -> int:
    """Write readings as CSV, times with milliseconds and offset of `zone`; return how many.

    A path is written whole or not at all. Reading the file again gives the same devices, instants and values.
    """
    if not isinstance(target, Path):
        return _write(target, tables, zone)
    draft = target.with_name(target.name + ".part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            written = _write(file, tables, zone)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return written


def _write(file: TextIO, tables: Iterable[ReadingTable], zone: ZoneInfo) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    written = 0
    times: dict[int, str] = {}
    for table in tables:
        for ms in np.unique(table.ts_ms).tolist():
            times.setdefault(ms, rfc3339(from_ms(ms), zone))
        columns = [[_cell(v) for v in getattr(table, name).tolist()] for name in VALUES]
        writer.writerows(zip(table.device, (times[ms] for ms in table.ts_ms.tolist()), *columns, strict=True))
        written += len(table)
        if len(times) > 200_000:
            times.clear()
    return written


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
