"""What is in the store, counted by device and day of measurement: by the rows of days where those are complete.

The ledger says of which points and days they are; all others are counted in the readings, and come to the same.
Shapes: D devices, K local days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from dashboards.reports.expected import Days
from dashboards.reports.rolled import StoredDay, stored_days
from heating.reading import Ints, KindCode, Texts
from heating.register import Register
from heating.rolled_up import RolledUp
from heating.site import Placement, PointKind
from heating.store.port import ReadingStore

# Rows of days that are read at a time.
_ROWS = 120_000
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Seats:
    """Which device sat where.

    Attributes
    ----------
    stays
        Stays of each device in the days; none for one that sat nowhere.
    steady
        Room points at which one and the same device sat through all the days: their rows are its own.
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


def present_readings(
    store: ReadingStore, days: Days, seats: Seats, rolled_up: RolledUp | None, zone: ZoneInfo
) -> Presence:
    """Return what the store holds; `rolled_up` says of which points and days the rows of `room_day` are complete."""
    size = len(seats.stays)
    seen = Presence(np.zeros((size, len(days.days)), dtype=np.int64), np.full(size, _NEVER))
    steady = _Steady(store, seats, seen)
    by_rows = rolled_up is not None and rolled_up.basis.zone == zone.key
    step = max(1, _ROWS // max(len(seats.steady), 1)) if by_rows and seats.steady else len(days.days)
    for begin in range(0, len(days.days), step):
        part = range(begin, min(begin + step, len(days.days)))
        stored = stored_days(store, days.days[part.start : part.stop], zone, steady.index, only=None) if by_rows else []
        for k in part:
            span = (int(days.start_ms[k]), int(days.end_ms[k]))
            steady.count(k, span, stored[k - begin] if stored else None, rolled_up)
            _loose(store, seen, k, seats, span)
    return seen


class _Steady:
    """Counts the readings of steady points, day by day."""

    def __init__(self, store: ReadingStore, seats: Seats, seen: Presence) -> None:
        self._store = store
        self._seen = seen
        self._points = tuple(seats.steady)
        self._device = np.array(list(seats.steady.values()), dtype=np.int64)
        self.index = {point: place for place, point in enumerate(self._points)}

    def count(self, k: int, span: tuple[int, int], stored: StoredDay | None, rolled_up: RolledUp | None) -> None:
        """Count one day: by rows, and in readings what they are not complete for.

        Where readings are no longer kept, a row still tells how many there were.
        """
        n = np.zeros(len(self._points), dtype=np.int64)
        first = np.full(len(n), _NEVER)
        doubtful: frozenset[str] | None = None
        if stored is not None and rolled_up is not None:
            there = stored.figures.n > 0
            n[there], first[there] = stored.figures.n[there], stored.figures.first_ms[there]
            doubtful = rolled_up.doubtful(*span)
        raw = [p for p, point in enumerate(self._points) if doubtful is None or point in doubtful]
        if raw:
            series = self._store.series([self._points[p] for p in raw], *span)
            counts, some = series.counts, np.flatnonzero(series.counts)
            more = some[counts[some] >= n[raw][some]]
            places = np.array(raw, dtype=np.int64)[more]
            n[places], first[places] = counts[more], series.ts_ms[series.offsets[:-1][more]]
        self._seen.add(k, self._device, first, n)


def _loose(store: ReadingStore, seen: Presence, k: int, seats: Seats, span: tuple[int, int]) -> None:
    """Count the readings of points at which devices came or went, one by one."""
    if seats.loose:
        for table in store.readings(*span, points=seats.loose):
            seen.add(k, seats.devices_of(table.device), table.ts_ms, np.ones(len(table), dtype=np.int64))
