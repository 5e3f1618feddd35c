"""Named numbers (sequences, cursors) and the upsert that both databases understand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from heating.ledger import tables


def upsert(
    connection: Connection, table: Table, *, replace: Sequence[str] = (), add: Sequence[str] = ()
) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that, where the key exists, replaces or adds columns; with neither it leaves the row."""
    return _upsert(connection.dialect, table, tuple(replace), tuple(add))


# Kept: to build such a statement costs more than to execute it.
@lru_cache(maxsize=64)
def _upsert(
    dialect: Dialect, table: Table, replace: tuple[str, ...], add: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    insert = sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)  # type: sqlite.Insert | postgresql.Insert
    key = [column.name for column in table.primary_key]
    changed: dict[str, Any] = {name: insert.excluded[name] for name in replace}
    changed |= {name: table.c[name] + insert.excluded[name] for name in add}
    if not changed:
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(index_elements=key, set_=changed)


def add_many(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, or add their `value` where the key exists; rows hold all columns in the order of the table.

    The text goes straight to the driver: SQLAlchemy's way with parameters costs three times what the database does.
    """
    text, positional = _adding(connection.dialect, table)
    if positional:
        connection.exec_driver_sql(text, list(rows))
    else:
        names = [column.name for column in table.columns]
        connection.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in rows])


def next_of(connection: Connection, name: str, count: int = 1) -> int:
    """Reserve `count` numbers and return the first, from 1; the row lock gives them in the order of commits."""
    statement = upsert(connection, tables.numbers, add=("value",)).returning(tables.numbers.c.value)
    last: int = connection.execute(statement, {"name": name, "value": count}).scalar_one()
    return last - count + 1


def value_of(connection: Connection, name: str) -> int:
    """Return a number; 0 before it was ever set."""
    query = select(tables.numbers.c.value).where(tables.numbers.c.name == name)
    return connection.execute(query).scalar_one_or_none() or 0


def put(connection: Connection, name: str, value: int) -> None:
    """Set a number."""
    connection.execute(upsert(connection, tables.numbers, replace=("value",)), {"name": name, "value": value})


def mark_of(connection: Connection, name: str) -> str:
    """Return a text by name; blank before it was ever set."""
    query = select(tables.marks.c.value).where(tables.marks.c.name == name)
    return connection.execute(query).scalar_one_or_none() or ""


def put_mark(connection: Connection, name: str, value: str) -> None:
    """Set a text by name."""
    connection.execute(upsert(connection, tables.marks, replace=("value",)), {"name": name, "value": value})


@lru_cache(maxsize=8)
def _adding(dialect: Dialect, table: Table) -> tuple[str, bool]:
    """Return the statement of `add_many` as text, and whether its parameters go by position."""
    statement = _upsert(dialect, table, (), ("value",)).compile(dialect=dialect)
    return str(statement), statement.positional
