"""Opens the ledger that a URL names."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from heating.errors import ConfigError, InputError, NotThere
from heating.ledger import tables
from heating.ledger.backup import restore, write_copy
from heating.ledger.chain import GENESIS
from heating.ledger.chain_book import SqlChain
from heating.ledger.database import Database
from heating.ledger.findings import SqlFindings
from heating.ledger.journal import SqlJournal
from heating.ledger.numbers import upsert
from heating.ledger.orders import SqlOrders
from heating.ledger.outbox import SqlOutbox
from heating.ledger.places import SqlPlaces
from heating.ledger.port import Chain, FindingBook, Journal, OrderBook, Outbox, Places
from heating.ledger.quarantine import QuarantineCap
from heating.ledger.stages import SqlStages
from heating.stage import StageBook

# Any fixed number does: two processes that open a new PostgreSQL ledger at once must not both create its tables.
_CREATION_LOCK = 0x6865_6174

# How every file of SQLite begins (SQLite, "Database File Format", 1.3.1).
_MAGIC = b"SQLite format 3\x00"

_WANTED = "sqlite:///relative/file, sqlite:////absolute/file or postgresql+psycopg://user@host/database"


class SqlLedger:
    """All books of one database (port `Ledger`); threads may share it."""

    def __init__(self, database: Database, cap: QuarantineCap) -> None:
        self._db = database
        self.chain: Chain = SqlChain(database)
        self.findings: FindingBook = SqlFindings(database)
        self.orders: OrderBook = SqlOrders(database)
        self.outbox: Outbox = SqlOutbox(database)
        self.journal: Journal = SqlJournal(database, cap)
        self.places: Places = SqlPlaces(database)
        self.stages: StageBook = SqlStages(database)

    def ping(self) -> str:
        """Return one line that names the ledger; raise if it cannot be used."""
        head = self.chain.head()
        return f"ledger {self._db.engine.url.render_as_string(hide_password=True)}, {head.seq} entries"

    def backup(self, file: str) -> None:
        """Write a consistent copy while in use (SQLite only; PostgreSQL has its own tools)."""
        write_copy(_file(self._db), Path(file))

    def close(self) -> None:
        """Release connections; safe to call twice."""
        self._db.close()


def open_sql_ledger(url: str, *, create: bool = True, cap: QuarantineCap | None = None) -> SqlLedger:
    """Open a ledger (see `heating.ledger.open_ledger`); `cap` bounds its quarantine."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(Path(parsed.database or ""), create=create)
    database = Database.at(parsed)
    try:
        with database.write() as connection:
            _prepare_schema(connection, create=create)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, cap or QuarantineCap())


def restore_sql_ledger(file: str, url: str) -> None:
    """Restore a ledger of SQLite (see `heating.ledger.restore_ledger`)."""
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise InputError("restore of a PostgreSQL ledger: use pg_restore")
    restore(Path(file), Path(parsed.database or ""))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(f"ledger.url {url!r} is no URL; right would be {_WANTED}") from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        if importlib.util.find_spec("psycopg") is None:
            raise ConfigError(f"ledger.url {shown!r} needs a driver: install heatwatch[postgres]")
    elif parsed.drivername != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise ConfigError(f"ledger.url {shown!r} names no ledger; right would be {_WANTED}")
    return parsed


def _prepare_file(file: Path, *, create: bool) -> None:
    """Make folder and file; it will hold personal data, so it is its owner's only."""
    if not create and not file.is_file():
        raise NotThere(f"ledger.url: there is no ledger {file}", file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        with file.open("rb") as opened:
            magic = opened.read(len(_MAGIC))
    except OSError as error:
        raise ConfigError(f"ledger.url: {file} cannot be written: {error.strerror}") from error
    if magic not in (b"", _MAGIC):
        raise ConfigError(f"ledger.url: {file} is no database of SQLite")


def _prepare_schema(connection: Connection, *, create: bool) -> None:
    """Create the tables of a new ledger, add those that an older one lacks; refuse one of a newer heatwatch."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
    if not inspect(connection).has_table(tables.schema.name):
        if not create:
            raise NotThere("ledger.url: there is no ledger in this database")
        tables.metadata.create_all(connection)
        first = {"id": 1, "version": tables.SCHEMA_VERSION}
        connection.execute(upsert(connection, tables.schema), first)
        connection.execute(upsert(connection, tables.chain_head), {"id": 1, "seq": 0, "hash": GENESIS})
    version = connection.execute(select(tables.schema.c.version)).scalar_one()
    if version > tables.SCHEMA_VERSION:
        raise ConfigError(
            f"the ledger has schema {version}, this heatwatch knows up to {tables.SCHEMA_VERSION}: "
            "use the newer heatwatch that wrote it"
        )
    if version < tables.SCHEMA_VERSION:  # so far every change of the schema added a table
        tables.metadata.create_all(connection)
        connection.execute(update(tables.schema).values(version=tables.SCHEMA_VERSION))


def _file(database: Database) -> Path:
    if not database.is_sqlite:
        raise InputError("backup of a PostgreSQL ledger: use pg_dump")
    return Path(database.engine.url.database or "")
