"""A table from a CSV file or an Excel workbook: header and rows of text, each with its line in the file."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from heating.errors import InputError
from heating.text_file import delimiter_of, encoding_of, is_workbook, read_bytes

MAX_CELLS = 20_000_000  # beyond this a sheet is no register but an accident
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
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    visible = [meta.name for meta in book.sheets_metadata if meta.visible is SheetVisibleEnum.Visible]
    for name in visible:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is None:
            continue
        if sheet.height * sheet.width > MAX_CELLS:
            raise ValueError(f"sheet {name!r} spans {sheet.height} rows × {sheet.width} columns: too large")
        first = sheet.start[0] + 1
        return f"Excel, sheet {name}", [
            Row(first + index, tuple(cell_text(cell) for cell in cells))
            for index, cells in enumerate(sheet.to_python())
        ]
    raise ValueError("has no sheet with cells")


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
