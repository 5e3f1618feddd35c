"""Packets kept on disk while the store is away: bounded, oldest first, safe over a kill at any instant.

Segment files hold records of length, CRC-32 and body. A record is durable when `append` returns; a torn tail is cut
off at the next start, since nothing in it was acknowledged. The cursor says what is already in the store; lost with
the power, it only makes records be read again, which changes nothing in the store. Bytes that rotted on the disk come
out as what they are, for the quarantine; a copy of their segment stays for a person.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from collector.inbox import BATCH_BYTES
from collector.packet import Packet, clip
from collector.patience import Sayings
from collector.spool_records import Record, packet_of, record_of, records, sync_folder, torn_from

log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"(\d{12})\.spool")
_SEGMENT_BYTES = 16 * 1024 * 1024


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in the spool."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Span:
    """What one `append` wrote: [start, end) of one segment."""

    start: Place
    end: Place


@dataclass(frozen=True, slots=True)
class Page:
    """Packets read from the spool, what was damaged between them, and the place behind them."""

    packets: list[Packet]
    end: Place
    damaged: list[Packet] = field(default_factory=list)


class Spool:
    """The packets in a folder.

    Parameters
    ----------
    folder
        Made when the first packet comes.
    cap_bytes
        Size at which `append` refuses.
    segment_bytes
        Size at which a new segment is begun.
    """

    def __init__(self, folder: Path, cap_bytes: int, *, segment_bytes: int = _SEGMENT_BYTES) -> None:
        self._folder = folder
        self._cap = cap_bytes
        self._segment_bytes = segment_bytes
        self._sizes: dict[int, int] = {}
        self._skipped: list[Span] = []
        self._file: BinaryIO | None = None
        self._damage: dict[Place, int] = {}
        self._sayings = Sayings()
        self._sizes = self._found()
        self._cut_torn_tail()
        self._ours = max(self._sizes, default=0) + 1  # segments from here on are of this process
        self._cursor = self._saved_cursor()
        self._drop_before(self._cursor)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(self._sizes.values())

    @property
    def damaged_bytes(self) -> int:
        """Bytes that could not be read, as far as one came to them."""
        return sum(self._damage.values())

    @property
    def empty(self) -> bool:
        """Tell whether everything was read and settled."""
        return all(self._is_skipped(number, record) for number, record in self._records(self._cursor))

    def append(self, packets: Sequence[Packet]) -> Span | None:
        """Make packets durable; None where the cap or the disk leaves no room (then nothing was written)."""
        block = b"".join(record_of(packet) for packet in packets)
        if self.size + len(block) > self._cap:
            return None
        try:
            return self._written(block)
        except OSError as problem:
            if self._sayings.due(str(problem)):
                log.error("spool cannot write problem=%s", problem)
            self._take_back()
            return None

    def read(self, limit: int) -> Page | None:
        """Return the oldest packets that are not settled, about as many as make a batch; None if there are none."""
        page, size, last_ms = Page([], self._cursor), 0, 0
        for number, record in self._records(self._cursor):
            end = Place(number, record.after)
            page = Page(page.packets, end, page.damaged)
            if self._is_skipped(number, record):
                pass
            elif (packet := self._packet(number, record.body)) is None:
                page.damaged.append(self._damaged(number, record, last_ms))
            else:
                page.packets.append(packet)
                last_ms = packet.received_ms
            size += record.after - record.offset
            if len(page.packets) + len(page.damaged) >= limit or size >= BATCH_BYTES:
                break
        if page.packets or page.damaged:
            return page
        if page.end != self._cursor:
            self.settle(page.end)  # nothing but skipped ones
        return None

    def settle(self, end: Place) -> None:
        """Note that everything before a place is in the store."""
        self._cursor = end
        self._skipped = [span for span in self._skipped if span.end > end]
        self._drop_before(end)
        if self._sizes:
            self._save_cursor()

    def skip(self, span: Span) -> None:
        """Leave a span out of further reading: its packets reached the store by another way."""
        self._skipped.append(span)

    def close(self) -> None:
        """Close the file that is written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- writing ----------------------------------------------------------------------------------------------

    def _written(self, block: bytes) -> Span:
        current = max(self._sizes, default=0)
        if self._file is None or self._sizes[current] + len(block) > self._segment_bytes:
            current = self._new_segment()
        file = self._file
        assert file is not None
        start = self._sizes[current]
        file.write(block)
        file.flush()
        os.fdatasync(file.fileno())
        self._sizes[current] = start + len(block)
        return Span(Place(current, start), Place(current, start + len(block)))

    def _new_segment(self) -> int:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        number = max(max(self._sizes, default=0), self._cursor.segment, self._ours - 1) + 1
        self._file = self._path(number).open("xb")
        self._sizes[number] = 0
        sync_folder(self._folder)
        return number

    def _take_back(self) -> None:
        """Forget what a failed write may have left behind the last durable record, and begin a new segment."""
        current = max(self._sizes, default=0)
        self.close_quietly()
        path = self._path(current)
        try:
            if self._sizes.get(current) == 0:
                path.unlink(missing_ok=True)
                self._sizes.pop(current)
            elif current in self._sizes:
                os.truncate(path, self._sizes[current])
        except OSError as problem:
            log.error("spool cannot be cut back file=%s problem=%s", path.name, problem)

    def close_quietly(self) -> None:
        """Close after a failure: buffered bytes may fail once more."""
        try:
            self.close()
        except OSError:
            self._file = None

    # --- reading ----------------------------------------------------------------------------------------------

    def _is_skipped(self, number: int, record: Record) -> bool:
        place = Place(number, record.offset)
        return any(span.start <= place < span.end for span in self._skipped)

    def _records(self, start: Place) -> Iterator[tuple[int, Record]]:
        for number in sorted(self._sizes):
            offset = start.offset if number == start.segment else 0
            if number >= start.segment:
                for record in self._segment_records(number, offset):
                    yield number, record
                    offset = record.after

    def _segment_records(self, number: int, offset: int) -> Iterator[Record]:
        end = self._sizes[number]
        try:
            with self._path(number).open("rb") as file:
                for record in records(file, offset, end):
                    yield record
                    offset = record.after
        except OSError as problem:
            if self._sayings.due(str(problem)):
                log.critical("spool cannot be read file=%s problem=%s", self._path(number).name, problem)
            yield Record(offset, end, None)

    def _damaged(self, number: int, record: Record, last_ms: int) -> Packet:
        """Return what is left of a damaged place, as a packet for the quarantine that says where it was.

        It is dated like the record before it in the batch, else like its file.
        """
        path, place = self._path(number), Place(number, record.offset)
        raw, written_ms = _rest_of(path, record)
        payload, sha256 = clip(raw)
        if place not in self._damage:
            self._damage[place] = record.after - record.offset
            log.critical(
                "spool is damaged file=%s offset=%s bytes=%s", path.name, record.offset, record.after - record.offset
            )
            with contextlib.suppress(OSError):
                os.link(path, path.with_suffix(".damaged"))
        return Packet(
            topic=f"spool/{path.name}/{record.offset}",
            payload=payload,
            received_ms=last_ms or written_ms,
            length=record.after - record.offset,
            sha256=sha256,
            redelivered=True,  # it may be read again after a kill
            qos=0,
        )

    def _packet(self, number: int, body: bytes | None) -> Packet | None:
        packet = None if body is None else packet_of(body)
        if packet is None:
            return None
        return msgspec.structs.replace(packet, redelivered=True) if number < self._ours else packet

    # --- the folder -------------------------------------------------------------------------------------------

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012d}.spool"

    def _found(self) -> dict[int, int]:
        if not self._folder.is_dir():
            return {}
        names = ((entry, _SEGMENT.fullmatch(entry.name)) for entry in self._folder.iterdir())
        return {int(match.group(1)): entry.stat().st_size for entry, match in sorted(names) if match}

    def _cut_torn_tail(self) -> None:
        if not self._sizes:
            return
        last = max(self._sizes)
        good = torn_from(self._path(last), self._sizes[last])
        if good < self._sizes[last]:
            log.info("spool had a torn tail file=%s bytes=%s", self._path(last).name, self._sizes[last] - good)
            os.truncate(self._path(last), good)
            self._sizes[last] = good

    def _saved_cursor(self) -> Place:
        try:
            saved = msgspec.json.decode((self._folder / "cursor.json").read_bytes(), type=Place)
        except (OSError, msgspec.DecodeError):
            return Place(0, 0)
        # A cursor behind the end (its segment was cut) would hide what is written next.
        return saved if saved.offset <= self._sizes.get(saved.segment, 0) else Place(saved.segment, 0)

    def _save_cursor(self) -> None:
        try:
            draft = self._folder / "cursor.new"
            draft.write_bytes(msgspec.json.encode(self._cursor))
            os.replace(draft, self._folder / "cursor.json")
        except OSError as problem:
            log.info("spool cursor not saved problem=%s", problem)

    def _drop_before(self, place: Place) -> None:
        active = max(self._sizes, default=0) if self._file is not None else 0
        for number in sorted(self._sizes):
            read_out = number < place.segment or (number == place.segment and place.offset >= self._sizes[number])
            if read_out and number != active:
                self._path(number).unlink(missing_ok=True)
                self._sizes.pop(number)
        if self._file is not None and self._sizes == {active: place.offset} and place.segment == active:
            # All is settled: give the disk back, and let the next record begin a new segment.
            self.close()
            self._path(active).unlink(missing_ok=True)
            self._sizes.clear()


def _rest_of(path: Path, record: Record) -> tuple[bytes, int]:
    """Return the bytes of a damaged place as far as the disk gives them, and when the file was written [ms]."""
    try:
        with path.open("rb") as file:
            file.seek(record.offset)
            return file.read(record.after - record.offset), path.stat().st_mtime_ns // 1_000_000
    except OSError:
        return b"", 0
