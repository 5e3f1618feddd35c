"""Devices that send and are in no register, remembered so that a person can assign them."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from collector.packet import Packet
from collector.payloads.message import Message, Sample
from heating.instants import from_ms
from heating.ledger.port import Journal, Stranger
from heating.reading import VALUE_FIELDS

# Who makes ids up must not fill the memory or the ledger.
_MOST = 500
_LONGEST_ID = 128
_LONGEST_TOPIC = 512
_EVERY_S = 10.0


class Strangers:
    """Collects unknown devices and writes them down every few seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, Stranger] = {}
        self._written_at = 0.0

    def saw(self, packet: Packet, message: Message) -> None:
        """Note a packet of an unknown device."""
        device_id = message.device_id
        if not device_id.isprintable() or not 0 < len(device_id) <= _LONGEST_ID:
            return
        before = self._seen.get(device_id)
        if before is None and len(self._seen) >= _MOST:
            return
        at = from_ms(packet.received_ms)
        self._seen[device_id] = Stranger(
            device_id=device_id,
            topic=packet.topic[:_LONGEST_TOPIC],
            first_seen=before.first_seen if before else at,
            last_seen=at,
            count=before.count + 1 if before else 1,
            reading=_last_reading(message),
        )

    def write(self, journal: Journal, *, rest: bool = False) -> None:
        """Hand over what was seen, if the last time is long enough ago, or as the last act of all."""
        now = time.monotonic()
        if self._seen and (rest or now - self._written_at >= _EVERY_S):
            journal.note_strangers(list(self._seen.values()))
            self._seen.clear()
            self._written_at = now


def _last_reading(message: Message) -> dict[str, Any] | None:
    samples = [sample for sample in message.samples if isinstance(sample, Sample)]
    if not samples:
        return None
    values = msgspec.structs.asdict(samples[-1])
    found = {name: values.get(name) for name in ("ts_ms", *VALUE_FIELDS)}
    return {name: value for name, value in found.items() if value is not None and abs(value) < float("inf")}
