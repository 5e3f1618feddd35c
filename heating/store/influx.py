"""The store on InfluxDB 1.x, 2.x or 3 Core.

InfluxDB overwrites a point with the same tags and instant; that the first one wins is held here, by looking up those
readings that are not newer than the newest of their device. So one process at a time may write readings.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np

from heating.measurement import READINGS, SCHEMAS, Measurement, RollUp
from heating.reading import Bools, Ints, KindCode, ReadingSeries, ReadingTable, TemperatureGrid
from heating.store import backups, identity
from heating.store.address import InfluxAddress
from heating.store.fields import NO_VALUE, keep_fields, without_value
from heating.store.influx_admin import Administration
from heating.store.influx_http import InfluxServer, Refused
from heating.store.influx_lines import LineWriter
from heating.store.influx_newest import newest_rows, newest_times
from heating.store.influx_reading import FEW, FIRST_MS, LAST_MS, among, chosen, reading_table, rollup_rows, span
from heating.store.influx_rewrites import last_ones, losing_fields, with_holes
from heating.store.port import Rejected, Written

log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_WRITE_ROWS = 10_000
_CHUNK_ROWS = 200_000
# A process that wrote no readings for so long looks what others wrote, back to so long before the newest it knows.
_CATCH_UP_S = 60.0
_CATCH_UP_MS = 3 * _HOUR_MS


class InfluxStore:
    """`ReadingStore` on one database (bucket). Threads share it; writes go one after the other."""

    def __init__(self, address: InfluxAddress, token: str | None, *, create: bool = True) -> None:
        self._server = InfluxServer(address, token)
        self._admin = Administration(self._server, create=create)
        self._lines = LineWriter()
        # Readings and roll-ups wait for no one but their own: a slow server must not let a sweep hold up the collector.
        self._writing = threading.RLock()
        self._rolling = threading.RLock()
        self._devices = identity.Devices()
        # Measurements that a device was seen in: where its readings are looked up.
        self._homes: dict[Measurement, set[str]] = {measurement: set() for measurement in READINGS}
        self._newest_known = False
        self._newest_at = 0.0
        self._rollup_newest: dict[Measurement, int] = {}
        # Where `latest` looks back from; it only decides how much is read.
        self._recent_ms: dict[Measurement, int] = {}

    def unseen(self, batch: ReadingTable) -> Bools:
        """See `ReadingStore.unseen`."""
        if not len(batch):
            return np.zeros(0, dtype=np.bool_)
        self._know_newest()
        return identity.unseen(batch, self._devices, self._stored)

    def write(self, batch: ReadingTable) -> Written:
        """See `ReadingStore.write`."""
        batch = keep_fields(batch)
        empty = without_value(batch)
        rejected = [Rejected(index, NO_VALUE) for index in np.flatnonzero(empty).tolist()]
        with self._writing:
            stored = self.unseen(batch) & ~empty
            places = np.flatnonzero(stored)
            rows = batch.rows(places)
            refused = self._send(self._lines.readings(rows))
            rejected += [Rejected(int(places[row]), reason) for row, reason in refused]
            stored[places[[row for row, _ in refused]]] = False
            self._newest_at = time.monotonic()
            return Written(stored, self._noted(batch, stored), tuple(sorted(rejected, key=lambda one: one.index)))

    def newest(self) -> dict[str, int]:
        """See `ReadingStore.newest`."""
        self._know_newest()
        if time.monotonic() - self._newest_at > _CATCH_UP_S:
            self._read_newest(max(self._devices.as_dict().values(), default=FIRST_MS) - _CATCH_UP_MS)
        return self._devices.as_dict()

    def latest(
        self,
        kind: KindCode,
        *,
        at_ms: int | None = None,
        points: Sequence[str] | None = None,
        within_ms: int | None = None,
    ) -> ReadingTable:
        """See `ReadingStore.latest`."""
        if within_ms is not None and at_ms is None:
            raise ValueError("within_ms counts back from at_ms: give both")
        self._admin.ready()
        measurement = Measurement[kind.name]
        found = newest_rows(
            self._server, measurement, at_ms, points, within_ms, recent_ms=self._recent_ms.get(measurement)
        )
        if at_ms is None and points is None and len(found):
            self._recent_ms[measurement] = int(found.ts_ms.max())
        return found

    def series(
        self, points: Sequence[str], start_ms: int, end_ms: int, *, quantity: str = "temperature_c"
    ) -> ReadingSeries:
        """See `ReadingStore.series`."""
        measurements = [name for name in READINGS if quantity in SCHEMAS[name].floats]
        if not measurements:
            raise ValueError(f"quantity {quantity!r} is no field of a reading")
        self._admin.ready()
        where = span(start_ms, end_ms) + among("point", points)
        found = ReadingTable.joined([reading_table(self._server, name, where, only=quantity) for name in measurements])
        index = {point: place for place, point in enumerate(points)}
        owner = np.array([index.get(point, -1) for point in found.point.tolist()], dtype=np.int64)
        keep = owner >= 0
        value = getattr(found, quantity)
        return ReadingSeries.of_rows(tuple(points), owner[keep], found.ts_ms[keep], value[keep], found.quality[keep])

    def grid(self, points: Sequence[str], start_ms: int, end_ms: int, step_ms: int) -> TemperatureGrid:
        """See `ReadingStore.grid`."""
        return TemperatureGrid.of(self.series(points, start_ms, end_ms), start_ms, end_ms, step_ms)

    def readings(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        kinds: Sequence[KindCode] | None = None,
    ) -> Iterator[ReadingTable]:
        """See `ReadingStore.readings`; readings that arrive meanwhile may or may not be among them."""
        self._admin.ready()
        wanted = READINGS if kinds is None else [Measurement[KindCode(kind).name] for kind in kinds]
        bounds = [ends for name in wanted if (ends := self._admin.bounds(name, start_ms, end_ms)) is not None]
        if not bounds:
            return
        low, last, step = min(first for first, _ in bounds), max(last for _, last in bounds), _HOUR_MS
        while low <= last:
            where = span(low, min(low + step, end_ms)) + among("point", points)
            found = ReadingTable.joined([reading_table(self._server, name, where) for name in wanted])
            low += step
            # The next stretch is as long as should fill a chunk, at most twice as long as this one was.
            step = int(step * min(2.0, max(_CHUNK_ROWS / max(len(found), 1), 0.1)))
            if points is not None:
                found = found.rows(np.isin(found.point.astype(str), list(points)))
            if len(found):
                yield found.rows(np.lexsort((found.device.astype(str), found.ts_ms)))

    def write_rollup(self, rows: RollUp) -> None:
        """See `ReadingStore.write_rollup`.

        A rewritten point keeps the old value of a field that is absent in the new row; such points are deleted first
        (InfluxDB 3 Core cannot, and says so once in the log).
        """
        if not len(rows):
            return
        self._admin.ready()
        with self._rolling:
            rows = last_ones(rows)
            self._remove_fields_gone(rows)
            refused = self._send(self._lines.rollup(rows))
            if refused:
                row, reason = refused[0]
                log.error("rollup_refused measurement=%s rows=%d first=%d reason=%s",
                          rows.measurement, len(refused), row, reason)  # fmt: skip
            newest = self._rollup_newest[rows.measurement]
            self._rollup_newest[rows.measurement] = max(newest, int(rows.ts_ms.max()))

    def rollup(
        self,
        measurement: Measurement,
        start_ms: int,
        end_ms: int,
        *,
        tag: str | None = None,
        values: Sequence[str] | None = None,
    ) -> RollUp:
        """See `ReadingStore.rollup`."""
        self._admin.ready()
        where = span(start_ms, end_ms) + (among(tag, values) if tag is not None else "")
        rows = rollup_rows(self._server, measurement, where)
        if tag is None or values is None or len(values) <= FEW:
            return rows
        return chosen(rows, np.isin(rows.tags[tag].astype(str), list(values)))

    def forget_before(self, cutoff_ms: int) -> int:
        """See `ReadingStore.forget_before`."""
        with self._writing:
            for measurement in READINGS:
                self._admin.delete_before(measurement, cutoff_ms)
            self._newest_known = False
        return -1

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        version = self._admin.ready()
        self._server.command('SELECT "quality" FROM "room" LIMIT 1')
        return f"InfluxDB {version} at {self._server.address.base_url}, database {self._server.address.database}"

    def backup(self, folder: str) -> None:
        """See `ReadingStore.backup`; written as an embedded store, which `restore` reads into either adapter."""
        backups.copy_into_file(self, backups.new_target(folder))

    def bounds(self, measurement: Measurement) -> tuple[int, int] | None:
        """Return the first and the last instant [ms] of a measurement, None where it is empty."""
        self._admin.ready()
        return self._admin.bounds(measurement, FIRST_MS, LAST_MS)

    def close(self) -> None:
        """See `ReadingStore.close`."""
        self._server.close()

    def _know_newest(self) -> None:
        if self._newest_known:
            return
        self._admin.ready()
        with self._writing:
            self._devices.forget()
            self._read_newest(FIRST_MS)
            self._newest_known = True

    def _read_newest(self, since_ms: int) -> None:
        """Learn what is in the database; a process that does not write readings hears of them in no other way."""
        with self._writing:
            for measurement in READINGS:
                found = newest_times(self._server, measurement, "device", max(since_ms, FIRST_MS))
                self._homes[measurement].update(found)
                for device, ts in found.items():
                    code = self._devices.code(device)
                    self._devices.advance(np.array([code]), np.array([ts]))
            self._newest_at = time.monotonic()

    def _stored(self, rows: ReadingTable, device: Ints) -> Bools:
        """Look up which readings are stored, at whatever point and of whatever kind they were."""
        stored = np.zeros(len(rows), dtype=np.bool_)
        for part in _stretches(rows.ts_ms):
            asked = set(rows.device[part].tolist())
            low, high = int(rows.ts_ms[part].min()), int(rows.ts_ms[part].max())
            keys: set[tuple[str, int]] = set()
            for measurement in READINGS:
                devices = sorted(asked & self._homes[measurement])
                if devices:
                    where = span(low, high + 1) + among("device", devices)
                    found = reading_table(self._server, measurement, where)
                    keys.update(zip(found.device.tolist(), found.ts_ms.tolist(), strict=True))
            stored[part] = [
                key in keys for key in zip(rows.device[part].tolist(), rows.ts_ms[part].tolist(), strict=True)
            ]
        return stored

    def _send(self, lines: list[str]) -> list[tuple[int, str]]:
        """Write lines; return those that the server refuses for good, with its reason."""
        refused: list[tuple[int, str]] = []
        for start in range(0, len(lines), _WRITE_ROWS):
            refused += self._send_part(lines, start, min(start + _WRITE_ROWS, len(lines)))
        return refused

    def _send_part(self, lines: list[str], start: int, end: int) -> list[tuple[int, str]]:
        try:
            self._server.write("\n".join(lines[start:end]).encode())
        except Refused as error:
            # Good lines of a refused request may be stored already: written again, they change nothing.
            if end - start == 1 or error.dropped == end - start:
                return [(row, error.reason) for row in range(start, end)]
            middle = (start + end) // 2
            return self._send_part(lines, start, middle) + self._send_part(lines, middle, end)
        return []

    def _noted(self, batch: ReadingTable, stored: Bools) -> Bools:
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
        return late

    def _remove_fields_gone(self, rows: RollUp) -> None:
        newest = self._rollup_newest.get(rows.measurement)
        if newest is None:
            newest = self._rollup_newest[rows.measurement] = self._admin.newest(rows.measurement)
        rewritten = with_holes(rows, newest)
        if len(rewritten):
            old = self.rollup(rows.measurement, int(rewritten.ts_ms.min()), int(rewritten.ts_ms.max()) + 1)
            for ts_ms, tags in losing_fields(old, rewritten):
                self._admin.delete_point(rows.measurement, ts_ms, tags)


def _stretches(ts_ms: Ints) -> list[Ints]:
    """Group instants for looking up: at most a day together, a new group after an empty hour."""
    order = np.argsort(ts_ms, kind="stable")
    times = ts_ms[order]
    day = (times - times[0]) // _DAY_MS
    cuts = np.flatnonzero((np.diff(times) > _HOUR_MS) | (np.diff(day) > 0)) + 1
    return np.split(order, cuts)
