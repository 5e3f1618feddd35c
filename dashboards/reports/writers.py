"""Writes a paper as XLSX, printable HTML or CSV, by the suffix of the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from dashboards.reports.paper import Look, Paper, Value
from dashboards.reports.xlsx import xlsx_bytes
from heating.errors import InputError

DIGITS = {Look.DEGREES: 1, Look.HOURS: 1}
# A text that begins so would be a formula for a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_paper(paper: Paper, out: Path) -> None:
    """Write a paper to `out`.

    Raises
    ------
    InputError
        If the suffix names no format, or the file cannot be written.
    """
    kind = out.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise InputError(f"--out {out}: must end in .{', .'.join(FORMATS)}; that names the format")
    content = paper_bytes(paper, kind)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written ({error.strerror})") from error


def paper_bytes(paper: Paper, kind: str) -> bytes:
    """Return a paper as `xlsx`, `html` or `csv`."""
    writer = FORMATS.get(kind)
    if writer is None:
        raise InputError(f"no report format {kind!r}; formats are {', '.join(FORMATS)}")
    return writer(paper)


def html_bytes(paper: Paper) -> bytes:
    """Return a self-contained page made for A4 landscape."""
    return _templates().get_template("paper.html").render(paper=paper, shown=shown, quoted=_quoted).encode()


def csv_bytes(paper: Paper) -> bytes:
    """Return all sheets as one table (UTF-8 with a mark that Excel understands), the sheet's name first."""
    target = io.StringIO(newline="")
    table = csv.writer(target)
    table.writerow([safe(paper.title), *(safe(column.title) for column in paper.sheets[0].columns)])
    for sheet in paper.sheets:
        rows = sheet.rows if sheet.shared_rows is None else sheet.shared_rows
        table.writerows([safe(sheet.name), *map(_plain, row.cells)] for row in rows)
    return target.getvalue().encode("utf-8-sig")


def shown(value: Value, look: Look) -> str:
    """Return a value as people read it."""
    if value is None:
        return "" if look is Look.BLANK else "–"
    if isinstance(value, str):
        return value
    return f"{value:.{DIGITS[look]}f}" if look in DIGITS else f"{value:,}"


def _quoted(text: str) -> Markup:
    """Return a text as a string of a style sheet: signs that could end the string, or the sheet, by their numbers."""
    signs = (sign if sign.isalnum() or sign in " .,%/°" else f"\\{ord(sign):x} " for sign in text.replace("\n", " "))
    return Markup('"' + "".join(signs) + '"')


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Value) -> Value:
    if isinstance(value, str):
        return safe(value)
    return round(value, 3) if isinstance(value, float) else value


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


FORMATS: dict[str, Callable[[Paper], bytes]] = {"xlsx": xlsx_bytes, "html": html_bytes, "csv": csv_bytes}
