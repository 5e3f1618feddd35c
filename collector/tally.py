"""Counters of the collector: received = stored + repeated + ignored + quarantined, in readings (contract §4)."""

from __future__ import annotations

from collections import Counter, defaultdict
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


class Tally:
    """Counts of one batch, in total and for each registered device."""

    def __init__(self, packets: int = 0) -> None:
        self.counts: Counter[str] = Counter({Count.PACKETS.value: packets} if packets else {})
        self.devices: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, fate: Count, device_id: str, *, reason: str = "") -> None:
        """Count one received reading and what became of it; a blank device is not registered."""
        self.counts[Count.RECEIVED.value] += 1
        self.counts[fate.value] += 1
        if reason:
            self.counts[f"{fate.value}.{reason}"] += 1
        if device_id:
            device = self.devices[device_id]
            device[Count.RECEIVED.value] += 1
            device[fate.value] += 1

    def late(self, device_id: str) -> None:
        """Count a stored reading as late."""
        self.counts[Count.LATE.value] += 1
        if device_id:
            self.devices[device_id][Count.LATE.value] += 1
