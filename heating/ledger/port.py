"""The ports of the ledger: what people are told and did, and the plain tables beside it.

One SQLAlchemy database holds all of it (SQLite by default, PostgreSQL by URL). Findings, orders, notices,
inspections and audit entries are append-only rows of one hash chain, each with its projection of the present state
written in the same transaction. Quarantine, counters, changes, the outbox, places and contacts are plain tables.
Every adapter passes `tests/contract/ledger`. Every method may raise `LedgerUnavailable` (try again).
Threads and processes may share a ledger. Instants are kept to the millisecond where a row has its own column for
them; findings and orders come back exactly as they were given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from heating.finding import Finding, FindingKind, Subject
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
from heating.order import Notice, OrderEvent, WorkOrder
from heating.register import Register
from heating.rolled_up import RolledUp
from heating.site import Contact, MeasurementPoint, Outage
from heating.stage import StageBook

# The values of the books are imported from here by who uses the books.
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

    def head(self) -> Head:
        """Return the last entry's seq and hash (64 zeros before the first)."""
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

    def about(self, subject: Subject) -> list[Finding]:
        """Return the findings of a place (retracted ones left out), oldest first."""
        ...

    def record(
        self,
        findings: Sequence[Finding],
        *,
        at: datetime,
        reached: int | None = None,
        rolled_up: RolledUp | None = None,
    ) -> None:
        """Append and project findings that are new or changed, in one transaction.

        With them go the `changes` seq reached and, after that news, of which time the derived rows are complete.
        """
        ...

    def reached(self) -> int:
        """Return the seq of `changes` that the last recorded sweep had reached; 0 at the beginning."""
        ...

    def rolled_up(self) -> RolledUp | None:
        """Return of which time the derived rows were complete at `reached`; None before it was ever recorded."""
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

        The history of an order is what was appended here; to save the very same again changes nothing.
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


class Journal(Protocol):
    """The collector's book: intents, counters, changes, quarantine, clockless packets.

    Order for one batch: `begin` (commits) → store.write → `finish` (commits) → acknowledge to the broker.
    """

    def begin(self, intent: BatchIntent, at: datetime) -> None:
        """Commit the intent; an intent that was not finished is widened by the new one, never forgotten."""
        ...

    def finish(
        self,
        counts: Mapping[str, int],
        rejected: Sequence[RejectedReading],
        devices: Mapping[str, Mapping[str, int]],
        at: datetime,
        *,
        day: date | None = None,
    ) -> None:
        """Commit counters (added up), per-device counters, quarantine rows; turn the intent into a change.

        Only now may readers hear of the change: before, they could pass it while its readings are not in the store.
        `devices` maps a device to its counts, booked under `day` (the UTC day of `at` unless given; the collector
        gives the site's); `UNNAMED` counts what names no registered device. Quarantine has a cap: the oldest rows
        make room and are counted as `quarantine_dropped`.
        """
        ...

    def unfinished(self) -> BatchIntent | None:
        """Return the intent that a killed process left behind: its stored keys are to be counted, then `finish`ed."""
        ...

    def counters(self) -> dict[str, int]:
        """Return the totals: received, stored, repeated, ignored, quarantined, late; packets, packets.status."""
        ...

    def device_days(self, first: date, last: date, *, device_id: str | None = None) -> list[DeviceDay]:
        """Return the counts of each device on each day, both ends inclusive, ordered by day, then device."""
        ...

    def forget_device_days(self, before: date) -> int:
        """Drop the counts of days before `before`; return how many rows went. The totals stay."""
        ...

    def announce(self, oldest_ms: int, newest_ms: int, late_points: Sequence[str], at: datetime) -> int:
        """Commit a change that came without an intent, and return its seq.

        For readings loaded beside the collector: call it after they were written. Who is killed before loads them
        again, and announces them then.
        """
        ...

    def changes_after(self, seq: int) -> list[Change]:
        """Return the changes with a larger seq, in order.

        Seqs have no gaps: where the first one is not `seq` + 1, changes in between were forgotten and the reader
        must read the store anew.
        """
        ...

    def forget_changes(self, before: datetime) -> None:
        """Drop changes older than an instant; readers further behind must re-read (see `FindingBook.reached`)."""
        ...

    def clockless(self, digests: Sequence[str], now: datetime) -> dict[str, int]:
        """Return the receive time [ms] remembered for digests seen within the last 10 minutes of collector time.

        Collector time stands still while no collector runs: the first call of `begin`, `finish` or this one in a
        process takes the time since the last commit of the process before as such a pause.
        """
        ...

    def quarantined(self, *, limit: int = 100) -> list[tuple[int, RejectedReading]]:
        """Return the newest rows of the quarantine, oldest first, with their number."""
        ...

    def was_quarantined(self, topic: str, sha256: str, index: int | None, since: datetime) -> bool:
        """Tell whether this very rejection is on record since an instant (for packets the broker marks as repeated)."""
        ...

    def note_strangers(self, seen: Sequence[Stranger]) -> None:
        """Remember devices that the register does not know; counts add up, the latest reading stays."""
        ...

    def strangers(self) -> list[Stranger]:
        """Return the unknown devices, the one seen last first; those that a register now knows included."""
        ...

    def forget_strangers(self, device_ids: Sequence[str]) -> None:
        """Drop devices from the list, for example once they have a point."""
        ...

    def note_clocks(self, records: Sequence[ClockRecord]) -> None:
        """Put what is known of the devices' clocks in the place of what was known before."""
        ...

    def clocks(self) -> list[ClockRecord]:
        """Return what is known of the devices' clocks, by device; of devices that are gone, too."""
        ...


class Places(Protocol):
    """The register as imported, with the history of devices, contacts and outages."""

    def import_register(
        self,
        points: Sequence[MeasurementPoint],
        contacts: Mapping[str, Contact],
        at: datetime,
        *,
        stamp: str = "",
        site_file: bool = False,
    ) -> ImportReport:
        """Take over a register file and its moves of devices, in one transaction with an audit entry (ids only).

        A device newly at a point sits there from `since`; where that is blank, from the beginning of time if neither
        the point had a device nor the device a point before, else from `at`. From then on it sits nowhere else, and
        no other device sits there. The same device with another `since` corrects the history. Points that the file
        no longer has are retired, never deleted. Contacts that the file leaves blank are kept; corrections by hand
        stay until the file's own cells change; an erased contact stays erased while the file still has it.
        `site_file` says that the file is `site.points`, whose changes are looked for.

        Raises
        ------
        InputError
            If a point or a device stands in two rows.
        """
        ...

    def register(self) -> Register:
        """Return all points in force, by id, with the placements of all times and the retired points."""
        ...

    def stamp(self) -> str:
        """Return the stamp (digest) of the file imported last."""
        ...

    def site_stamp(self) -> str:
        """Return the stamp of `site.points` when it was imported last; blank if it never was."""
        ...

    def contact(self, point_id: str) -> Contact:
        """Return the contact of a point, blank if unknown."""
        ...

    def contacts(self) -> dict[str, Contact]:
        """Return all known contacts by point."""
        ...

    def set_contact(self, point_id: str, contact: Contact, at: datetime | None = None, *, by: str = "") -> None:
        """Correct or (blank) erase a contact; with `at` also an audit entry, which says who but not what."""
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
