"""What is in the store, counted by device and day of measurement; from hourly roll-ups as far as those go.

Shapes: D devices, K local days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboards.reports.expected import Days
from heating.measurement import Measurement
from heating.reading import Ints, KindCode, Texts
from heating.register import Register
from heating.site import Placement, PointKind
from heating.store.port import ReadingStore

_HOUR_MS = 3_600_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Seats:
    """Which device sat where.

    Attributes
    ----------
    stays
        Stays of each device in the days; none for one that sat nowhere.
    steady
        Room points at which one and the same device sat through all the days: their hours are its own.
    loose
        All other points: their readings are told apart one by one.
    """

    names: tuple[str, ...]
    stays: tuple[tuple[Placement, ...], ...]
    steady: Mapping[str, int]
    loose: tuple[str, ...]
    index: Mapping[str, int]
    kind_of: Mapping[str, PointKind] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Mapping[str, int], stays: Mapping[str, Sequence[Placement]], register: Register) -> Seats:
        """Sort the points of the devices into steady and loose ones."""
        at_point: dict[str, list[str]] = {}
        for device, rows in stays.items():
            for stay in rows:
                at_point.setdefault(stay.point_id, []).append(device)
        kind_of = {point_id: register.by_id[point_id].kind for point_id in at_point}
        steady = {
            point_id: index[devices[0]]
            for point_id, devices in at_point.items()
            if len(devices) == 1 and len(stays[devices[0]]) == 1 and kind_of[point_id] is PointKind.ROOM
        }
        return cls(
            names=tuple(index),
            stays=tuple(tuple(stays.get(device, ())) for device in index),
            steady=steady,
            loose=tuple(point_id for point_id in at_point if point_id not in steady),
            index=index,
            kind_of=kind_of,
        )

    def devices_of(self, names: Texts) -> Ints:
        """Return the indices of devices by name, int64 (N,); -1 for those that are none of ours."""
        return np.array([self.index.get(name, -1) for name in names.tolist()], dtype=np.int64)

    def kinds(self, points: Sequence[str]) -> list[KindCode]:
        """Return the kinds of some points, each once."""
        return sorted({KindCode.of(self.kind_of[point]) for point in points})


@dataclass(frozen=True, slots=True)
class Presence:
    """How many readings are there, int64 (D, K), and the first instant of each device, int64 (D,) [ms]."""

    count: Ints
    first_ms: Ints

    def add(self, k: int, device: Ints, ts_ms: Ints, n: Ints) -> None:
        """Count `n` readings of each device given, from an instant on."""
        ours = (device >= 0) & (n > 0)
        np.add.at(self.count[:, k], device[ours], n[ours])
        np.minimum.at(self.first_ms, device[ours], ts_ms[ours])


def present_readings(store: ReadingStore, days: Days, seats: Seats) -> Presence:
    """Return what the store holds."""
    size = len(seats.stays)
    seen = Presence(np.zeros((size, len(days.days)), dtype=np.int64), np.full(size, _NEVER))
    for k in range(len(days.days)):
        span = (int(days.start_ms[k]), int(days.end_ms[k]))
        _steady(store, seen, k, seats, span)
        if seats.loose:
            for table in store.readings(*span, points=seats.loose):
                seen.add(k, seats.devices_of(table.device), table.ts_ms, np.ones(len(table), dtype=np.int64))
    return seen


def _steady(store: ReadingStore, seen: Presence, k: int, seats: Seats, span: tuple[int, int]) -> None:
    """Count steady points by their hours; raw readings only where hours are not rolled up (yet)."""
    start, end = span
    hours = store.rollup(Measurement.ROOM_HOUR, start, end)
    device = np.array([seats.steady.get(point, -1) for point in hours.tags["point"].tolist()], dtype=np.int64)
    n = np.nan_to_num(hours.floats["n"]).astype(np.int64)
    seen.add(k, device, hours.ts_ms, n)
    begun, rolled = (int(hours.ts_ms.min()), int(hours.ts_ms.max()) + _HOUR_MS) if len(hours) else (end, end)
    told = seen.count[:, k] > 0
    silent = [point for point, d in seats.steady.items() if not told[d]]
    _raw(store, seen, k, seats, (silent, begun, rolled))
    _raw(store, seen, k, seats, (list(seats.steady), start, begun))
    _raw(store, seen, k, seats, (list(seats.steady), rolled, end))


def _raw(store: ReadingStore, seen: Presence, k: int, seats: Seats, what: tuple[Sequence[str], int, int]) -> None:
    points, start, end = what
    if not points or start >= end:
        return
    series = store.series(points, start, end)
    device = np.array([seats.steady[point] for point in points], dtype=np.int64)
    counts = series.counts
    some = counts > 0
    first = series.ts_ms[series.offsets[:-1][some]]
    seen.add(k, device[some], first, counts[some])
