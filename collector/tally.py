"""Counters of the collector: received = stored + repeated + ignored + quarantined, in readings (contract §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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
        self.devices: dict[str, dict[str, int]] = {}

    def add(self, fate: Count, device_id: str, *, reason: str = "") -> None:
        """Count one received reading and what became of it; a blank device is not registered."""
        if reason:
            self.counts[f"{fate}.{reason}"] += 1
        self.add_all(fate, (device_id,))

    def add_all(self, fate: Count, device_ids: Iterable[str]) -> None:
        """Count received readings that shared a fate, one for each mention of their device."""
        name, total = str(fate), 0
        for device_id, count in Counter(device_ids).items():
            total += count
            self._count(device_id, name, count)
        if total:
            self.counts[_RECEIVED] += total
            self.counts[name] += total

    def status(self) -> None:
        """Count a status message, which is a packet and no reading."""
        self.counts[str(Count.STATUS_PACKETS)] += 1

    def late(self, device_id: str) -> None:
        """Count a stored reading as late."""
        self.counts[str(Count.LATE)] += 1
        self._count(device_id, str(Count.LATE), 1)

    def _count(self, device_id: str, name: str, count: int) -> None:
        counts = self.devices.get(device_id)
        if counts is None:
            self.devices[device_id] = {name: count}
        else:
            counts[name] = counts.get(name, 0) + count


_RECEIVED = str(Count.RECEIVED)
