"""One database, its connections and transactions, and the one place where its failures get a name of the house.

A `read` sees one instant of the database; a `write` is alone: SQLite by `BEGIN IMMEDIATE`, PostgreSQL by the row
locks that the books take first (`chain_head`, `numbers`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from heating.errors import LedgerUnavailable

# How long a writer waits for another before it says so.
BUSY_S = 10.0

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
    # What is erased (a contact) shall not be left in free pages of the file.
    "PRAGMA secure_delete = ON",
)

# Faults of our own statements and values: they are to crash, every other failure of a driver is the database's.
_BUGS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)


class Database:
    """Engine and transactions of one ledger; threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock()
        self._reader = engine.execution_options(**_read_options(engine))
        self._writer = engine.execution_options(ledger_writes=True)

    @classmethod
    def at(cls, url: URL) -> Self:
        """Make the engine of a URL; nothing is opened yet."""
        if url.get_backend_name() != "sqlite":
            return cls(create_engine(url, pool_pre_ping=True))
        engine = create_engine(url, connect_args={"timeout": BUSY_S})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return cls(engine)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is a file of SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read one instant of the database."""
        with named_failures(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Write in one transaction: all of it is durable at the end, or none of it. Not to be nested."""
        with named_failures(), self._my_turn(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release connections."""
        self.engine.dispose()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Let threads queue here: SQLite's own waiting is a sleep that starves the unlucky."""
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_S):
            raise LedgerUnavailable("ledger is busy: another thread has been writing for too long")
        try:
            yield
        finally:
            self._turn.release()


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn failures of the driver (locked, disk full, I/O, connection) into `LedgerUnavailable`."""
    try:
        yield
    except PoolTimeoutError as error:
        raise LedgerUnavailable("ledger is busy: no connection is free") from error
    except _BUGS:
        raise
    except DBAPIError as error:
        raise LedgerUnavailable(f"ledger cannot answer: {_one_line(error.orig)}") from error


def _one_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _read_options(engine: Engine) -> dict[str, Any]:
    """Return what makes a read see one instant: SQLite does by itself, PostgreSQL wants to be told."""
    return {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}


def _prepare(connection: Any, _record: Any) -> None:
    """Take transactions out of the driver's hands (SQLAlchemy, "Transactions with SQLite and the sqlite3 driver")."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("ledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
