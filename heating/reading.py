"""Readings: one value from one device, and the arrays in which many of them travel.

Shapes: N readings, P points, T instants. Temperatures in °C; NaN means absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag
from typing import Any, Self

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from heating.site import PointKind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]


class Quality(IntFlag):
    """Marks on a stored reading (contract §5, field `quality`)."""

    LOW_BATTERY = 1
    MOVED = 2
    SENSOR_FAULT = 4
    SERVER_TIME = 8
    REPLAYED = 16


class KindCode(IntEnum):
    """`PointKind` as a number, for arrays."""

    ROOM = 0
    ENTRY = 1
    OUTDOOR = 2

    @classmethod
    def of(cls, kind: PointKind) -> KindCode:
        """Return the code of a kind."""
        return _CODES[kind]


_CODES = {PointKind.ROOM: KindCode.ROOM, PointKind.ENTRY: KindCode.ENTRY, PointKind.OUTDOOR: KindCode.OUTDOOR}


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted reading, placed at its point. Units as the field names say."""

    kind: PointKind
    point_id: str
    device_id: str
    ts_ms: int
    temperature_c: float | None = None
    humidity_pct: float | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    lag_s: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    flow_m3h: float | None = None
    quality: Quality = Quality(0)


@dataclass(frozen=True, slots=True)
class ReadingTable:
    """N readings as columns: what the store takes and gives.

    `kind` holds `KindCode`, `point` and `device` are object arrays of str, `ts_ms` and `quality` int64, all
    others float64 with NaN where absent.
    """

    kind: Ints
    point: Texts
    device: Texts
    ts_ms: Ints
    temperature_c: Floats
    humidity_pct: Floats
    battery_v: Floats
    rssi_dbm: Floats
    lag_s: Floats
    supply_c: Floats
    return_c: Floats
    flow_m3h: Floats
    quality: Ints

    def __len__(self) -> int:
        """Return N."""
        return len(self.ts_ms)

    @classmethod
    def of(cls, readings: list[Reading]) -> Self:
        """Build the columns from readings, in their order."""
        names = Reading.__struct_fields__
        # Turned over in one go: this runs for every reading that arrives.
        columns = zip(*map(astuple, readings), strict=True) if readings else ((),) * len(names)
        of: dict[str, tuple[Any, ...]] = dict(zip(names, columns, strict=True))
        return cls(
            kind=np.fromiter(map(_CODES.__getitem__, of["kind"]), dtype=np.int64, count=len(readings)),
            point=texts_of(of["point_id"]),
            device=texts_of(of["device_id"]),
            ts_ms=np.array(of["ts_ms"], dtype=np.int64),
            quality=np.fromiter(of["quality"], dtype=np.int64, count=len(readings)),
            **{name: floats_of(of[name]) for name in VALUE_FIELDS},
        )

    def rows(self, which: Bools | Ints) -> Self:
        """Return the readings that a mask or an index array selects."""
        return type(self)(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    @classmethod
    def empty(cls) -> Self:
        """Return a table of no readings."""
        return cls.of([])

    @classmethod
    def joined(cls, tables: list[Self]) -> Self:
        """Return the tables one after the other."""
        if not tables:
            return cls.empty()
        return cls(**{f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)})


VALUE_FIELDS = (
    "temperature_c", "humidity_pct", "battery_v", "rssi_dbm", "lag_s", "supply_c", "return_c", "flow_m3h",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadingSeries:
    """Event arrays of one quantity at P points: readings of point p are `[offsets[p]:offsets[p + 1]]`, by time.

    Attributes
    ----------
    points
        P point ids.
    offsets
        int64, P + 1.
    ts_ms
        int64, N; strictly ascending inside a point.
    value
        float64, N [°C]; never NaN.
    quality
        int64, N; bits of `Quality`.
    """

    points: tuple[str, ...]
    offsets: Ints
    ts_ms: Ints
    value: Floats
    quality: Ints

    def __len__(self) -> int:
        """Return N, the number of readings."""
        return len(self.ts_ms)

    @property
    def counts(self) -> Ints:
        """Readings of each point, int64 (P,)."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> Ints:
        """Index of the point of each reading, int64 (N,)."""
        return np.repeat(np.arange(len(self.points), dtype=np.int64), self.counts)

    @classmethod
    def of_rows(cls, points: tuple[str, ...], owner: Ints, ts_ms: Ints, value: Floats, quality: Ints) -> Self:
        """Build from rows in any order; `owner` is the index of the point. NaN rows fall out.

        Of rows with the same point and instant (two devices at one point) the first one given stays.
        """
        keep = ~np.isnan(value)
        owner, ts_ms, value, quality = owner[keep], ts_ms[keep], value[keep], quality[keep]
        order = np.lexsort((ts_ms, owner))
        owner, ts_ms, value, quality = owner[order], ts_ms[order], value[order], quality[order]
        if len(owner) > 1:
            new = np.ones(len(owner), dtype=np.bool_)
            new[1:] = (owner[1:] != owner[:-1]) | (ts_ms[1:] != ts_ms[:-1])
            owner, ts_ms, value, quality = owner[new], ts_ms[new], value[new], quality[new]
        counts = np.bincount(owner, minlength=len(points)) if len(points) else np.zeros(0, dtype=np.int64)
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return cls(points, offsets, ts_ms, value, quality)

    def between(self, start_ms: int, end_ms: int) -> ReadingSeries:
        """Return the readings with start ≤ ts < end of all points."""
        keep = (self.ts_ms >= start_ms) & (self.ts_ms < end_ms)
        running = np.concatenate(([0], np.cumsum(keep)))
        return ReadingSeries(self.points, running[self.offsets], self.ts_ms[keep], self.value[keep], self.quality[keep])


@dataclass(frozen=True, slots=True)
class TemperatureGrid:
    """Temperatures of P points at T regular instants.

    Attributes
    ----------
    points
        P point ids.
    times_ms
        int64 (T,), start of each slot; slots are `step_ms` long.
    temperature_c
        float64 (P, T): the last reading inside the slot, NaN where there is none.
    """

    points: tuple[str, ...]
    times_ms: Ints
    step_ms: int
    temperature_c: Floats

    @classmethod
    def of(cls, series: ReadingSeries, start_ms: int, end_ms: int, step_ms: int) -> Self:
        """Scatter a series into slots [start + k·step, start + (k + 1)·step)."""
        slots = max(0, -(-(end_ms - start_ms) // step_ms))
        times = start_ms + step_ms * np.arange(slots, dtype=np.int64)
        grid = np.full((len(series.points), slots), np.nan)
        inside = (series.ts_ms >= start_ms) & (series.ts_ms < end_ms)
        slot = (series.ts_ms[inside] - start_ms) // step_ms
        grid[series.owner[inside], slot] = series.value[inside]
        return cls(series.points, times, step_ms, grid)


def texts_of(values: Sequence[str]) -> Texts:
    """Return texts as a column."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def floats_of(values: Sequence[float | None]) -> Floats:
    """Return numbers as a column, NaN where there is none."""
    # None becomes NaN, which costs five times a number; most columns have either no None or nothing else.
    if values.count(None) == len(values):
        return np.full(len(values), np.nan)
    return np.array(values, dtype=np.float64)
