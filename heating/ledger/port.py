"""The ports of the ledger: what people are told and did, and the plain tables beside it.

One SQLAlchemy database holds all of it (SQLite by default, PostgreSQL by URL). Findings, orders, notices,
inspections and audit entries are append-only rows of one hash chain, each with its projection of the present state
written in the same transaction. Quarantine, counters, changes, the outbox, places and contacts are plain tables.
Every adapter passes `tests/contract/test_ledger.py`. Every method may raise `LedgerUnavailable` (try again).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from heating.finding import Finding, FindingKind
from heating.order import Notice, OrderEvent, WorkOrder
from heating.register import Register
from heating.site import Contact, MeasurementPoint, Outage


class Entry(msgspec.Struct, frozen=True):
    """One row of the chain; `hash` covers `prev_hash` and all other fields."""

    seq: int
    at: datetime
    kind: str
    subject: str
    body: Any
    prev_hash: str
    hash: str


class Verdict(msgspec.Struct, frozen=True):
    """Outcome of `verify`: how many entries hold, and the first one that does not."""

    entries: int
    broken_at: int | None = None
    reason: str | None = None


class Chain(Protocol):
    """The append-only chain itself."""

    def append(self, kind: str, subject: str, body: Any, at: datetime) -> int:
        """Append one entry (no personal data) in a transaction of its own; return its seq."""
        ...

    def entries(
        self, *, after: int = 0, kind: str | None = None, subject: str | None = None, limit: int = 1000
    ) -> list[Entry]:
        """Return entries in order."""
        ...

    def verify(self) -> Verdict:
        """Recompute every hash, and compare the projections with the chain."""
        ...


class FindingBook(Protocol):
    """Findings: chain entries of kind `finding` and their present state."""

    def open(self) -> list[Finding]:
        """Return the findings without an end."""
        ...

    def overlapping(
        self, start: datetime, end: datetime, *, kinds: Sequence[FindingKind] | None = None
    ) -> list[Finding]:
        """Return the findings (retracted ones left out) whose interval meets [start, end)."""
        ...

    def get(self, finding_id: str) -> Finding | None:
        """Return one finding."""
        ...

    def record(self, findings: Sequence[Finding], *, at: datetime, reached: int | None = None) -> None:
        """Append and project findings that are new or changed, with the `changes` seq reached; one transaction."""
        ...

    def reached(self) -> int:
        """Return the seq of `changes` that the last recorded sweep had reached; 0 at the beginning."""
        ...

    def recorded_after(self, seq: int, limit: int = 1000) -> list[tuple[int, Finding]]:
        """Return findings as recorded, with their chain seq, in order, for readers with a cursor."""
        ...


class OrderBook(Protocol):
    """Work orders: chain entries of kind `order` (their events) and their present state."""

    def save(
        self,
        order: WorkOrder,
        events: Sequence[OrderEvent],
        notices: Sequence[Notice],
        *,
        at: datetime,
        cursor: int | None = None,
    ) -> None:
        """Append events, project the order, fill the outbox, move the cursor of alerts; one transaction.

        `order` has the events applied. Alerts and people write to the same order: where the stored history is not
        the given one without `events` (another writer was faster), nothing is written and `OrderChanged` is raised.
        """
        ...

    def get(self, order_id: str) -> WorkOrder | None:
        """Return one order."""
        ...

    def covering(self, finding_ids: Sequence[str]) -> list[WorkOrder]:
        """Return the orders of any state that cover one of the findings, oldest first."""
        ...

    def unfinished(self) -> list[WorkOrder]:
        """Return the orders that are neither closed nor cancelled, oldest first."""
        ...

    def between(self, start: datetime, end: datetime) -> list[WorkOrder]:
        """Return the orders opened in [start, end)."""
        ...

    def cursor(self) -> int:
        """Return the chain seq that alerts have dealt with."""
        ...

    def set_cursor(self, seq: int) -> None:
        """Move the cursor where nothing had to be saved."""
        ...

    def next_number(self, year: int) -> int:
        """Return the next number of an order in a year, from 1, never twice."""
        ...


class Outbox(Protocol):
    """Notices waiting for delivery."""

    def due(self, now: datetime, limit: int = 100, *, receiver: str | None = None) -> list[Notice]:
        """Return undelivered notices whose next try is due, oldest first; of one receiver or of all."""
        ...

    def put(self, notices: Sequence[Notice], *, at: datetime, instead_of: Sequence[str] = ()) -> None:
        """Add notices that belong to no order, and mark those that they stand for as done; one transaction.

        A notice whose id is known already, delivered or not, is left as it is. A digest of a flood is put
        `instead_of` the notices that it lists.
        """
        ...

    def delivered(self, notice_id: str, at: datetime) -> None:
        """Record success: it is never sent again."""
        ...

    def failed(self, notice_id: str, at: datetime, *, next_try: datetime | None, error: str) -> None:
        """Record a failure; `next_try` None gives up for good."""
        ...

    def waiting(self) -> int:
        """Return how many are not delivered and not given up."""
        ...


class RejectedReading(msgspec.Struct, frozen=True, kw_only=True):
    """A quarantined reading: the packet verbatim (first 64 KiB), the index of the bad reading in it, the reason."""

    received_at: datetime
    topic: str
    reason: str
    index: int | None
    payload: bytes
    length: int
    sha256: str


class Change(msgspec.Struct, frozen=True):
    """One batch as the analyzer hears of it; `late_points` had readings older than their device's newest."""

    seq: int
    oldest_ms: int
    newest_ms: int
    late_points: tuple[str, ...] = ()


class BatchIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector is about to store: written before the store, so that counters survive a kill.

    `keys` are the unseen (device_id, ts_ms); `clockless` maps the digest of (topic, payload) of a packet without a
    usable time to the receive time [ms] that its reading got, so that its redelivery finds the same reading.
    `late_keys` are the indices of the keys that are older than their device's newest: after a kill they can no
    longer be told from what is stored.
    """

    keys: tuple[tuple[str, int], ...]
    oldest_ms: int
    newest_ms: int
    late_points: tuple[str, ...] = ()
    clockless: Mapping[str, int] = {}
    late_keys: tuple[int, ...] = ()


class Journal(Protocol):
    """The collector's book: intents, counters, changes, quarantine, clockless packets.

    Order for one batch: `begin` (commits) → store.write → `finish` (commits) → acknowledge to the broker.
    """

    def begin(self, intent: BatchIntent, at: datetime) -> int:
        """Commit the intent and its `changes` row; return the seq of the change."""
        ...

    def finish(
        self,
        counts: Mapping[str, int],
        rejected: Sequence[RejectedReading],
        devices: Mapping[str, Mapping[str, int]],
        at: datetime,
    ) -> None:
        """Commit counters (added up), per-device counters, quarantine rows, and drop the intent."""
        ...

    def unfinished(self) -> BatchIntent | None:
        """Return the intent that a killed process left behind: its stored keys are to be counted, then `finish`ed."""
        ...

    def counters(self) -> dict[str, int]:
        """Return the totals: received, stored, repeated, ignored, quarantined, late, packets."""
        ...

    def changes_after(self, seq: int) -> list[Change]:
        """Return the changes with a larger seq, in order."""
        ...

    def forget_changes(self, before: datetime) -> None:
        """Drop changes older than an instant; readers further behind must re-read (see `FindingBook.reached`)."""
        ...

    def clockless(self, digests: Sequence[str], now: datetime) -> dict[str, int]:
        """Return the receive time [ms] remembered for digests seen within the last 10 minutes of collector time."""
        ...

    def quarantined(self, *, limit: int = 100, after: int = 0) -> list[tuple[int, RejectedReading]]:
        """Return quarantine rows, oldest first, with their row number."""
        ...

    def was_quarantined(self, topic: str, sha256: str, index: int | None, since: datetime) -> bool:
        """Tell whether this very rejection is on record since an instant (for packets the broker marks as repeated)."""
        ...


class ImportReport(msgspec.Struct, frozen=True):
    """What an import of the register changed."""

    added: int
    changed: int
    unchanged: int
    moved_devices: int
    retired: int


class Places(Protocol):
    """The register as imported, with the history of devices, contacts and outages."""

    def import_register(
        self,
        points: Sequence[MeasurementPoint],
        contacts: Mapping[str, Contact],
        at: datetime,
        *,
        stamp: str = "",
    ) -> ImportReport:
        """Take over a register file and its moves of devices; points with readings are never deleted."""
        ...

    def register(self) -> Register:
        """Return all points in force with the placements of all times."""
        ...

    def stamp(self) -> str:
        """Return the stamp (digest) of the file imported last."""
        ...

    def contact(self, point_id: str) -> Contact:
        """Return the contact of a point, blank if unknown."""
        ...

    def set_contact(self, point_id: str, contact: Contact) -> None:
        """Correct or (blank) erase a contact."""
        ...

    def outages(self) -> list[Outage]:
        """Return all outages, oldest first."""
        ...

    def add_outage(self, outage: Outage, at: datetime) -> None:
        """Register an outage; also an audit entry."""
        ...

    def end_outage(self, outage_id: str, end: datetime, at: datetime) -> None:
        """End an outage; unknown ids raise `InputError`."""
        ...


class Ledger(Protocol):
    """All books of one database."""

    chain: Chain
    findings: FindingBook
    orders: OrderBook
    outbox: Outbox
    journal: Journal
    places: Places

    def ping(self) -> str:
        """Return one line that names the ledger; raise if it cannot be used."""
        ...

    def backup(self, file: str) -> None:
        """Write a consistent copy while in use (SQLite only; PostgreSQL has its own tools)."""
        ...

    def close(self) -> None:
        """Release connections; safe to call twice."""
        ...
