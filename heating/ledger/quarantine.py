"""Quarantine: rejected readings with their packets, and devices that no register knows. Both have a cap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select

from heating.instants import from_ms, to_ms
from heating.ledger import numbers, tables
from heating.ledger.codec import canonical, chunks, plain
from heating.ledger.port import RejectedReading, Stranger

_SEQ, _ROWS, _BYTES = "quarantine.seq", "quarantine.rows", "quarantine.bytes"
_STRANGERS_MAX = 10_000
_t = tables.quarantine.c
_s = tables.strangers.c


class QuarantineCap(msgspec.Struct, frozen=True):
    """How much is kept: rows, and bytes of their packets (our values: weeks of a broken site on any disk)."""

    rows: int = 200_000
    bytes: int = 512 * 1024 * 1024


def add(connection: Connection, rejected: Sequence[RejectedReading], cap: QuarantineCap) -> int:
    """Add rejected readings; return how many of the oldest had to go."""
    if not rejected:
        return 0
    first = numbers.next_of(connection, _SEQ, len(rejected))
    connection.execute(insert(tables.quarantine), [_row(first + i, one) for i, one in enumerate(rejected)])
    rows = numbers.next_of(connection, _ROWS, len(rejected)) + len(rejected) - 1
    added = sum(len(one.payload) for one in rejected)
    size = numbers.next_of(connection, _BYTES, added) + added - 1
    return _trim(connection, rows, size, cap)


def listed(connection: Connection, *, limit: int) -> list[tuple[int, RejectedReading]]:
    """Return the newest rows, oldest first."""
    query = select(tables.quarantine).order_by(_t.row.desc()).limit(limit)
    newest_first = [(row["row"], _rejected(row)) for row in connection.execute(query).mappings()]
    return newest_first[::-1]


def holds(connection: Connection, topic: str, sha256: str, index: int | None, since: datetime) -> bool:
    """Tell whether this very rejection is on record since an instant."""
    same: list[ColumnElement[bool]] = [
        _t.sha256 == sha256,
        _t.topic == plain(topic),
        _t.received_ms >= to_ms(since),
        _t.index.is_(None) if index is None else _t.index == index,
    ]
    return connection.execute(select(_t.row).where(*same).limit(1)).first() is not None


def note_strangers(connection: Connection, seen: Sequence[Stranger]) -> None:
    """Add up devices that the register does not know; those seen longest ago make room."""
    rows = [
        {
            "device_id": plain(one.device_id),
            "topic": plain(one.topic),
            "first_ms": to_ms(one.first_seen),
            "last_ms": to_ms(one.last_seen),
            "count": one.count,
            "reading": canonical(one.reading),
        }
        for one in seen
    ]
    statement = numbers.upsert(connection, tables.strangers, replace=("topic", "last_ms", "reading"), add=("count",))
    connection.execute(statement, rows)
    too_many = select(_s.device_id).order_by(_s.last_ms.desc(), _s.device_id).offset(_STRANGERS_MAX)
    oldest = connection.execute(too_many).scalars().all()
    forget_strangers(connection, oldest)


def strangers(connection: Connection) -> list[Stranger]:
    """Return the unknown devices, the one seen last first."""
    rows = connection.execute(select(tables.strangers).order_by(_s.last_ms.desc(), _s.device_id))
    return [
        Stranger(
            device_id=row["device_id"],
            topic=row["topic"],
            first_seen=from_ms(row["first_ms"]),
            last_seen=from_ms(row["last_ms"]),
            count=row["count"],
            reading=msgspec.json.decode(row["reading"]),
        )
        for row in rows.mappings()
    ]


def forget_strangers(connection: Connection, device_ids: Sequence[str]) -> None:
    """Drop devices from the list."""
    for some in chunks(device_ids):
        connection.execute(delete(tables.strangers).where(_s.device_id.in_(some)))


def _trim(connection: Connection, rows: int, size: int, cap: QuarantineCap) -> int:
    """Delete the oldest rows until both caps hold; return how many went."""
    gone = 0
    while rows > cap.rows or size > cap.bytes:
        query = select(_t.row, func.length(_t.payload)).order_by(_t.row).limit(500)
        last, before = 0, gone
        for row, length in connection.execute(query).all():
            if rows <= cap.rows and size <= cap.bytes:
                break
            rows, size, gone, last = rows - 1, size - length, gone + 1, row
        if gone == before:
            break
        connection.execute(delete(tables.quarantine).where(_t.row <= last))
    if gone:
        numbers.put(connection, _ROWS, rows)
        numbers.put(connection, _BYTES, size)
    return gone


def _row(number: int, one: RejectedReading) -> dict[str, Any]:
    return {
        "row": number,
        "received_ms": to_ms(one.received_at),
        "topic": plain(one.topic),
        "reason": plain(one.reason),
        "index": one.index,
        "payload": one.payload,
        "length": one.length,
        "sha256": one.sha256,
    }


def _rejected(row: RowMapping) -> RejectedReading:
    return RejectedReading(
        received_at=from_ms(row["received_ms"]),
        topic=row["topic"],
        reason=row["reason"],
        index=row["index"],
        payload=bytes(row["payload"]),
        length=row["length"],
        sha256=row["sha256"],
    )
