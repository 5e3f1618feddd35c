"""Readings CSV, the text side: blocks of lines to columns of values, every bad cell found with its line.

Written for a year of a city: columns are converted through tables that remember a text once seen (devices, times and
temperatures repeat), rows are looked at one by one only to say what is wrong.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from heating.errors import InputError
from heating.reading import Floats, Ints, Texts
from heating.readings_cells import device_name, instant_ms, number
from heating.row_problem import RowProblem
from heating.text_file import cannot_read, delimiter_of, encoding_of, is_workbook

REQUIRED = ("device_id", "ts", "temperature_c")
VALUES = ("temperature_c", "humidity_pct", "battery_v", "supply_c", "return_c")
BLOCK_BYTES = 4 << 20
MAX_LINE_BYTES = 1 << 20
_REMEMBERED = 200_000  # texts a table keeps before it starts anew

_T = TypeVar("_T")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class RawReadings:
    """N rows of a readings file in their order: device, instant, values (NaN where blank), line in the file."""

    device: Texts
    ts_ms: Ints
    values: dict[str, Floats]
    line: Ints

    def __len__(self) -> int:
        """Return N."""
        return len(self.ts_ms)


def iter_readings(path: Path, zone: ZoneInfo, *, progress: Progress | None = None) -> Iterator[RawReadings]:
    """Yield the rows of a readings CSV in blocks; `progress` is told the bytes read with each.

    Raises
    ------
    InputError
        At the first bad cell, with line, column, value and what would be right; or for a file that is no such table.
    """
    try:
        with path.open("rb") as file:
            yield from _Reader(path, zone, file, progress or _silent).blocks()
    except OSError as error:
        raise cannot_read(path, error) from error


class _Memory(dict[str, _T]):
    """Remembers what a text means; asks `parse` for a new one."""

    def __init__(self, parse: Callable[[str], _T]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> _T:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self[text] = self._parse(text)
        return value


class _Reader:
    """Cuts a file into blocks of whole lines and turns them into columns."""

    def __init__(self, path: Path, zone: ZoneInfo, file: io.BufferedReader, progress: Progress) -> None:
        self._path = path
        self._file = file
        self._progress = progress
        self._encoding = ""
        self._line = 0  # lines dealt with
        self._delimiter = ","
        self._width = 0
        self._index: dict[str, int] = {}
        self._devices = _Memory(device_name)
        self._times = _Memory(lambda text: instant_ms(text, zone))
        self._numbers = _Memory(number)

    def blocks(self) -> Iterator[RawReadings]:
        block = self._read_header()
        while block:
            text = self._decode(block)
            if '"' in text:
                yield from self._quoted(text)
                return
            block = block.replace(b"\r\n", b"\n")
            text = text.replace("\r\n", "\n")
            if not text.endswith("\n"):
                block, text = block + b"\n", text + "\n"
            yield from self._plain(block, text)
            block = self._next_block()

    def _plain(self, block: bytes, text: str) -> Iterator[RawReadings]:
        """Read a block without quotes: by slices where every line has the cells of the header, else line by line."""
        count = text.count("\n")
        lines = range(self._line + 1, self._line + count + 1)
        if self._is_regular(block):
            cells = text.replace("\n", self._delimiter).split(self._delimiter)
            cells.pop()
            yield from self._checked([cells[column :: self._width] for column in range(self._width)], lines)
        else:
            rows = [line.split(self._delimiter) for line in text.removesuffix("\n").split("\n")]
            yield from self._rows(rows, lines)
        self._line += count

    def _is_regular(self, block: bytes) -> bool:
        """Tell whether every line has as many cells as the header.

        Neither encoding has the bytes of a delimiter or of a line's end inside a character.
        """
        characters = np.frombuffer(block, dtype=np.uint8)
        delimiter = ord(self._delimiter)
        marks = characters[(characters == delimiter) | (characters == ord("\n"))]
        if len(marks) % self._width:
            return False
        lines = marks.reshape(-1, self._width)
        return bool((lines[:, :-1] == delimiter).all() and (lines[:, -1] == ord("\n")).all())

    def _next_block(self) -> bytes:
        block = self._file.read(BLOCK_BYTES)
        if block and not block.endswith(b"\n"):
            tail = self._file.readline(MAX_LINE_BYTES)
            if len(tail) == MAX_LINE_BYTES:
                raise InputError(f"{self._path}: has a line longer than {MAX_LINE_BYTES} bytes; is it a readings CSV?")
            block += tail
        self._progress(len(block))
        return block

    def _decode(self, block: bytes) -> str:
        if block.isascii() and b"\0" not in block:
            return block.decode("ascii")
        try:
            if not self._encoding:
                self._encoding = encoding_of(block)
            return block.decode(self._encoding)
        except UnicodeDecodeError as error:
            line = self._line + 1 + block[: error.start].count(b"\n")
            raise InputError(f"{self._path}: line {line}: is no text in {self._encoding.upper()}") from error
        except ValueError as error:
            raise InputError(f"{self._path}: {error}") from error

    def _read_header(self) -> bytes:
        block = self._next_block()
        if is_workbook(block):
            raise InputError(f"{self._path}: is an Excel workbook; save it as CSV")
        if block.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{self._path}: is UTF-16 text; save it as CSV UTF-8")
        while block:
            head, newline, block = block.partition(b"\n")
            self._line += 1
            text = self._decode(head).lstrip("\ufeff").strip()
            if text:
                self._take_header(text)
                return block
            block = block if newline else b""
        raise InputError(f"{self._path}: is empty; its first line must be {','.join(REQUIRED)}")

    def _take_header(self, text: str) -> None:
        if "\r" in text:
            raise InputError(f"{self._path}: its lines end with CR alone, as on old Macs; save it as CSV UTF-8")
        known = {*REQUIRED, *VALUES}
        self._delimiter = delimiter_of(text, lambda cell: cell.strip().lower() in known)
        try:
            names = [cell.strip().lower() for cell in next(csv.reader([text], delimiter=self._delimiter))]
        except csv.Error as error:
            raise InputError(f"{self._path}: line {self._line}: is no header ({error})") from None
        self._width = len(names)
        for name in known:
            if names.count(name) > 1:
                raise InputError(f"{self._path}: line {self._line}: the header has {name} twice")
        self._index = {name: names.index(name) for name in (*REQUIRED, *VALUES) if name in names}
        missing = [name for name in REQUIRED if name not in self._index]
        if missing:
            raise InputError(
                f"{self._path}: line {self._line}: the header has no {', '.join(missing)}; "
                f"it must hold {','.join(REQUIRED)}"
            )

    def _quoted(self, text: str) -> Iterator[RawReadings]:
        """Read the rest by the csv module, which knows quotes; slower."""
        start = self._line
        reader = csv.reader(self._lines(text), delimiter=self._delimiter, strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        began = start + 1
        try:
            for row in reader:
                rows.append(row)
                lines.append(began)
                began = start + reader.line_num + 1
                if len(rows) >= 50_000:
                    yield from self._rows(rows, lines)
                    rows, lines = [], []
        except csv.Error as error:
            raise InputError(f"{self._path}: line {began}: {error}") from error
        yield from self._rows(rows, lines)

    def _lines(self, text: str) -> Iterator[str]:
        while text:
            yield from io.StringIO(text, newline="")
            text = self._decode(self._next_block())

    def _rows(self, rows: list[list[str]], lines: Sequence[int]) -> Iterator[RawReadings]:
        rows, lines = self._mended(rows, lines)
        if rows:
            yield from self._checked(list(zip(*rows, strict=True)), lines)

    def _checked(self, texts: list[Sequence[str]], lines: Sequence[int]) -> Iterator[RawReadings]:
        try:
            converted = self._converted(texts, lines)
        except ValueError:
            rows = [list(row) for row in zip(*texts, strict=True)]
            if all(any(cell.strip() for cell in row) for row in rows):
                raise self._first_bad(texts, lines) from None
            yield from self._rows(rows, lines)  # spreadsheets leave rows of blank cells behind
        else:
            yield converted

    def _converted(self, texts: list[Sequence[str]], lines: Sequence[int]) -> RawReadings:
        size = len(lines)
        device = np.empty(size, dtype=object)
        device[:] = list(map(self._devices.__getitem__, texts[self._index["device_id"]]))
        ts = np.fromiter(map(self._times.__getitem__, texts[self._index["ts"]]), np.int64, size)
        values = {
            name: np.fromiter(map(self._numbers.__getitem__, texts[self._index[name]]), np.float64, size)
            if name in self._index
            else np.full(size, np.nan)
            for name in VALUES
        }
        return RawReadings(device, ts, values, np.asarray(lines, dtype=np.int64))

    def _mended(self, rows: list[list[str]], lines: Sequence[int]) -> tuple[list[list[str]], list[int]]:
        """Leave out blank lines and blank cells beyond the header; refuse rows that are too short or too long."""
        good: list[list[str]] = []
        kept: list[int] = []
        for row, line in zip(rows, lines, strict=True):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) < self._width or any(cell.strip() for cell in row[self._width :]):
                raise InputError(f"{self._path}: line {line}: has {len(row)} cells where the header has {self._width}")
            good.append(row[: self._width])
            kept.append(line)
        return good, kept

    def _first_bad(self, texts: list[Sequence[str]], lines: Sequence[int]) -> InputError:
        memories: dict[str, _Memory[Any]] = {"device_id": self._devices, "ts": self._times}
        for row, line in enumerate(lines):
            for name, index in self._index.items():
                text = texts[index][row]
                try:
                    memories.get(name, self._numbers)[text]
                except ValueError as error:
                    return InputError(f"{self._path}: {RowProblem(line, name, text.strip(), str(error))}")
        raise AssertionError("a block was refused in which every cell is good")


def _silent(read: int) -> None:
    return None
