"""What the books of the ledger take and give, beside findings, orders and points."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from heating.device_clock import DeviceClock


class EntryKind(StrEnum):
    """Kinds of entries; others may be added by who appends them.

    `order` is one event of an order, `order_state` the order itself after a save, `notice` a message put into the
    outbox, delivered or given up (without its text), `audit` an act on the register, contacts and outages.
    """

    FINDING = "finding"
    ORDER = "order"
    ORDER_STATE = "order_state"
    NOTICE = "notice"
    INSPECTION = "inspection"
    AUDIT = "audit"


class Head(msgspec.Struct, frozen=True):
    """Where the chain ends: who notes it down elsewhere can later tell that nothing before it was replaced."""

    seq: int
    hash: str


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
    """Outcome of `verify`: how many entries hold, and the first one that does not; `head` is the last entry's hash."""

    entries: int
    broken_at: int | None = None
    reason: str | None = None
    head: str = ""


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


# The device of a `DeviceDay` that counts what named no registered one, so that the devices of a day add up.
UNNAMED = ""


class DeviceDay(msgspec.Struct, frozen=True):
    """Counts of one device on one day, by the names of `Journal.counters`."""

    device_id: str
    day: date
    counts: Mapping[str, int]


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """A device that sends and is in no register; `reading` is its last packet's values, small JSON."""

    device_id: str
    topic: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    reading: Any = None


class ImportReport(msgspec.Struct, frozen=True):
    """What an import of the register changed.

    `changed` points differ in a column or came back; `moved_devices` no longer sit where they sat.
    """

    added: int
    changed: int
    unchanged: int
    moved_devices: int
    retired: int


class ClockRecord(msgspec.Struct, frozen=True):
    """What is known of a device's clock; `memory` is the collector's own, by which it goes on after a restart."""

    clock: DeviceClock
    memory: str = ""
