"""The outbox: messages wait here until they are delivered or given up.

What is told enters the chain when it is put, delivered or given up: ids, receiver and digest, not the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from heating.instants import from_ms, to_ms
from heating.ledger import tables
from heating.ledger.chain import Draft, append, lock_head
from heating.ledger.codec import canonical, chunks, digest, unique
from heating.ledger.database import Database
from heating.ledger.port import EntryKind
from heating.order import Notice

_t = tables.outbox.c
_decoder = msgspec.json.Decoder(Notice)


class _State(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    REPLACED = "replaced"


class SqlOutbox:
    """Port `Outbox`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def due(self, now: datetime, limit: int = 100, *, receiver: str | None = None) -> list[Notice]:
        """Return undelivered notices whose next try is due, oldest first."""
        query = (
            select(tables.outbox)
            .where(_t.state == _State.WAITING.value, _t.next_try_ms <= to_ms(now))
            .order_by(_t.seq)
            .limit(limit)
        )
        if receiver is not None:
            query = query.where(_t.receiver == receiver)
        with self._db.read() as connection:
            return [_notice(row) for row in connection.execute(query)]

    def put(self, notices: Sequence[Notice], *, at: datetime, instead_of: Sequence[str] = ()) -> None:
        """Add notices that belong to no order, and mark those that they stand for as done."""
        with self._db.write() as connection:
            lock_head(connection)
            put_notices(connection, notices, at)
            for notice_id in unique(instead_of):
                _leave(connection, notice_id, _State.REPLACED, at, {})

    def delivered(self, notice_id: str, at: datetime) -> None:
        """Record success: it is never sent again."""
        with self._db.write() as connection:
            lock_head(connection)
            _leave(connection, notice_id, _State.DELIVERED, at, {"attempts": _t.attempts + 1, "error": None})

    def failed(self, notice_id: str, at: datetime, *, next_try: datetime | None, error: str) -> None:
        """Record a failure; `next_try` None gives up for good."""
        tried = {"attempts": _t.attempts + 1, "error": error, "tried_ms": to_ms(at)}
        with self._db.write() as connection:
            lock_head(connection)
            if next_try is None:
                _leave(connection, notice_id, _State.GIVEN_UP, at, tried)
                return
            again = _t.tried_ms.is_(None) | (_t.tried_ms < to_ms(at))
            waiting = update(tables.outbox).where(_t.id == notice_id, _t.state == _State.WAITING.value, again)
            connection.execute(waiting.values(next_try_ms=to_ms(next_try), **tried))

    def waiting(self) -> int:
        """Return how many are not delivered and not given up."""
        query = select(func.count()).select_from(tables.outbox).where(_t.state == _State.WAITING.value)
        with self._db.read() as connection:
            return connection.execute(query).scalar_one()


def put_notices(connection: Connection, notices: Sequence[Notice], at: datetime) -> None:
    """Put notices whose ids are new into the outbox and the chain; the head is locked by the caller."""
    known = _known(connection, [notice.id for notice in notices])
    news = [notice for notice in {n.id: n for n in reversed(notices)}.values() if notice.id not in known][::-1]
    if not news:
        return
    bodies = [canonical(notice) for notice in news]
    drafts = [_told(n.id, n, "put", sha256=digest(body)) for n, body in zip(news, bodies, strict=True)]
    seqs = append(connection, drafts, at)
    rows = [_row(notice, seq, body) for notice, seq, body in zip(news, seqs, bodies, strict=True)]
    connection.execute(tables.outbox.insert(), rows)


def _leave(connection: Connection, notice_id: str, state: _State, at: datetime, values: dict[str, Any]) -> None:
    """Take a waiting notice out of the queue for good; one that does not wait stays as it is."""
    query = select(tables.outbox).where(_t.id == notice_id, _t.state == _State.WAITING.value)
    row = connection.execute(query).one_or_none()
    if row is None:
        return
    connection.execute(update(tables.outbox).where(_t.id == notice_id).values(state=state.value, **values))
    append(connection, [_told(notice_id, _notice(row), state.value)], at)


def _told(notice_id: str, notice: Notice, act: str, **more: str) -> Draft:
    body = {"act": act, "notice": notice_id, "receiver": notice.receiver, "why": notice.why, **more}
    return Draft(EntryKind.NOTICE.value, notice.subject, canonical(body))


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for some in chunks(ids):
        known.update(connection.execute(select(_t.id).where(_t.id.in_(some))).scalars())
    return known


def _row(notice: Notice, seq: int, body: str) -> dict[str, Any]:
    return {
        "id": notice.id,
        "seq": seq,
        "receiver": notice.receiver,
        "state": _State.WAITING.value,
        "next_try_ms": to_ms(notice.next_try),
        "attempts": notice.attempts,
        "body": body,
    }


def _notice(row: Row[Any]) -> Notice:
    notice = _decoder.decode(row.body)
    if row.next_try_ms == to_ms(notice.next_try):
        return msgspec.structs.replace(notice, attempts=row.attempts)
    return msgspec.structs.replace(notice, attempts=row.attempts, next_try=from_ms(row.next_try_ms))
