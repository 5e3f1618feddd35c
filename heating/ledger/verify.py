"""Verification: every hash anew, and every projection against the last entry that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Table, select

from heating.finding import Finding
from heating.ledger import tables
from heating.ledger.chain import GENESIS, entry_hash
from heating.ledger.findings import finding_row
from heating.ledger.orders import order_row
from heating.ledger.port import EntryKind, Head, Verdict
from heating.order import WorkOrder

_BATCH = 2000


class _Fault(Exception):
    """The first thing that does not hold."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason


class _Replay(msgspec.Struct):
    """What the chain says: its end, and the last entry of each finding and order (seq, hash of the body)."""

    head: Head
    findings: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    orders: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)


def verify(connection: Connection) -> Verdict:
    """Return how many entries hold and the first thing that does not."""
    replay = _Replay(Head(0, GENESIS))
    try:
        _walk(connection, replay)
        _compare_head(connection, replay.head)
        _compare(connection, tables.findings, replay.findings, _finding_columns)
        _compare(connection, tables.orders, replay.orders, _order_columns)
        _compare_links(connection)
    except _Fault as fault:
        return Verdict(replay.head.seq, fault.seq, fault.reason, replay.head.hash)
    return Verdict(replay.head.seq, head=replay.head.hash)


def _walk(connection: Connection, replay: _Replay) -> None:
    """Follow the chain from its beginning."""
    query = select(tables.chain).order_by(tables.chain.c.seq).execution_options(yield_per=_BATCH)
    with connection.execute(query) as result:
        for row in result.mappings():
            _follow(row, replay)


def _follow(row: RowMapping, replay: _Replay) -> None:
    seq, last = replay.head.seq + 1, replay.head.hash
    if row["seq"] != seq:
        raise _Fault(seq, f"entry {seq} is missing")
    if row["prev_hash"] != last:
        raise _Fault(seq, f"entry {seq} does not follow the entry before it")
    link = entry_hash(seq, row["at_ms"], row["kind"], row["subject"], row["body"], last)
    if row["hash"] != link:
        raise _Fault(seq, f"entry {seq} was changed: its hash does not hold")
    if row["kind"] == EntryKind.FINDING:
        replay.findings[row["subject"]] = (seq, hash(row["body"]))
    elif row["kind"] == EntryKind.ORDER_STATE:
        replay.orders[row["subject"]] = (seq, hash(row["body"]))
    replay.head = Head(seq, link)


def _compare_head(connection: Connection, end: Head) -> None:
    seq, last = connection.execute(select(tables.chain_head.c.seq, tables.chain_head.c.hash)).one()
    if seq > end.seq:
        raise _Fault(end.seq + 1, f"entries {end.seq + 1} to {seq} are missing at the end")
    if (seq, last) != (end.seq, end.hash):
        raise _Fault(end.seq, f"the head says entry {seq}, the chain ends with entry {end.seq} of another hash")


def _compare(
    connection: Connection,
    table: Table,
    said: dict[str, tuple[int, int]],
    columns: Callable[[str, int], dict[str, Any]],
) -> None:
    """Compare a projection with the last entries; `columns` makes the row that a body must have."""
    what = table.name.removesuffix("s")
    left = dict(said)
    with connection.execute(select(table).execution_options(yield_per=_BATCH)) as result:
        for row in result.mappings():
            seq, body = left.pop(row["id"], (0, 0))
            if not seq:
                raise _Fault(row["seq"], f"{what} {row['id']} stands in no entry")
            if hash(row["body"]) != body or dict(row) != columns(row["body"], seq):
                raise _Fault(seq, f"{what} {row['id']} is not what entry {seq} says")
    for lost, (seq, _) in left.items():
        raise _Fault(seq, f"{what} {lost} of entry {seq} is missing from the present state")


def _compare_links(connection: Connection) -> None:
    """Compare which findings the orders cover with the orders themselves."""
    link = tables.order_findings.c
    said = {(row.order_id, row.finding_id) for row in connection.execute(select(link.order_id, link.finding_id))}
    for row in connection.execute(select(tables.orders.c.seq, tables.orders.c.body)):
        order = msgspec.json.decode(row.body, type=WorkOrder)
        mine = {(order.id, finding) for finding in order.findings}
        if not mine <= said:
            raise _Fault(row.seq, f"order {order.id} has lost findings that it covers")
        said -= mine
    for order_id, finding in said:
        raise _Fault(0, f"order {order_id} does not cover finding {finding}")


def _finding_columns(body: str, seq: int) -> dict[str, Any]:
    return finding_row(msgspec.json.decode(body, type=Finding), seq, body)


def _order_columns(body: str, seq: int) -> dict[str, Any]:
    return order_row(msgspec.json.decode(body, type=WorkOrder), seq, body)
