"""The ports of the ledger: what people are told and did, and the plain tables beside it.

One SQLAlchemy database holds all of it (SQLite by default, PostgreSQL by URL). Findings, orders, notices,
inspections and audit entries are append-only rows of one hash chain, each with its projection of the present state
written in the same transaction. Quarantine, counters, changes, the outbox, places and contacts are plain tables.
Every adapter passes `tests/contract/ledger`. Every method may raise `LedgerUnavailable` (try again).
Threads and processes may share a ledger. Instants are kept to the millisecond where a row has its own column for
them; findings and orders come back exactly as they were given.
"""

from __future__ import annotations

from typing import Protocol

from heating.ledger.chain_port import Chain
from heating.ledger.findings_port import FindingBook
from heating.ledger.journal_port import Journal
from heating.ledger.orders_port import OrderBook
from heating.ledger.outbox_port import Outbox
from heating.ledger.places_port import Places
from heating.ledger.values import (
    UNNAMED,
    BatchIntent,
    Change,
    ClockRecord,
    DeviceDay,
    Entry,
    EntryKind,
    Head,
    ImportReport,
    RejectedReading,
    Stranger,
    Verdict,
)
from heating.stage import StageBook

# Who uses the books imports them and their values from here; each port stands in a file beside its adapter.
__all__ = [
    "UNNAMED",
    "BatchIntent",
    "Chain",
    "Change",
    "ClockRecord",
    "DeviceDay",
    "Entry",
    "EntryKind",
    "FindingBook",
    "Head",
    "ImportReport",
    "Journal",
    "Ledger",
    "OrderBook",
    "Outbox",
    "Places",
    "RejectedReading",
    "Stranger",
    "Verdict",
]


class Ledger(Protocol):
    """All books of one database."""

    chain: Chain
    findings: FindingBook
    orders: OrderBook
    outbox: Outbox
    journal: Journal
    places: Places
    stages: StageBook

    def ping(self) -> str:
        """Return one line that names the ledger; raise if it cannot be used."""
        ...

    def backup(self, file: str) -> None:
        """Write a consistent copy while in use (SQLite only; PostgreSQL has its own tools)."""
        ...

    def close(self) -> None:
        """Release connections; safe to call twice."""
        ...
