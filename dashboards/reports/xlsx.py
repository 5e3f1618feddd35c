"""A paper as an Excel workbook that prints on A4 landscape."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from dashboards.reports.paper import Column, Look, Paper, Row, Sheet, Value
from heating.words import Language

_A4 = 9
# Millimetres to Excel's units: a column unit is about 1.9 mm at 11 pt, a point is 0.3528 mm.
_COLUMN_MM, _POINT_MM = 1.95, 0.3528
_FONT = {Language.ZH: "微软雅黑", Language.EN: "Calibri"}
_NUMBERS = {Look.DEGREES: "0.0", Look.HOURS: "0.0", Look.COUNT: "#,##0"}
# A line of the cells' font [pt] and what a sign of it takes in width [mm], Chinese and other.
_LINE_PT, _WIDE_MM, _SLIM_MM = 12.6, 3.3, 1.75
# From so many rows on a workbook is written row by row, which keeps its memory bounded.
_LARGE = 20_000
_FORBIDDEN_IN_TABS = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))


@dataclass(frozen=True, slots=True)
class _Pens:
    """Formats of one workbook."""

    title: Any
    line: Any
    head: Any
    sign: Any
    cells: dict[tuple[Look, bool], Any]


def xlsx_bytes(paper: Paper) -> bytes:
    """Return the workbook. Texts are written as texts whatever they begin with, never as formulas or links."""
    target = io.BytesIO()
    large = sum(len(sheet.rows) for sheet in paper.sheets) > _LARGE
    options = {"in_memory": not large, "constant_memory": large}
    options |= {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"title": paper.title})
        pens = _pens(book, _FONT[paper.language])
        for sheet in paper.sheets:
            page = book.add_worksheet(sheet.name.translate(_FORBIDDEN_IN_TABS)[:31])
            _fill(page, sheet, pens)
            _print_setup(page, sheet, paper.language)
    return target.getvalue()


def _fill(page: Any, sheet: Sheet, pens: _Pens) -> None:
    last = len(sheet.columns) - 1
    page.merge_range(0, 0, 0, last, sheet.title, pens.title)
    page.set_row(0, 24)
    for at, line in enumerate(sheet.lines, start=1):
        page.merge_range(at, 0, at, last, line, pens.line)
        page.set_row(at, 15 * (1 + len(line) // 130))
    head = len(sheet.lines) + 1
    for column, spec in enumerate(sheet.columns):
        page.set_column(column, column, spec.width / _COLUMN_MM)
        page.write_string(head, column, spec.title, pens.head)
    page.set_row(head, 32)
    for at, row in enumerate(sheet.rows, start=head + 1):
        if sheet.row_height:
            page.set_row(at, max(sheet.row_height / _POINT_MM, _LINE_PT * _lines(row, sheet.columns) + 4))
        for column, (value, spec) in enumerate(zip(row.cells, sheet.columns, strict=True)):
            _write(page, (at, column), value, pens.cells[spec.look, column in row.bad])
    _below(page, sheet, head + 1 + len(sheet.rows), pens)


def _lines(row: Row, columns: Sequence[Column]) -> int:
    """Return how many lines the fullest text of a row takes; workbooks do not find their heights themselves."""
    texts = ((cell, column.width) for cell, column in zip(row.cells, columns, strict=True) if isinstance(cell, str))
    return max((sum(_wrapped(line, width) for line in cell.split("\n")) for cell, width in texts), default=1)


def _wrapped(line: str, width: float) -> int:
    length = sum(_SLIM_MM if sign.isascii() else _WIDE_MM for sign in line)
    return max(1, -int(-length // max(1.0, width - 2)))


def _below(page: Any, sheet: Sheet, at: int, pens: _Pens) -> None:
    last = len(sheet.columns) - 1
    for note in sheet.notes:
        page.merge_range(at, 0, at, last, note, pens.line)
        page.set_row(at, 15 * (1 + len(note) // 110))
        at += 1
    if sheet.signatures:
        line = "        ".join(f"{signature}: ______________" for signature in sheet.signatures)
        page.merge_range(at, 0, at, last, line, pens.sign)
        page.set_row(at, 34)


def _write(page: Any, cell: tuple[int, int], value: Value, pen: Any) -> None:
    if value is None:
        page.write_blank(*cell, None, pen)
    elif isinstance(value, str):
        page.write_string(*cell, value, pen)
    else:
        page.write_number(*cell, value, pen)


def _print_setup(page: Any, sheet: Sheet, language: Language) -> None:
    head = len(sheet.lines) + 1
    page.set_landscape()
    page.set_paper(_A4)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.fit_to_pages(1, 0)
    page.repeat_rows(head)
    page.freeze_panes(head + 1, 3)
    page.set_footer("&C第 &P 页，共 &N 页" if language is Language.ZH else "&CPage &P of &N")


def _pens(book: Any, font: str) -> _Pens:
    base = {"font_name": font, "font_size": 10, "valign": "vcenter"}
    grid = {**base, "font_size": 9, "border": 1, "border_color": "#8a949b"}
    cells = {}
    for look in Look:
        for bad in (False, True):
            style: dict[str, object] = {**grid, "text_wrap": look is Look.TEXT}
            if look in _NUMBERS:
                style |= {"num_format": _NUMBERS[look], "align": "right"}
            if look is Look.CENTRE:
                style |= {"align": "center", "text_wrap": True}
            if bad:
                style |= {"bold": True, "bg_color": "#FBD9BE"}
            cells[look, bad] = book.add_format(style)
    return _Pens(
        title=book.add_format({**base, "font_size": 15, "bold": True, "align": "center"}),
        line=book.add_format({**base, "text_wrap": True}),
        head=book.add_format({**grid, "bold": True, "align": "center", "text_wrap": True, "bg_color": "#E8EDF0"}),
        sign=book.add_format({**base, "font_size": 11, "valign": "bottom"}),
        cells=cells,
    )
