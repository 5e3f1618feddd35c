"""What a process knows of the readings in InfluxDB: the newest of each device, and which of a batch are there.

InfluxDB shows a row before it is durable, and goes on showing one that it could not make durable (a full disk: it is in
memory, not in the log). So a row that is found counts as stored only if this process knows it to be durable; else it is
written once more, as it was read, which changes nothing but that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from heating.measurement import READINGS, Measurement
from heating.reading import Bools, Ints, KindCode, ReadingTable
from heating.store import identity
from heating.store.identity import NEVER
from heating.store.influx_http import InfluxServer
from heating.store.influx_newest import newest_times
from heating.store.influx_reading import FIRST_MS, conditions, keys_stored, reading_table

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# A process that wrote no readings for so long looks what others wrote, back to so long before the newest it knows.
_CATCH_UP_S = 60.0
_CATCH_UP_MS = 3 * _HOUR_MS

Key = tuple[str, int]


class KnownReadings:
    """Newest and identity of the readings of one database. `lock` is held while they change or are written."""

    def __init__(self, server: InfluxServer, write: Callable[[ReadingTable], None]) -> None:
        self.lock = threading.RLock()
        self._server = server
        self._write = write
        self._devices = identity.Devices()
        # Measurements that a device was seen in: where its readings are looked up.
        self._homes: dict[Measurement, set[str]] = {measurement: set() for measurement in READINGS}
        # Up to this instant [ms] readings of a device may be visible and yet not durable; absent: never.
        self._doubted: dict[str, int] = {}
        self._learnt = False
        self._looked_at = 0.0

    def learn(self) -> None:
        """Ask once what is stored."""
        if not self._learnt:
            self._learn()

    def forget(self) -> None:
        """Ask again at the next need: readings were deleted."""
        self._learnt = False

    def newest(self) -> dict[str, int]:
        """Return the newest stored instant [ms] of each device, also of readings that another process wrote."""
        self.learn()
        if time.monotonic() - self._looked_at > _CATCH_UP_S:
            with self.lock:
                self._read(max(self._devices.as_dict().values(), default=FIRST_MS) - _CATCH_UP_MS)
        return self._devices.as_dict()

    def unseen(self, batch: ReadingTable) -> Bools:
        """Tell which readings are not stored yet; those that are not new are durable when this returns."""
        if not len(batch):
            return np.zeros(0, dtype=np.bool_)
        self.learn()
        return identity.unseen(batch, self._devices, self._stored)

    def doubt(self, rows: ReadingTable) -> None:
        """Take note that readings were sent, and that it is not known what became of them."""
        for device, ts in zip(rows.device.tolist(), rows.ts_ms.tolist(), strict=True):
            self._doubted[device] = max(ts, self._doubted.get(device, ts))

    def note(self, batch: ReadingTable, stored: Bools) -> Bools:
        """Take note of what was stored; return which of it came late."""
        late = np.zeros(len(batch), dtype=np.bool_)
        rows = batch.rows(stored)
        code = self._devices.encode(rows.device)
        late[stored] = identity.late_in_batch(code, rows.ts_ms, self._devices.newest_ms)
        self._devices.advance(code, rows.ts_ms)
        for measurement in READINGS:
            mask = rows.kind == KindCode[measurement.name]
            if mask.any():
                self._homes[measurement].update(rows.device[mask].tolist())
        self._looked_at = time.monotonic()
        return late

    def _learn(self) -> None:
        with self.lock:
            # Another thread may have learnt it meanwhile.
            if self._learnt:
                return
            first = self._looked_at == 0.0
            self._devices.forget()
            self._read(FIRST_MS)
            if first:
                self._doubted = self._devices.as_dict()
                # How the writer before us ended is not known.
                self._server.interrupted |= bool(self._doubted)
            self._learnt = True

    def _read(self, since_ms: int) -> None:
        for measurement in READINGS:
            found = newest_times(self._server, measurement, "device", max(since_ms, FIRST_MS))
            self._homes[measurement].update(found)
            for device, ts in found.items():
                code = self._devices.code(device)
                self._devices.advance(np.array([code]), np.array([ts]))
        self._looked_at = time.monotonic()

    def _stored(self, rows: ReadingTable, device: Ints) -> Bools:
        """Look up which readings are stored, at whatever point and of whatever kind they were."""
        stored = np.zeros(len(rows), dtype=np.bool_)
        for part in _stretches(rows.ts_ms):
            given = list(zip(rows.device[part].tolist(), rows.ts_ms[part].tolist(), strict=True))
            span = int(rows.ts_ms[part].min()), int(rows.ts_ms[part].max()) + 1
            asked = {device for device, _ in given}
            keys: set[Key] = set()
            for measurement in READINGS:
                if devices := sorted(asked & self._homes[measurement]):
                    found = keys_stored(self._server, measurement, *span, devices)
                    self._make_sure(measurement, found.intersection(given))
                    keys |= found
            stored[part] = [key in keys for key in given]
        return stored

    def _make_sure(self, measurement: Measurement, found: set[Key]) -> None:
        """Make those readings durable that may only be visible."""
        doubtful = {key for key in found if key[1] <= self._doubted.get(key[0], NEVER)}
        if not doubtful:
            return
        instants = [ts for _, ts in doubtful]
        where = conditions(min(instants), max(instants) + 1, "device", sorted({device for device, _ in doubtful}))
        rows = reading_table(self._server, measurement, where)
        keys = zip(rows.device.tolist(), rows.ts_ms.tolist(), strict=True)
        with self.lock:
            self._write(rows.rows(np.array([key in doubtful for key in keys], dtype=np.bool_)))


def _stretches(ts_ms: Ints) -> list[Ints]:
    """Group instants for looking up: at most a day together, a new group after an empty hour."""
    order = np.argsort(ts_ms, kind="stable")
    times = ts_ms[order]
    day = (times - times[0]) // _DAY_MS
    cuts = np.flatnonzero((np.diff(times) > _HOUR_MS) | (np.diff(day) > 0)) + 1
    return np.split(order, cuts)
