"""Records of the spool: length, CRC-32, body."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from collector.packet import Packet

_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size
# No record is longer: 64 KiB of payload, and a topic of at most 64 KiB.
_LONGEST = 256 * 1024


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A packet without what only its connection knew."""

    topic: str
    payload: bytes
    received_ms: int
    length: int
    sha256: str
    retained: bool
    redelivered: bool


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Kept)


def record_of(packet: Packet) -> bytes:
    """Return a packet as a record."""
    kept = _Kept(
        packet.topic,
        packet.payload,
        packet.received_ms,
        packet.length,
        packet.sha256,
        packet.retained,
        packet.redelivered,
    )
    body = _ENCODER.encode(kept)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def packet_of(body: bytes) -> Packet:
    """Return the packet in a record."""
    kept = _DECODER.decode(body)
    return Packet(
        topic=kept.topic,
        payload=kept.payload,
        received_ms=kept.received_ms,
        length=kept.length,
        sha256=kept.sha256,
        retained=kept.retained,
        redelivered=kept.redelivered,
        qos=0,
    )


def next_body(file: BinaryIO) -> bytes | None:
    """Return the body of the next record, None if there is no whole one."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, crc = _HEAD.unpack(head)
    if not 0 < length <= _LONGEST:
        return None
    body = file.read(length)
    return body if len(body) == length and zlib.crc32(body) == crc else None


def good_bytes(path: Path) -> int:
    """Return how many bytes of a segment are whole records."""
    good = 0
    with path.open("rb") as file:
        while (body := next_body(file)) is not None:
            good += HEAD_BYTES + len(body)
    return good


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
