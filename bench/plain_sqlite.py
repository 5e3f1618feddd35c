"""The plainest durable store there is, to compare with: one SQLite table, write-ahead log, full sync."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np

from heating.reading import ReadingSeries, ReadingTable

_TABLE = """CREATE TABLE room (
    device TEXT, ts INTEGER, point TEXT, temperature_c REAL, humidity_pct REAL, battery_v REAL, rssi_dbm REAL,
    lag_s REAL, quality INTEGER, PRIMARY KEY (device, ts)) WITHOUT ROWID"""


class PlainSqlite:
    """What of `ReadingStore` is compared."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_TABLE)
        self._connection.execute("CREATE INDEX room_of_point ON room (point, ts)")

    def write(self, batch: ReadingTable) -> None:
        """Store rows, the first one wins."""
        columns = (batch.device, batch.ts_ms, batch.point, batch.temperature_c, batch.humidity_pct, batch.battery_v,
                   batch.rssi_dbm, batch.lag_s, batch.quality)  # fmt: skip
        rows = zip(*(column.tolist() for column in columns), strict=True)
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR IGNORE INTO room VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def latest(self) -> int:
        """Read the newest reading of every point; return how many."""
        text = "SELECT point, max(ts), device, temperature_c, quality FROM room GROUP BY point"
        return len(self._connection.execute(text).fetchall())

    def series(self, points: list[str], start_ms: int, end_ms: int) -> ReadingSeries:
        """Return event arrays of points."""
        text = "SELECT point, ts, temperature_c, quality FROM room WHERE ts >= ? AND ts < ?"
        if len(points) == 1:
            text += " AND point = ?"
        rows = self._connection.execute(text, [start_ms, end_ms, *(points if len(points) == 1 else [])]).fetchall()
        number = {point: index for index, point in enumerate(points)}
        point, ts, value, quality = zip(*rows, strict=True)
        return ReadingSeries.of_rows(
            tuple(points), np.array([number[p] for p in point]), np.array(ts), np.array(value), np.array(quality)
        )

    def close(self) -> None:
        """Write everything into the one file."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
