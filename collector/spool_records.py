"""Records of the spool: length, CRC-32, body."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from collector.packet import Packet

_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size
# No record is longer: 64 KiB of payload, and a topic of at most 64 KiB.
_LONGEST = 256 * 1024
_SECTOR = 512  # what a disk writes whole or not at all
_HIGH_BYTES = re.compile(rb"(?=[\x00-\x04]\x00)", re.DOTALL)


class Record(NamedTuple):
    """Bytes [offset, after) of a segment: a record with its body, or damage (None)."""

    offset: int
    after: int
    body: bytes | None


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
        packet.redelivered or packet.maybe_repeated,
    )
    body = _ENCODER.encode(kept)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def packet_of(body: bytes) -> Packet | None:
    """Return the packet in a record; None if it is none, such as one of a later version."""
    try:
        kept = _DECODER.decode(body)
    except msgspec.DecodeError:
        return None
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


def records(file: BinaryIO, start: int, end: int) -> Iterator[Record]:
    """Return the records of a segment from `start` to `end`, and what is damaged between them."""
    offset = start
    while offset < end:
        file.seek(offset)
        body = _body(file)
        if body is None:
            file.seek(offset)
            after = offset + _damaged_bytes(file.read(end - offset))
        else:
            after = offset + HEAD_BYTES + len(body)
        yield Record(offset, after, body)
        offset = after


def torn_from(path: Path, size: int) -> int:
    """Return where the last record of a segment breaks off because its writer ended; `size` if it does not.

    A kill leaves the beginning of what was being written, and a power cut may leave zeros in the place of its end (the
    file was made longer, its blocks were not written yet). That was not acknowledged yet. A record of full length that
    is not what was written is damage.
    """
    with path.open("rb") as file:
        for record in records(file, 0, size):
            if record.body is None and record.after == size:
                file.seek(record.offset)
                if _is_torn(file.read(size - record.offset), size):
                    return record.offset
    return size


def _is_torn(rest: bytes, size: int) -> bool:
    """Tell whether what is left of a segment of `size` bytes is a record that was never finished."""
    if len(rest) < HEAD_BYTES or _claimed(rest[:HEAD_BYTES]) > len(rest):
        return True
    written_to = size - len(rest) + len(rest.rstrip(b"\0"))
    return -(-written_to // _SECTOR) * _SECTOR < size


def _claimed(head: bytes) -> int:
    """Return how long a record claims to be, with its head; 0 if that cannot be."""
    length = int(_HEAD.unpack(head)[0])
    return HEAD_BYTES + length if 0 < length <= _LONGEST else 0


def _body(file: BinaryIO) -> bytes | None:
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or not _claimed(head):
        return None
    length, crc = _HEAD.unpack(head)
    body = file.read(length)
    return body if len(body) == length and zlib.crc32(body) == crc else None


def _damaged_bytes(rest: bytes) -> int:
    """Return how many bytes at the beginning of `rest` no record can be read from.

    Where the length is sound, the next record begins behind it; else the next place is looked for at which one can.
    """
    claimed = _claimed(rest[:HEAD_BYTES]) if len(rest) >= HEAD_BYTES else 0
    if claimed and (claimed == len(rest) or _is_record(rest, claimed)):
        return claimed
    # The two high bytes of a length: nothing above 256 KiB. Few places have them, as payloads are mostly text.
    for match in _HIGH_BYTES.finditer(rest, 3):
        if _is_record(rest, match.start() - 2):
            return match.start() - 2
    return len(rest)


def _is_record(rest: bytes, at: int) -> bool:
    if len(rest) - at < HEAD_BYTES or not (size := _claimed(rest[at : at + HEAD_BYTES])) or at + size > len(rest):
        return False
    return bool(zlib.crc32(rest[at + HEAD_BYTES : at + size]) == _HEAD.unpack_from(rest, at)[1])


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
