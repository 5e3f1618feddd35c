"""The port of the journal: what the collector commits before it acknowledges, and what it knows of the devices.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from heating.ledger.values import BatchIntent, Change, ClockRecord, DeviceDay, RejectedReading, Stranger


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
        `devices` says by name of a count, and then by device, how many: booked under `day` (the UTC day of `at` unless
        given; the collector gives the site's); `UNNAMED` counts what names no registered device. Quarantine has a
        cap: the oldest rows make room and are counted as `quarantine_dropped`.
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
