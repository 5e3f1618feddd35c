"""The store on InfluxDB 1.x, 2.x or 3 Core.

InfluxDB overwrites a point with the same tags and instant; that the first one wins is held here, by looking up those
readings that are not newer than the newest of their device. So one process at a time may write readings.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from heating.errors import StoreMisconfigured, StoreUnavailable
from heating.measurement import READINGS, SCHEMAS, Measurement, RollUp
from heating.reading import Bools, Ints, KindCode, ReadingSeries, ReadingTable, TemperatureGrid
from heating.store import backups
from heating.store.address import InfluxAddress
from heating.store.fields import NO_VALUE, keep_fields, without_value
from heating.store.influx_admin import Administration
from heating.store.influx_answers import Refused
from heating.store.influx_http import InfluxServer
from heating.store.influx_known import KnownReadings
from heating.store.influx_lines import LineWriter
from heating.store.influx_log import renew
from heating.store.influx_newest import newest_rows
from heating.store.influx_reading import (
    FIRST_MS,
    LAST_MS,
    chosen,
    conditions,
    ranks,
    reading_table,
    rollup_rows,
    values_of,
)
from heating.store.influx_rewrites import last_ones, losing_fields, with_holes
from heating.store.port import Rejected, Written

log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# Of longer stretches it is asked first where readings are.
_LONG_MS = 62 * _DAY_MS
_WRITE_ROWS = 10_000
_CHUNK_ROWS = 200_000
# The readings of so few points are read by days from the beginning, those of more by hours.
_FEW = 100


class InfluxStore:
    """`ReadingStore` on one database (bucket). Threads share it; writes go one after the other."""

    def __init__(
        self, address: InfluxAddress, token: str | None, tls_ca: str | None = None, *, create: bool = True
    ) -> None:
        self._server = InfluxServer(address, token, tls_ca)
        self._admin = Administration(self._server, create=create)
        self._lines = LineWriter()
        # Readings and roll-ups wait for no one but their own: a slow server must not let a sweep hold up the collector.
        self._known = KnownReadings(self._server, self._write_again)
        self._rolling = threading.RLock()
        self._rollup_newest: dict[Measurement, int] = {}
        # Where `latest` looks back from; it only decides how much is read.
        self._recent_ms: dict[Measurement, int] = {}

    def unseen(self, batch: ReadingTable) -> Bools:
        """See `ReadingStore.unseen`."""
        self._admin.ready()
        return self._known.unseen(batch)

    def write(self, batch: ReadingTable) -> Written:
        """See `ReadingStore.write`."""
        batch = keep_fields(batch)
        empty = without_value(batch)
        rejected = [Rejected(index, NO_VALUE) for index in np.flatnonzero(empty).tolist()]
        with self._known.lock:
            stored = self.unseen(batch) & ~empty
            places = np.flatnonzero(stored)
            refused = self._send_readings(batch.rows(places))
            rejected += [Rejected(int(places[row]), reason) for row, reason in refused]
            stored[places[[row for row, _ in refused]]] = False
            return Written(stored, self._known.note(batch, stored), tuple(sorted(rejected, key=lambda one: one.index)))

    def newest(self) -> dict[str, int]:
        """See `ReadingStore.newest`."""
        self._admin.ready()
        return self._known.newest()

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
        index = {point: place for place, point in enumerate(points)}
        where = conditions(start_ms, end_ms, "point", points)
        parts = [part for name in measurements for part in values_of(self._server, name, where, quantity, index)]
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return ReadingSeries.of_rows(tuple(points), nothing, nothing, np.empty(0), nothing)
        return ReadingSeries.of_rows(tuple(points), *map(np.concatenate, zip(*parts, strict=True)))

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
        low, high = self._stretch_of(wanted, start_ms, end_ms)
        asked = None if points is None else set(points)
        step = _HOUR_MS if asked is None or len(asked) > _FEW else _DAY_MS
        while low < high:
            where = conditions(low, min(low + step, high), "point", points)
            found = ReadingTable.joined([reading_table(self._server, name, where) for name in wanted])
            low += step
            # The next stretch is as long as should fill a chunk, at most twice as long as this one was.
            step = int(step * min(2.0, max(_CHUNK_ROWS / max(len(found), 1), 0.1)))
            if asked is not None:
                found = found.rows(np.array([point in asked for point in found.point.tolist()], dtype=np.bool_))
            if len(found):
                yield found.rows(np.lexsort((ranks(found.device), found.ts_ms)))

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
        if tag is None or values is None:
            return rollup_rows(self._server, measurement, conditions(start_ms, end_ms))
        rows = rollup_rows(self._server, measurement, conditions(start_ms, end_ms, tag, values))
        asked = set(values)
        return chosen(rows, np.array([value in asked for value in rows.tags[tag].tolist()], dtype=np.bool_))

    def forget_before(self, cutoff_ms: int) -> int:
        """See `ReadingStore.forget_before`."""
        with self._known.lock:
            for measurement in READINGS:
                self._admin.delete_before(measurement, cutoff_ms)
            self._known.forget()
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

    def _stretch_of(self, measurements: Sequence[Measurement], start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return what is to be read of [start, end): of a long one only where readings are."""
        if end_ms - start_ms <= _LONG_MS:
            return start_ms, end_ms
        bounds = [ends for name in measurements if (ends := self._admin.bounds(name, start_ms, end_ms)) is not None]
        if not bounds:
            return start_ms, start_ms
        return min(first for first, _ in bounds), max(last for _, last in bounds) + 1

    def _send_readings(self, rows: ReadingTable) -> list[tuple[int, str]]:
        try:
            if self._server.interrupted and len(rows):
                renew(self._server, self._admin, _first_and_last_day(rows.ts_ms))
            return self._send(self._lines.readings(rows))
        except (StoreUnavailable, StoreMisconfigured):
            self._known.doubt(rows)
            raise

    def _write_again(self, rows: ReadingTable) -> None:
        self._send(self._lines.readings(rows))

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

    def _remove_fields_gone(self, rows: RollUp) -> None:
        newest = self._rollup_newest.get(rows.measurement)
        if newest is None:
            newest = self._rollup_newest[rows.measurement] = self._admin.newest(rows.measurement)
        rewritten = with_holes(rows, newest)
        if len(rewritten):
            old = self.rollup(rows.measurement, int(rewritten.ts_ms.min()), int(rewritten.ts_ms.max()) + 1)
            for ts_ms, tags in losing_fields(old, rewritten):
                self._admin.delete_point(rows.measurement, ts_ms, tags)


def _first_and_last_day(ts_ms: Ints) -> set[int]:
    """Return an instant of the first and of the last day: shards are seldom shorter, and batches seldom longer."""
    return {int(ts) // _DAY_MS * _DAY_MS for ts in (ts_ms.min(), ts_ms.max())}
