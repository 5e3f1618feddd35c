"""Rejected readings, kept verbatim with the packet they came in."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from collector.packet import Packet
from collector.payloads.message import Flaw
from heating.instants import from_ms
from heating.ledger.port import RejectedReading

# A packet of many bad readings is kept whole in its first rows only; the SHA-256 joins the others to them.
_KEPT_PER_PACKET = 1024 * 1024


class Rejection(msgspec.Struct, frozen=True):
    """A row for the quarantine.

    `device_id` is where it is counted (blank: not registered); `suspect` says that the packet may have been here
    before.
    """

    row: RejectedReading
    device_id: str
    suspect: bool


def rejections(packet: Packet, device_id: str, flaws: Sequence[Flaw]) -> list[Rejection]:
    """Return the quarantine rows of one packet."""
    received_at, digest = from_ms(packet.received_ms), packet.digest
    kept = max(1, _KEPT_PER_PACKET // max(len(packet.payload), 1))
    return [
        Rejection(
            RejectedReading(
                received_at=received_at,
                topic=packet.topic,
                reason=flaw.reason.value,
                index=flaw.index,
                payload=packet.payload if i < kept else b"",
                length=packet.length,
                sha256=digest,
            ),
            device_id,
            packet.redelivered or packet.maybe_repeated,
        )
        for i, flaw in enumerate(flaws)
    ]
