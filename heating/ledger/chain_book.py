"""The chain as people and programs read it (port `Chain`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select

from heating.instants import from_ms
from heating.ledger import tables
from heating.ledger.chain import Draft, append
from heating.ledger.codec import canonical
from heating.ledger.database import Database
from heating.ledger.port import Entry, Head, Verdict
from heating.ledger.verify import verify


class SqlChain:
    """Entries in order, appended one by one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, kind: str, subject: str, body: Any, at: datetime) -> int:
        """Append one entry in a transaction of its own."""
        with self._db.write() as connection:
            return append(connection, [Draft(kind, subject, canonical(body))], at)[0]

    def entries(
        self, *, after: int = 0, kind: str | None = None, subject: str | None = None, limit: int = 1000
    ) -> list[Entry]:
        """Return entries in order."""
        query = select(tables.chain).where(tables.chain.c.seq > after).order_by(tables.chain.c.seq).limit(limit)
        if kind is not None:
            query = query.where(tables.chain.c.kind == kind)
        if subject is not None:
            query = query.where(tables.chain.c.subject == subject)
        with self._db.read() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def head(self) -> Head:
        """Return the last entry's seq and hash."""
        with self._db.read() as connection:
            seq, last = connection.execute(select(tables.chain_head.c.seq, tables.chain_head.c.hash)).one()
        return Head(seq, last)

    def verify(self) -> Verdict:
        """Recompute every hash, and compare the projections with the chain."""
        with self._db.read() as connection:
            return verify(connection)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.seq, from_ms(row.at_ms), row.kind, row.subject, msgspec.json.decode(row.body), row.prev_hash, row.hash
    )
