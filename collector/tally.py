"""Counters of the collector: received = stored + repeated + ignored + quarantined, in readings (contract §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum


class Count(StrEnum):
    """Names of the counters; reasons are appended after a dot (`quarantined.future`)."""

    RECEIVED = "received"
    STORED = "stored"
    REPEATED = "repeated"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
    LATE = "late"
    PACKETS = "packets"
    STATUS_PACKETS = "packets.status"  # a part of the packets that carries no reading


class Tally:
    """Counts of one batch, in total and for each registered device, of which the journal adds up `received`."""

    def __init__(self, packets: int = 0) -> None:
        self.counts: Counter[str] = Counter({str(Count.PACKETS): packets} if packets else {})
        self.devices: dict[str, Counter[str]] = {}

    def add(self, fate: Count, device_id: str, *, reason: str = "") -> None:
        """Count one received reading and what became of it; a blank device is not registered."""
        if reason:
            self.counts[f"{fate}.{reason}"] += 1
        self.add_all(fate, (device_id,))

    def add_all(self, fate: Count, device_ids: Sequence[str]) -> None:
        """Count received readings that shared a fate, one for each mention of their device."""
        if device_ids:
            self.counts[_RECEIVED] += len(device_ids)
            self._count(fate, device_ids)

    def status(self) -> None:
        """Count a status message, which is a packet and no reading."""
        self.counts[str(Count.STATUS_PACKETS)] += 1

    def late(self, device_id: str) -> None:
        """Count a stored reading as late."""
        self._count(Count.LATE, (device_id,))

    def _count(self, what: Count, device_ids: Sequence[str]) -> None:
        name = str(what)
        self.counts[name] += len(device_ids)
        found = self.devices.get(name)
        if found is None:
            self.devices[name] = Counter(device_ids)
        else:
            found.update(device_ids)


_RECEIVED = str(Count.RECEIVED)
