"""The embedded store: one DuckDB file, owned by one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from heating.measurement import READINGS, SCHEMAS, Measurement, RollUp
from heating.reading import (
    VALUE_FIELDS,
    Bools,
    Ints,
    KindCode,
    ReadingSeries,
    ReadingTable,
    TemperatureGrid,
)
from heating.store import identity
from heating.store.backup_target import new_target
from heating.store.catalog import Catalog
from heating.store.duck import Columns, Database, filled, holed
from heating.store.fields import NO_VALUE, keep_fields, without_value
from heating.store.newest_rows import find_newest
from heating.store.port import Rejected, Written
from heating.store.rollup_rows import rollup_of
from heating.store.rows import ROW, among, in_order_stored, owner_of, reading_columns, select

CHUNK_ROWS = 200_000


class EmbeddedStore:
    """`ReadingStore` on a DuckDB file.

    Rows carry the number of their series (`Catalog`) instead of texts. Threads share it: reads run side by side, writes
    one after the other. A reading is durable when `write` returns.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._catalog = Catalog()
        self._writing = threading.RLock()
        self._instants_known = False
        found = database.rows("SELECT id, measurement, tags FROM series ORDER BY rowid")
        self._catalog.load(found["id"].tolist(), found["measurement"].tolist(), found["tags"].tolist())

    def unseen(self, batch: ReadingTable) -> Bools:
        """See `ReadingStore.unseen`."""
        self._know_instants()
        return identity.unseen(batch, self._catalog.devices, self._stored)

    def write(self, batch: ReadingTable) -> Written:
        """See `ReadingStore.write`."""
        batch = keep_fields(batch)
        empty = without_value(batch)
        with self._writing:
            new = self.unseen(batch) & ~empty
            late = np.zeros(len(batch), dtype=np.bool_)
            if new.any():
                rows = batch if new.all() else batch.rows(new)
                series = self._catalog.encode(rows)
                device = self._catalog.device_of(series)
                late[new] = identity.late_in_batch(device, rows.ts_ms, self._catalog.devices.newest_ms)
                self._insert("reading", reading_columns(series, rows))
                self._catalog.advance(series, rows.ts_ms)
            return Written(new, late, tuple(Rejected(index, NO_VALUE) for index in np.flatnonzero(empty).tolist()))

    def newest(self) -> dict[str, int]:
        """See `ReadingStore.newest`."""
        self._know_instants()
        return self._catalog.devices.as_dict()

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
        self._know_instants()
        series = self._catalog.matching([Measurement[kind.name]], values=points)
        found = find_newest(self._db, self._catalog, series, at_ms=at_ms, within_ms=within_ms)
        return self._table(found)

    def series(
        self, points: Sequence[str], start_ms: int, end_ms: int, *, quantity: str = "temperature_c"
    ) -> ReadingSeries:
        """See `ReadingStore.series`."""
        if quantity not in VALUE_FIELDS:
            raise ValueError(f"quantity {quantity!r} is none of {', '.join(VALUE_FIELDS)}")
        numbers = self._catalog.matching(READINGS, values=points)
        found = self._db.rows(
            f"SELECT rowid AS place, series, ts, {quantity} AS value, quality FROM reading"
            f" WHERE ts >= ? AND ts < ? AND {quantity} IS NOT NULL{among(numbers)}",
            [start_ms, end_ms],
        )
        found = in_order_stored(found)
        owner = owner_of(self._catalog, numbers, points)[found["series"]]
        keep = owner >= 0
        return ReadingSeries.of_rows(
            tuple(points),
            owner[keep],
            found["ts"][keep],
            filled(found["value"][keep]),
            found["quality"][keep].astype(np.int64),
        )

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
        for low, high in self.windows(start_ms, end_ms):
            chunk = self.readings_between(low, high, points=points, kinds=kinds)
            if len(chunk):
                yield chunk

    def windows(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Cut [start, end) into intervals of about `CHUNK_ROWS` readings each."""
        found = self._db.rows(
            "SELECT ts // 600000 AS slot, count(*) AS n FROM reading WHERE ts >= ? AND ts < ?"
            " GROUP BY slot ORDER BY slot",
            [start_ms, end_ms],
        )
        windows: list[tuple[int, int]] = []
        low, held = start_ms, 0
        for slot, count in zip(found["slot"].tolist(), found["n"].tolist(), strict=True):
            if held and held + count > CHUNK_ROWS:
                windows.append((low, slot * 600_000))
                low, held = slot * 600_000, 0
            held += count
        return [*windows, (low, end_ms)] if held else windows

    def readings_between(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        kinds: Sequence[KindCode] | None = None,
    ) -> ReadingTable:
        """Return the readings over [start, end) at once, ordered by (ts, device)."""
        wanted = READINGS if kinds is None else [Measurement[KindCode(kind).name] for kind in kinds]
        numbers = self._catalog.matching(wanted, values=points)
        found = self._db.rows(
            f"SELECT {ROW} FROM reading r WHERE ts >= ? AND ts < ?{among(numbers)}", [start_ms, end_ms]
        )
        chosen = np.zeros(len(self._catalog), dtype=np.bool_)
        chosen[numbers] = True
        table = self._table(select(found, chosen[found["series"]]))
        _, rank = np.unique(table.device.astype(str), return_inverse=True)
        return table.rows(np.lexsort((rank.reshape(-1), table.ts_ms)))

    def write_rollup(self, rows: RollUp) -> None:
        """See `ReadingStore.write_rollup`."""
        with self._writing:
            if not len(rows):
                return
            schema = SCHEMAS[rows.measurement]
            series = self._catalog.encode_rollup(rows)
            last = identity.first_in_batch(series[::-1], rows.ts_ms[::-1])[::-1]
            columns: dict[str, Any] = {"series": series[last].astype(np.int32), "ts": rows.ts_ms[last]}
            columns |= {name: rows.texts[name][last] for name in schema.texts}
            columns |= {name: holed(rows.floats[name][last]) for name in schema.floats}
            self._insert(rows.measurement, columns, replace=True)

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
        if not self._db.has(measurement):
            return RollUp.empty(measurement)
        position = 0 if tag is None else SCHEMAS[measurement].tags.index(tag)
        numbers = self._catalog.matching([measurement], position, values if tag is not None else None)
        return rollup_of(self._db, self._catalog, measurement, numbers, (start_ms, end_ms))

    def forget_before(self, cutoff_ms: int) -> int:
        """See `ReadingStore.forget_before`; derived rows stay, they are small and reports of a season need them."""
        with self._writing:
            with self._db.transaction() as cursor:
                (gone,) = cursor.execute("DELETE FROM reading WHERE ts < ?", [int(cutoff_ms)]).fetchone()
            if gone:
                self._instants_known = False
                with self._db.cursor() as cursor:
                    cursor.execute("CHECKPOINT")
            return int(gone)

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        (count,) = self._db.rows("SELECT count(*) AS n FROM series")["n"].tolist()
        return f"embedded store {self._db.path} ({count} series)"

    def backup(self, folder: str) -> None:
        """See `ReadingStore.backup`; `restore` reads it."""
        target = new_target(folder)
        growing = target.with_name(target.name + ".part")
        growing.unlink(missing_ok=True)
        self._db.copy_to(growing)
        os.replace(growing, target)

    def bounds(self, measurement: Measurement) -> tuple[int, int] | None:
        """Return the first and the last instant [ms] of a measurement (of all readings, if of readings)."""
        table = "reading" if measurement in READINGS else measurement.value
        if not self._db.has(table):
            return None
        with self._db.cursor() as cursor:
            first, last = cursor.execute(f"SELECT min(ts), max(ts) FROM {table}").fetchone()
        return None if first is None else (first, last)

    def close(self) -> None:
        """See `ReadingStore.close`."""
        with self._writing:
            self._db.close()

    def _know_instants(self) -> None:
        if self._instants_known:
            return
        with self._writing:
            found = self._db.rows("SELECT series, max(ts) AS ts FROM reading GROUP BY series")
            self._catalog.forget_instants()
            self._catalog.advance(found["series"].astype(np.int64), found["ts"])
            self._instants_known = True

    def _stored(self, rows: ReadingTable, device: Ints) -> Bools:
        """Look up which readings are stored, at whatever point and of whatever kind they were."""
        series = [self._catalog.of_device(code) for code in device.tolist()]
        place = np.repeat(np.arange(len(rows)), [len(numbers) for numbers in series])
        asked = {
            "place": place,
            "series": np.array([n for numbers in series for n in numbers], dtype=np.int32),
            "ts": rows.ts_ms[place],
        }
        found = self._db.rows(
            "SELECT asked.place FROM reading r JOIN asked ON r.series = asked.series AND r.ts = asked.ts"
            " WHERE r.ts BETWEEN ? AND ?",
            [int(rows.ts_ms.min()), int(rows.ts_ms.max())],
            asked=asked,
        )
        stored = np.zeros(len(rows), dtype=np.bool_)
        stored[found["place"]] = True
        return stored

    def _insert(self, table: str, columns: dict[str, Any], *, replace: bool = False) -> None:
        count = len(self._catalog)
        pending = self._catalog.pending()
        try:
            with self._db.transaction() as cursor:
                if len(pending["id"]):
                    cursor.register("pending", pending)
                    cursor.execute("INSERT INTO series SELECT * FROM pending")
                cursor.register("batch", columns)
                if replace:
                    cursor.execute(
                        f"DELETE FROM {table} t USING batch b WHERE t.series = b.series AND t.ts = b.ts"
                        " AND t.ts BETWEEN ? AND ?",
                        [int(columns["ts"].min()), int(columns["ts"].max())],
                    )
                cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM batch")
        except BaseException:
            # Whether a failed commit is durable is not known: the next call asks the file.
            self._instants_known = False
            raise
        self._catalog.settle(count)

    def _table(self, found: Columns) -> ReadingTable:
        series = found["series"].astype(np.int64)
        return ReadingTable(
            kind=self._catalog.kind(series),
            point=self._catalog.tag(series, 0),
            device=self._catalog.tag(series, 1),
            ts_ms=found["ts"],
            quality=found["quality"].astype(np.int64),
            **{name: filled(found[name]) for name in VALUE_FIELDS},
        )
