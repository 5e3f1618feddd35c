"""A table from a CSV file or an Excel workbook: header and rows of text, each with its line in the file."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from heating.errors import InputError
from heating.text_file import delimiter_of, encoding_of, is_workbook, read_bytes

MAX_CELLS = 5_000_000  # 100 000 points with room to spare; a forgotten cell in the last row of Excel is beyond it
MAX_UNPACKED_BYTES = 500_000_000
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=[\"']([A-Z]{1,7})(\d{1,9})[\"']")
EXACT_IN_EXCEL = 10**15  # Excel keeps fifteen digits of a number


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line (CSV, where it begins) or row number (Excel), and its cells as text."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Header and rows without blank ones; `form` says what the file is, `digest` is the SHA-256 of its bytes."""

    header: Row
    rows: tuple[Row, ...]
    form: str
    digest: str


def read_table(path: Path, known: Callable[[str], object]) -> Table:
    """Read a CSV file or the first visible filled sheet of a workbook; `known` recognises a header's name.

    Raises
    ------
    InputError
        If the file is missing, empty or no table.
    """
    data = read_bytes(path)
    try:
        form, found = _sheet_rows(data) if is_workbook(data) else _text_rows(data, known)
        rows = [row for row in found if any(cell.strip() for cell in row.cells)]
    except (ValueError, csv.Error, CalamineError) as error:
        raise InputError(f"{path}: {error}") from error
    if not rows:
        raise InputError(f"{path}: is empty; a table with a header line is needed")
    return Table(rows[0], tuple(rows[1:]), form, hashlib.sha256(data).hexdigest())


def _text_rows(data: bytes, known: Callable[[str], object]) -> tuple[str, Iterator[Row]]:
    encoding = encoding_of(data)
    text = data.decode(encoding)
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = delimiter_of(header, known)
    name = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8"}.get(encoding, encoding.upper())
    return f"CSV, {name}", _numbered(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _numbered(reader: Iterable[list[str]]) -> Iterator[Row]:
    line = 1
    for cells in reader:
        yield Row(line, tuple(cells))
        line = reader.line_num + 1  # type: ignore[attr-defined]


def _sheet_rows(data: bytes) -> tuple[str, list[Row]]:
    if not data.startswith(b"PK"):
        raise ValueError("is an old (.xls) or password-protected Excel workbook; save it as plain .xlsx")
    _check_extent(data)
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    visible = [meta.name for meta in book.sheets_metadata if meta.visible is SheetVisibleEnum.Visible]
    for name in visible:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        first = sheet.start[0] + 1
        return f"Excel, sheet {name}", [
            Row(first + index, tuple(cell_text(cell) for cell in cells))
            for index, cells in enumerate(sheet.to_python())
        ]
    raise ValueError("has no sheet with cells")


def _check_extent(data: bytes) -> None:
    """Refuse a workbook whose cells span more than fits: the reader lays all of them out, blank ones too.

    One stray cell in the last corner of a sheet asks for 400 GB, and ends the process before Python can say a word.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets = [part for part in archive.infolist() if _SHEET.fullmatch(part.filename)]
            if not sheets or sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise ValueError("is no XLSX workbook of a reasonable size")
            for part in sheets:
                rows, columns = _extent(archive.read(part))
                if rows * columns > MAX_CELLS:
                    raise ValueError(
                        f"is a workbook with a sheet of {rows} rows × {columns} columns: "
                        "delete the cells far below or beside the table"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"is no readable workbook ({error})") from error


def _extent(sheet: bytes) -> tuple[int, int]:
    """Return the last row and column that a sheet's XML names."""
    rows = columns = 0
    for letters, digits in set(_CELL.findall(sheet)):
        rows = max(rows, int(digits))
        columns = max(columns, sum(26**place * (letter - 64) for place, letter in enumerate(reversed(letters))))
    return rows, columns


def cell_text(cell: object) -> str:
    """Write a cell of Excel as a person would have typed it: 501.0 is `501`, midnight is a date."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT_IN_EXCEL else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == cell.min.time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
