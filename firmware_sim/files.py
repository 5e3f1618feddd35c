"""Files of a simulated estate: `points.csv` (contract §3) and `readings.csv` (contract §4)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import numpy as np

from firmware_sim.estate import Estate
from firmware_sim.sensors import Samples
from heating.reading import Floats, Ints
from heating.site import Contact, MeasurementPoint

POINT_COLUMNS = (
    "point_id", "device_id", "kind", "station", "branch", "branch_distance_m", "network_end", "building", "unit",
    "riser", "floor", "floors_total", "room", "space", "corner", "area_m2", "home_class", "contract_day_c",
    "contract_night_c", "heating_state", "contact", "phone", "address", "since", "installed_on", "height_m", "wall",
)  # fmt: skip
READING_COLUMNS = ("device_id", "ts", "temperature_c", "humidity_pct", "battery_v", "supply_c", "return_c")


def write_points(path: Path, estate: Estate) -> None:
    """Write the register of an estate; `network_end` stays blank, to be derived from the distances."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(POINT_COLUMNS)
        for point in estate.points:
            writer.writerow(_point_cells(point, estate.contacts.get(point.point_id, Contact())))


def _point_cells(point: MeasurementPoint, contact: Contact) -> Iterable[str]:
    personal = {"contact": contact.name, "phone": contact.phone, "address": contact.address, "network_end": ""}
    for column in POINT_COLUMNS:
        yield personal[column] if column in personal else _cell(getattr(point, column))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


class ReadingsFile:
    """Writes samples to `readings.csv` as they come."""

    def __init__(self, path: Path, devices: tuple[str, ...]) -> None:
        self._path = path
        self._devices = np.array(devices, dtype=np.object_)
        self._handle: TextIO | None = None

    def __enter__(self) -> Self:
        self._handle = self._path.open("w", newline="", encoding="utf-8")
        self._handle.write(",".join(READING_COLUMNS) + "\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.close()

    def write(self, samples: Samples) -> None:
        """Append samples in their order; a duplicated one stands twice."""
        if self._handle is None:
            raise RuntimeError("the readings file is not open")
        samples = samples.rows(np.repeat(np.arange(len(samples)), 1 + samples.duplicate))
        columns = (
            self._devices[samples.device].tolist(),
            _instants(samples.ts_ms),
            _decimals(samples.temperature_c, 1),
            _decimals(samples.humidity_pct, 0),
            _decimals(samples.battery_v, 2),
            _decimals(samples.supply_c, 1),
            _decimals(samples.return_c, 1),
        )
        self._handle.writelines([",".join(row) + "\n" for row in zip(*columns, strict=True)])


def _instants(ts_ms: Ints) -> list[str]:
    distinct, inverse = np.unique(ts_ms, return_inverse=True)
    texts = np.datetime_as_string(distinct.astype("datetime64[ms]").astype("datetime64[s]"), unit="s", timezone="UTC")
    chosen: list[str] = texts.astype(np.object_)[inverse].tolist()
    return chosen


def _decimals(values: Floats, digits: int) -> list[str]:
    """Write numbers with a fixed number of digits, blank where absent; few distinct values make it fast."""
    distinct, inverse = np.unique(values, return_inverse=True)
    texts = np.array(["" if np.isnan(v) else f"{v + 0.0:.{digits}f}" for v in distinct], dtype=np.object_)
    chosen: list[str] = texts[inverse].tolist()
    return chosen
