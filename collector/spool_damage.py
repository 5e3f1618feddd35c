"""Bytes of the spool that rotted on the disk: counted, told, and kept for the quarantine as far as they can be read."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from collector.packet import Packet, clip
from collector.spool_records import Record
from collector.spool_segments import Place

log = logging.getLogger(__name__)


class Damage:
    """The damaged places that one came to."""

    def __init__(self) -> None:
        self._bytes: dict[Place, int] = {}

    @property
    def total(self) -> int:
        """Bytes that could not be read."""
        return sum(self._bytes.values())

    def packet(self, path: Path, place: Place, record: Record, last_ms: int) -> Packet:
        """Return what is left of a damaged place, as a packet for the quarantine that says where it was.

        It is dated like the record before it in the batch (`last_ms`), else like its file. Of the file a copy stays for
        a person.
        """
        raw, written_ms = _rest_of(path, record)
        payload, sha256 = clip(raw)
        length = record.after - record.offset
        if place not in self._bytes:
            self._bytes[place] = length
            log.critical("spool is damaged file=%s offset=%s bytes=%s", path.name, record.offset, length)
            with contextlib.suppress(OSError):
                os.link(path, path.with_suffix(".damaged"))
        return Packet(
            topic=f"spool/{path.name}/{record.offset}",
            payload=payload,
            received_ms=last_ms or written_ms,
            length=length,
            sha256=sha256,
            redelivered=True,  # it may be read again after a kill
            qos=0,
        )


def _rest_of(path: Path, record: Record) -> tuple[bytes, int]:
    """Return the bytes of a damaged place as far as the disk gives them, and when the file was written [ms]."""
    try:
        with path.open("rb") as file:
            file.seek(record.offset)
            return file.read(record.after - record.offset), path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return b"", 0
