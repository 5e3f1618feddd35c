"""The files of the spool: numbered segments of records, written at the newest, given back from the oldest."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from collector.patience import Sayings
from collector.spool_records import Record, records, sync_folder, torn_from

log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"(\d{12})\.spool")


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in the spool."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Span:
    """What one `append` wrote: [start, end) of one segment."""

    start: Place
    end: Place


class Segments:
    """The segments in a folder, which is made when the first is written.

    Attributes
    ----------
    sizes
        Bytes of each segment that are confirmed.
    ours
        Segments from this number on are of this process.

    Raises
    ------
    OSError
        If the folder cannot be read, or a torn tail not be cut off.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._sayings = Sayings()
        self._file: BinaryIO | None = None
        self._untidy = False
        self.sizes = self._found()
        self._cut_torn_tail()
        self.ours = self.newest + 1

    @property
    def newest(self) -> int:
        """Number of the newest segment; 0 if there is none."""
        return max(self.sizes, default=0)

    @property
    def active(self) -> int:
        """Number of the segment that is being written; 0 if none is."""
        return self.newest if self._file is not None else 0

    def path(self, number: int) -> Path:
        """Return the file of a segment."""
        return self._folder / f"{number:012d}.spool"

    def write(self, block: bytes, *, after: int) -> Span:
        """Make a block durable, in a segment with a number above `after`; on an `OSError` nothing was written."""
        try:
            return self._written(block, after)
        except OSError:
            self._untidy = True
            self._take_back()
            raise

    def records(self, number: int, offset: int) -> Iterator[Record]:
        """Return the records of a segment; what the disk does not give back is one damaged record."""
        end = self.sizes[number]
        try:
            with self.path(number).open("rb") as file:
                for record in records(file, offset, end):
                    yield record
                    offset = record.after
        except OSError as problem:
            if self._sayings.due(str(problem)):
                log.critical("spool cannot be read file=%s problem=%s", self.path(number).name, problem)
            yield Record(offset, end, None)

    def drop(self, numbers: Iterable[int]) -> None:
        """Give segments back to the disk; what it does not take back yet is left for the next time."""
        for number in numbers:
            try:
                if number == self.active:
                    self.close()
                self.path(number).unlink(missing_ok=True)
            except OSError as problem:
                if self._sayings.due(str(problem)):
                    log.error("spool cannot be given back file=%s problem=%s", self.path(number).name, problem)
            else:
                self.sizes.pop(number)

    def close(self) -> None:
        """Close the file that is written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def close_quietly(self) -> None:
        """Close after a failure: buffered bytes may fail once more."""
        try:
            self.close()
        except OSError:
            self._file = None

    # --- writing ----------------------------------------------------------------------------------------------

    def _written(self, block: bytes, after: int) -> Span:
        if self._untidy:
            self._cut_back()
        file, number = self._room_for(len(block), after)
        start = self.sizes[number]
        file.write(block)
        file.flush()
        os.fdatasync(file.fileno())
        self.sizes[number] = start + len(block)
        return Span(Place(number, start), Place(number, start + len(block)))

    def _room_for(self, size: int, after: int) -> tuple[BinaryIO, int]:
        if self._file is not None and self.sizes[self.newest] + size <= self._segment_bytes:
            return self._file, self.newest
        self.close()
        self._make_folder()
        number = max(self.newest, after, self.ours - 1) + 1
        self._file = self.path(number).open("xb")
        self.sizes[number] = 0
        sync_folder(self._folder)
        return self._file, number

    def _make_folder(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True)
            for parent in list(self._folder.parents)[:2]:  # the state folder is as new, at a first start
                sync_folder(parent)

    def _take_back(self) -> None:
        """Forget what a failed write may have left behind the last confirmed record."""
        self.close_quietly()
        try:
            self._cut_back()
        except OSError as problem:
            if self._sayings.due(str(problem)):
                log.error("spool cannot be cut back problem=%s", problem)

    def _cut_back(self) -> None:
        """Cut the newest segment to what is confirmed; nothing is written behind it before that is done."""
        number = self.newest
        if self.sizes.get(number) == 0:
            self.path(number).unlink(missing_ok=True)
            self.sizes.pop(number)
        elif number:
            _truncate(self.path(number), self.sizes[number])
        self._untidy = False

    # --- what an earlier process left -----------------------------------------------------------------------------

    def _found(self) -> dict[int, int]:
        if not self._folder.is_dir():
            return {}
        names = ((entry, _SEGMENT.fullmatch(entry.name)) for entry in self._folder.iterdir())
        return {int(match.group(1)): entry.stat().st_size for entry, match in sorted(names) if match}

    def _cut_torn_tail(self) -> None:
        if not self.sizes:
            return
        last = self.newest
        path, size = self.path(last), self.sizes[last]
        good = torn_from(path, size)
        if good < size:
            log.warning("spool had a torn tail, never acknowledged file=%s bytes=%s", path.name, size - good)
            _truncate(path, good)
            self.sizes[last] = good


def _truncate(path: Path, size: int) -> None:
    """Cut a file for good: with the power lost, the rest must not come back behind later segments."""
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())
