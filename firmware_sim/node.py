"""One sensor node: samples into memory, uploads by its schedule, keeps what it could not send and replays it.

A reading leaves the memory only when its packet is acknowledged. What was not sent at its first upload goes later with
its original time and `replayed: true`, oldest first. A full memory forgets the oldest, and counts it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import msgspec

from firmware_sim.encode import WirePacket, WireReading, encode_packet, flag_names, readings_topic

FIRMWARE = "1.4.2"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample as the node's probe gave it; `ts_ms` by the node's clock."""

    ts_ms: int
    temperature_c: float | None = None
    humidity_pct: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    battery_v: float | None = None
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A packet on its way: what to publish, and the readings it carries."""

    topic: str
    payload: bytes
    readings: tuple[WireReading, ...]


@dataclass(slots=True)
class Node:
    """State of one node.

    Attributes
    ----------
    per_packet
        Most readings in a packet.
    capacity
        Most readings in memory; the oldest is forgotten beyond it.
    forgotten
        How many readings were lost to a full memory.
    """

    device: str
    per_packet: int = 3
    capacity: int = 1008
    rssi_dbm: int = -71
    forgotten: int = 0
    _seq: int = 0
    _memory: deque[WireReading] = field(default_factory=deque)
    _travelling: list[Upload] = field(default_factory=list)
    _battery_v: float | None = None
    _flags: int = 0

    @property
    def holds(self) -> int:
        """Readings not yet acknowledged."""
        return len(self._memory) + sum(len(upload.readings) for upload in self._travelling)

    def sample(self, sample: Sample) -> None:
        """Put a sample into memory and number it."""
        self._seq += 1
        self._battery_v, self._flags = sample.battery_v, sample.flags
        reading = WireReading(
            ts=sample.ts_ms,
            temperature_c=sample.temperature_c,
            humidity_pct=sample.humidity_pct,
            supply_c=sample.supply_c,
            return_c=sample.return_c,
            seq=self._seq,
        )
        self._memory.append(reading)
        self._make_room()

    def upload(self) -> list[Upload]:
        """Take everything out of memory as packets, oldest first; each waits for `sent` or `failed`."""
        uploads: list[Upload] = []
        while self._memory:
            count = min(self.per_packet, len(self._memory))
            uploads.append(self._packed(tuple(self._memory.popleft() for _ in range(count))))
        self._travelling += uploads
        return uploads

    def sent(self, upload: Upload) -> None:
        """Forget the readings of an acknowledged packet."""
        self._travelling.remove(upload)

    def failed(self, upload: Upload) -> None:
        """Put the readings of a packet back, in their order of sampling, to be replayed."""
        self._travelling.remove(upload)
        back = [msgspec.structs.replace(r, replayed=True) for r in upload.readings]
        self._memory = deque(sorted([*back, *self._memory], key=lambda r: r.seq or 0))
        self._make_room()

    def missed(self) -> None:
        """Pass over an upload without a network: what is in memory will be replayed."""
        self._memory = deque(msgspec.structs.replace(r, replayed=True) for r in self._memory)

    def _make_room(self) -> None:
        while len(self._memory) > self.capacity:
            self._memory.popleft()
            self.forgotten += 1

    def _packed(self, readings: tuple[WireReading, ...]) -> Upload:
        packet = WirePacket(
            readings=readings,
            battery_v=self._battery_v,
            rssi_dbm=self.rssi_dbm,
            flags=flag_names(self._flags),
            fw=FIRMWARE,
        )
        return Upload(readings_topic(self.device), encode_packet(packet), readings)
