"""Work orders: their events are entries of the chain, and so is the order itself after each save.

The stored order is without its history: that is read from the chain, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, select

from heating.errors import OrderChanged
from heating.instants import to_ms
from heating.ledger import numbers, tables
from heating.ledger.chain import Draft, append, lock_head
from heating.ledger.codec import canonical, ceil_ms, chunks, unique
from heating.ledger.database import Database
from heating.ledger.outbox import put_notices
from heating.ledger.port import EntryKind
from heating.order import Notice, OrderEvent, OrderState, WorkOrder

_CURSOR = "alerts.cursor"
_FINISHED = {OrderState.CLOSED, OrderState.CANCELLED}
_t = tables.orders.c
_decoder = msgspec.json.Decoder(WorkOrder)
_event_decoder = msgspec.json.Decoder(OrderEvent)


def order_body(order: WorkOrder) -> str:
    """Return the text of an order without its history."""
    return canonical(msgspec.structs.replace(order, history=()))


def order_row(order: WorkOrder, seq: int, body: str) -> dict[str, Any]:
    """Return the projected row of an order as saved by the entry `seq`."""
    return {
        "id": order.id,
        "seq": seq,
        "opened_ms": to_ms(order.opened_at),
        "finished": order.state in _FINISHED,
        "body": body,
    }


class SqlOrders:
    """Port `OrderBook`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def save(
        self,
        order: WorkOrder,
        events: Sequence[OrderEvent],
        notices: Sequence[Notice],
        *,
        at: datetime,
        cursor: int | None = None,
    ) -> None:
        """Append events, project the order, fill the outbox, move the cursor of alerts."""
        with self._db.write() as connection:
            lock_head(connection)
            if not _saved_already(connection, order, events):
                _append(connection, order, events, at)
            put_notices(connection, notices, at)
            if cursor is not None:
                numbers.put(connection, _CURSOR, cursor)

    def get(self, order_id: str) -> WorkOrder | None:
        """Return one order."""
        found = self._found(select(_t.id, _t.body).where(_t.id == order_id))
        return found[0] if found else None

    def covering(self, finding_ids: Sequence[str]) -> list[WorkOrder]:
        """Return the orders of any state that cover one of the findings, oldest first."""
        link = tables.order_findings.c
        found = {}
        for some in chunks(unique(finding_ids)):
            ids = select(link.order_id).where(link.finding_id.in_(some))
            found.update({order.id: order for order in self._found(select(_t.id, _t.body).where(_t.id.in_(ids)))})
        return sorted(found.values(), key=lambda order: (order.opened_at, order.id))

    def unfinished(self) -> list[WorkOrder]:
        """Return the orders that are neither closed nor cancelled, oldest first."""
        return self._found(select(_t.id, _t.body).where(_t.finished.is_(False)))

    def between(self, start: datetime, end: datetime) -> list[WorkOrder]:
        """Return the orders opened in [start, end)."""
        query = select(_t.id, _t.body).where(_t.opened_ms >= to_ms(start), _t.opened_ms <= ceil_ms(end))
        return [order for order in self._found(query) if start <= order.opened_at < end]

    def cursor(self) -> int:
        """Return the chain seq that alerts have dealt with."""
        with self._db.read() as connection:
            return numbers.value_of(connection, _CURSOR)

    def set_cursor(self, seq: int) -> None:
        """Move the cursor where nothing had to be saved."""
        with self._db.write() as connection:
            numbers.put(connection, _CURSOR, seq)

    def next_number(self, year: int) -> int:
        """Return the next number of an order in a year, from 1, never twice."""
        with self._db.write() as connection:
            return numbers.next_of(connection, f"orders.{year}")

    def _found(self, query: Select[str, str]) -> list[WorkOrder]:
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(_t.opened_ms, _t.id)).all()
            histories = _histories(connection, [row.id for row in rows])
        return [
            msgspec.structs.replace(_decoder.decode(body), history=tuple(histories.get(order_id, ())))
            for order_id, body in rows
        ]


def _saved_already(connection: Connection, order: WorkOrder, events: Sequence[OrderEvent]) -> bool:
    """Compare with the stored history: False to go on, True for a repetition of the same save.

    Raises
    ------
    OrderChanged
        If another writer was faster.
    """
    stored = [canonical(event) for event in _histories(connection, [order.id]).get(order.id, [])]
    given = [canonical(event) for event in order.history]
    if stored + [canonical(event) for event in events] == given:
        return False
    body = connection.execute(select(_t.body).where(_t.id == order.id)).scalar_one_or_none()
    if events and stored == given and body == order_body(order):
        return True
    raise OrderChanged(f"order {order.id} was changed by another writer")


def _append(connection: Connection, order: WorkOrder, events: Sequence[OrderEvent], at: datetime) -> None:
    body = order_body(order)
    drafts = [Draft(EntryKind.ORDER.value, order.id, canonical(event)) for event in events]
    seqs = append(connection, [*drafts, Draft(EntryKind.ORDER_STATE.value, order.id, body)], at)
    columns = [column.name for column in tables.orders.columns if not column.primary_key]
    connection.execute(numbers.upsert(connection, tables.orders, replace=columns), [order_row(order, seqs[-1], body)])
    _link(connection, order)


def _link(connection: Connection, order: WorkOrder) -> None:
    """Note which findings the order covers."""
    connection.execute(delete(tables.order_findings).where(tables.order_findings.c.order_id == order.id))
    rows = [{"finding_id": finding, "order_id": order.id} for finding in unique(order.findings)]
    if rows:
        connection.execute(tables.order_findings.insert(), rows)


def _histories(connection: Connection, ids: Sequence[str]) -> dict[str, list[OrderEvent]]:
    """Return the events of orders, in their order."""
    entry = tables.chain.c
    found: dict[str, list[OrderEvent]] = {}
    for some in chunks(ids):
        query = select(entry.subject, entry.body).where(entry.subject.in_(some), entry.kind == EntryKind.ORDER.value)
        for subject, body in connection.execute(query.order_by(entry.seq)):
            found.setdefault(subject, []).append(_event_decoder.decode(body))
    return found
