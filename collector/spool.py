"""Packets kept on disk while the store is away: bounded, oldest first, safe over a kill at any instant.

Segment files hold records of length, CRC-32 and body. A record is durable when `append` returns; a torn tail is cut
off at the next start, since nothing in it was acknowledged. The cursor says what is already in the store; lost with
the power, it only makes records be read again, which changes nothing in the store. Bytes that rotted on the disk come
out as what they are, for the quarantine; a copy of their segment stays for a person.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from collector.inbox import BATCH_BYTES
from collector.packet import Packet
from collector.patience import Sayings
from collector.spool_damage import Damage
from collector.spool_records import Record, packet_of, record_of
from collector.spool_segments import Place, Segments, Span

log = logging.getLogger(__name__)

_SEGMENT_BYTES = 16 * 1024 * 1024


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
        self._segments = Segments(folder, segment_bytes)
        self._skipped: list[Span] = []
        self._damage = Damage()
        self._sayings = Sayings()
        self._cursor = self._saved_cursor()
        self._drop_before(self._cursor)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(self._segments.sizes.values())

    @property
    def damaged_bytes(self) -> int:
        """Bytes that could not be read, as far as one came to them."""
        return self._damage.total

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
            return self._segments.write(block, after=self._cursor.segment)
        except OSError as problem:
            if self._sayings.due(str(problem)):
                log.error("spool cannot write problem=%s", problem)
            return None

    def read(self, limit: int) -> Page | None:
        """Return the oldest packets that are not settled, about as many as make a batch; None if there are none."""
        page, size, last_ms = Page([], self._cursor), 0, 0
        for number, record in self._records(self._cursor):
            place = Place(number, record.offset)
            page = Page(page.packets, Place(number, record.after), page.damaged)
            if self._is_skipped(number, record):
                pass
            elif (packet := self._packet(number, record.body)) is None:
                page.damaged.append(self._damage.packet(self._segments.path(number), place, record, last_ms))
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
        if self._segments.sizes:
            self._save_cursor()

    def skip(self, span: Span) -> None:
        """Leave a span out of further reading: its packets reached the store by another way."""
        self._skipped.append(span)
        if self.empty:  # nobody reads what is empty, and it would stay on the disk
            self.settle(max(self._cursor, *(skipped.end for skipped in self._skipped)))

    def close(self) -> None:
        """Close the file that is written; what was confirmed is safe, whatever that says."""
        self._segments.close_quietly()

    def _is_skipped(self, number: int, record: Record) -> bool:
        place = Place(number, record.offset)
        return any(span.start <= place < span.end for span in self._skipped)

    def _records(self, start: Place) -> Iterator[tuple[int, Record]]:
        for number in sorted(self._segments.sizes):
            if number >= start.segment:
                for record in self._segments.records(number, start.offset if number == start.segment else 0):
                    yield number, record

    def _packet(self, number: int, body: bytes | None) -> Packet | None:
        packet = None if body is None else packet_of(body)
        if packet is None:
            return None
        return msgspec.structs.replace(packet, redelivered=True) if number < self._segments.ours else packet

    # --- what is in the store ---------------------------------------------------------------------------------

    def _drop_before(self, place: Place) -> None:
        sizes, active = self._segments.sizes, self._segments.active
        read_out = [n for n in sorted(sizes) if n < place.segment or (n == place.segment and place.offset >= sizes[n])]
        # The one that is written goes only when all is settled; the next record then begins another.
        self._segments.drop([n for n in read_out if n != active or read_out == list(sizes)])

    def _saved_cursor(self) -> Place:
        try:
            saved = msgspec.json.decode((self._folder / "cursor.json").read_bytes(), type=Place)
        except (OSError, msgspec.DecodeError):
            return Place(0, 0)
        # A cursor behind the end (its segment was cut) would hide what is written next.
        return saved if saved.offset <= self._segments.sizes.get(saved.segment, 0) else Place(saved.segment, 0)

    def _save_cursor(self) -> None:
        try:
            draft = self._folder / "cursor.new"
            draft.write_bytes(msgspec.json.encode(self._cursor))
            os.replace(draft, self._folder / "cursor.json")
        except OSError as problem:
            if self._sayings.due(f"cursor {problem}"):
                log.warning("spool cursor not saved problem=%s", problem)
