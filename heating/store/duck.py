"""One DuckDB file: opening it (also after a crash), its layout, queries and transactions.

What DuckDB 2.0 was found to do, and this file relies on: a commit returns after `fdatasync` of the write-ahead log (of
the database file too, for large inserts); an incomplete last record of the log is dropped silently on opening; a
complete but damaged record is an error that names its byte position; after a failed write to disk the whole instance
refuses everything until it is opened anew.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from heating.errors import StoreMisconfigured, StoreOwned, StoreUnavailable
from heating.measurement import ROLL_UPS, SCHEMAS
from heating.reading import VALUE_FIELDS

log = logging.getLogger(__name__)

LAYOUT = 1
Columns = dict[str, NDArray[Any]]
# A commit that the disk refused is a TransactionException; conflicts, its other cause, one writer cannot have.
_BROKEN = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.ConnectionException,
    duckdb.TransactionException,
)
_BAD_RECORD = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_CONFIG = {"memory_limit": "1GB", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def _tables() -> dict[str, dict[str, str]]:
    """Return the columns of every table, with their types."""
    row = {"series": "INTEGER", "ts": "BIGINT"}
    tables = {
        "series": {"id": "INTEGER", "measurement": "VARCHAR", "tags": "VARCHAR"},
        "reading": row | dict.fromkeys(VALUE_FIELDS, "DOUBLE") | {"quality": "SMALLINT"},
    }
    for measurement in ROLL_UPS:
        schema = SCHEMAS[measurement]
        fields = dict.fromkeys(schema.texts, "VARCHAR") | dict.fromkeys(schema.floats, "DOUBLE")
        tables[measurement.value] = row | fields
    return tables


class Database:
    """A DuckDB file that several threads use; every call gets a cursor of its own.

    There are no keys or indexes: they would make a row seven times as large. What makes a row unique is held by the
    caller, who lets one thread write at a time.
    """

    def __init__(self, path: Path, *, read_only: bool = False, wait_s: float = 0.0) -> None:
        self.path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._closed = False
        self._con: Any = _connect(path, read_only=read_only, wait_s=wait_s)
        try:
            self._check_layout()
        except BaseException:
            self._con.close()
            raise

    def _check_layout(self) -> None:
        with self.cursor() as cursor:
            if not _columns_of(cursor, "layout"):
                if self._read_only:
                    raise StoreMisconfigured(f"store.url: {self.path} holds no heatwatch store yet")
                cursor.execute(
                    f"BEGIN; CREATE TABLE layout(version INTEGER); INSERT INTO layout VALUES ({LAYOUT}); COMMIT"
                )
            (version,) = cursor.execute("SELECT max(version) FROM layout").fetchone()
            if version != LAYOUT:
                raise StoreMisconfigured(
                    f"store.url: {self.path} has layout {version}, this heatwatch knows {LAYOUT}:"
                    " use the version that wrote it"
                )
            if not self._read_only:
                _extend(cursor)

    def has(self, table: str) -> bool:
        """Tell whether a table is there; an older file opened for reading may lack a newer one."""
        with self.cursor() as cursor:
            return bool(_columns_of(cursor, table))

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend a cursor; a failure of disk or engine becomes `StoreUnavailable`, and the next call opens anew."""
        con = self._connection()
        try:
            cursor = con.cursor()
            try:
                yield cursor
            finally:
                cursor.close()
        except _BROKEN as error:
            self._drop(con)
            raise StoreUnavailable(f"embedded store {self.path}: {_first_line(error)}") from error
        except duckdb.OutOfMemoryException as error:
            raise StoreUnavailable(f"embedded store {self.path}: {_first_line(error)}") from error

    def rows(self, sql: str, parameters: Sequence[int] = (), **tables: Mapping[str, Any]) -> Columns:
        """Return the columns of a query; `tables` are numpy columns that it can name."""
        with self.cursor() as cursor:
            for name, columns in tables.items():
                cursor.register(name, dict(columns))
            found: Columns = cursor.execute(sql, [int(number) for number in parameters]).fetchnumpy()
            return found

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Lend a cursor inside a transaction: durable when the block ends, undone when it raises."""
        with self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute("ROLLBACK")
                raise

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy of the whole database to a new file, without holding up writers."""
        with self.cursor() as cursor:
            # A guest that opened the file for reading attaches for reading, if not told otherwise.
            # READ_WRITE: the copy, also where a reader opened the store that nobody owns.
            cursor.execute(f"ATTACH '{_quoted(target)}' AS copy (READ_WRITE)")
            (here,) = cursor.execute("SELECT current_database()").fetchone()
            try:
                cursor.execute(f'COPY FROM DATABASE "{here}" TO copy')
            finally:
                cursor.execute("DETACH copy")

    def close(self) -> None:
        """Check-point and release the file."""
        self._closed = True
        self._drop(self._con)

    def _connection(self) -> Any:
        with self._lock:
            if self._closed:
                raise StoreUnavailable(f"embedded store {self.path} is closed")
            if self._con is None:
                self._con = _connect(self.path, read_only=self._read_only, wait_s=0.0)
                log.info("store_reopened path=%s", self.path)
            return self._con

    def _drop(self, con: Any) -> None:
        with self._lock:
            if con is not None and con is self._con:
                self._con = None
                # An instance that gave up on its disk cannot check-point; its log is replayed on opening.
                with suppress(duckdb.Error):
                    con.close()


def _extend(cursor: Any) -> None:
    """Add the tables and columns that this version knows and the file does not."""
    for table, wanted in _tables().items():
        there = _columns_of(cursor, table)
        if not there:
            cursor.execute(f"CREATE TABLE {table}({', '.join(f'{name} {kind}' for name, kind in wanted.items())})")
            continue
        for name in wanted.keys() - there:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN {name} {wanted[name]}")
            log.info("store_column_added table=%s column=%s", table, name)


def _columns_of(cursor: Any, table: str) -> set[str]:
    found = cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = ?", [table])
    return {name for (name,) in found.fetchall()}


def _connect(path: Path, *, read_only: bool, wait_s: float) -> Any:
    deadline = time.monotonic() + wait_s
    repaired = False
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
        except duckdb.Error as error:
            text = str(error)
            if "Could not set lock" in text:
                if time.monotonic() >= deadline:
                    raise StoreOwned(f"store.url: {path} is in use: {_first_line(error)}") from error
                threading.Event().wait(0.05)
            elif not repaired and not read_only and (bad := _BAD_RECORD.search(text)):
                _cut_log(path, int(bad.group(1)))
                repaired = True
            else:
                raise _opening_failed(path, error) from error


def _opening_failed(path: Path, error: duckdb.Error) -> Exception:
    said = f"embedded store {path} cannot be opened: {_first_line(error)}"
    if isinstance(error, duckdb.IOException) and "not a valid DuckDB" not in str(error):
        return StoreUnavailable(said)
    return StoreMisconfigured(f"store.url: {said}")


def _cut_log(path: Path, position: int) -> None:
    """Cut the write-ahead log before its first damaged record, keeping the whole log beside it.

    A power cut can leave the blocks of the last, never acknowledged record half written. Should the damage lie further
    in front, what followed it is in the kept file; so this is said loudly.
    """
    wal = path.with_name(path.name + ".wal")
    kept = path.with_name(f"{path.name}.wal.damaged-{position}")
    shutil.copyfile(wal, kept)
    size = wal.stat().st_size
    with wal.open("r+b") as file:
        file.truncate(position)
        os.fsync(file.fileno())
    log.error("store_log_cut path=%s at=%d of=%d kept=%s", wal, position, size, kept)


def filled(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return a number column with NaN where the database had no value."""
    if isinstance(column, np.ma.MaskedArray):
        values: NDArray[np.float64] = np.ma.filled(column.astype(np.float64), np.nan)
        return values
    return np.asarray(column, dtype=np.float64)


def written(column: NDArray[Any]) -> NDArray[np.object_]:
    """Return a text column with "" where the database had no value."""
    texts: NDArray[np.object_] = np.ma.filled(column, "") if isinstance(column, np.ma.MaskedArray) else column
    return texts


def holed(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a number column whose NaN become no value in the database."""
    absent = np.isnan(column)
    return np.ma.masked_array(column, absent) if absent.any() else column


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
