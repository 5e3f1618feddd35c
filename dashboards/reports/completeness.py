"""The account of readings (数据完整率报表): what was expected, delivered, stored and missing, by device and day.

With it the control room states completeness in a dispute: every reading that the broker delivered has one fate, and
the fates add up (contract §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from dashboards.places import home_lines
from dashboards.reports.account import FATES, AccountRequest, load_account
from dashboards.reports.account_lines import account_lines, percent
from dashboards.reports.expected import Basis
from dashboards.reports.losses import LossSheet
from dashboards.reports.paper import Column, Look, MadeRows, Paper, Row, Sheet, Value
from dashboards.reports.statement import Line, Statement, statement
from dashboards.reports.words import text
from dashboards.reports.writers import write_paper
from heating.ledger.port import Ledger
from heating.register import Register
from heating.store.port import ReadingStore
from heating.words import Language

# What a page of HTML can show without becoming a burden; workbooks and CSV hold every line.
HTML_LINES = 1000

_NOTES = tuple(f"completeness_{note}" for note in ("terms", "basis", "expected", "missing", "interval"))


class CompletenessReport(AccountRequest, frozen=True, kw_only=True):
    """What to report. `most_lines` limits the lines of devices, those with most missing first; None shows all."""

    site_name: str = ""
    language: Language = Language.ZH
    most_lines: int | None = None


def write_completeness_report(request: CompletenessReport, store: ReadingStore, ledger: Ledger, out: Path) -> Statement:
    """Write the report to a file whose suffix names the format; return its numbers.

    Raises
    ------
    InputError
        If the days make no sense or the file cannot be written.
    """
    numbers = completeness_statement(request, store, ledger)
    if out.suffix.lower() == ".html" and request.most_lines is None:
        request = msgspec.structs.replace(request, most_lines=HTML_LINES)
    write_paper(completeness_paper(request, numbers, ledger.places.register()), out)
    return numbers


def completeness_statement(request: AccountRequest, store: ReadingStore, ledger: Ledger) -> Statement:
    """Return the numbers of the report."""
    return statement(load_account(request, store, ledger), request.zone.key)


def completeness_paper(request: CompletenessReport, numbers: Statement, register: Register) -> Paper:
    """Return the report as data: a sheet of days, one of losses, one of devices, one of devices by day."""
    language = request.language
    table = _Table(request, register)
    losses = LossSheet(numbers.losses, request.zone, language)
    above = account_lines(numbers, losses.summary(refer=True), language)
    days = table.sheet("completeness_days", table.days(numbers), 0, above)
    sheets = (
        days,
        losses.sheet(table.title, table.span, len(days.columns)),
        table.lines("completeness_devices", numbers.devices),
        table.lines("completeness_device_days", numbers.device_days),
    )
    return Paper(title=text("completeness_title", language), language=language, sheets=sheets)


class _Table:
    """Turns lines into rows; all sheets have the same columns, so that a CSV of them is one table."""

    def __init__(self, request: CompletenessReport, register: Register) -> None:
        self._request = request
        self._language = request.language
        self._names: dict[str | None, str] = {None: ""}
        for point in register.by_id.values():
            self._names[point.point_id] = " ".join(home_lines(point, self._language))

    def _say(self, key: str) -> str:
        return text(key, self._language)

    @property
    def title(self) -> str:
        """What stands at the head of each sheet."""
        return f"{self._request.site_name} {self._say('completeness_title')}".strip()

    @property
    def span(self) -> str:
        """Which days it is about."""
        return self._say("completeness_span").format(
            first=self._request.first, last=self._request.last, zone=self._request.zone.key
        )

    def sheet(self, key: str, rows: Sequence[Row], left_out: int, lines: tuple[str, ...] = ()) -> Sheet:
        notes = [self._say(note) for note in _NOTES]
        if left_out:
            lines = (*lines, self._say("completeness_left_out").format(shown=len(rows), left=left_out))
        return Sheet(
            name=self._say(key),
            title=f"{self.title} · {self._say(key)}",
            lines=(self.span, *lines),
            columns=self._columns(),
            rows=rows,
            notes=tuple(notes),
            signatures=tuple(self._say(word) for word in ("prepared_by", "checked_by", "report_date")),
        )

    def lines(self, key: str, lines: Sequence[Line]) -> Sheet:
        """Return the sheet of lines of devices, cut where the request says so."""
        most = self._request.most_lines
        shown = lines
        if most is not None and len(lines) > most:
            shown = sorted(lines, key=lambda line: (-(line.missing or 0), -line.quarantined))[:most]
        return self.sheet(key, MadeRows(shown, self._row), len(lines) - len(shown))

    def days(self, numbers: Statement) -> tuple[Row, ...]:
        """Return for each day what came of its devices, then what names no device, then all: a sum of the rows."""
        whole = numbers.days
        rows = [
            _of_devices(day, of_none, self._say("all_devices"))
            for day, of_none in zip(whole, numbers.unnamed_days, strict=True)
        ]
        unnamed = self._say("unnamed")
        nameless = [msgspec.structs.replace(u, device=unnamed) for u in numbers.unnamed_days if u.received]
        total = msgspec.structs.replace(numbers.total, device=self._say("sum_of_all"))
        return tuple(map(self._row, (*rows, *nameless, total)))

    def _row(self, line: Line) -> Row:
        cells: tuple[Value, ...] = (
            _day(line.day),
            line.device,
            line.point or "",
            self._names.get(line.point, ""),
            line.received,
            line.stored,
            line.repeated,
            line.ignored,
            line.quarantined,
            line.late,
            self._interval(line),
            line.expected,
            line.present,
            line.missing,
            percent(line.completeness),
        )
        bad = {13, 14} if line.missing else set()
        return Row(cells, frozenset({*bad, 4} if line.difference else bad))

    def _interval(self, line: Line) -> str:
        if line.interval_s is None or line.interval_basis is None:
            return ""
        sign = {Basis.DECLARED: "{}", Basis.OWN: "≈ {}", Basis.SITE: "≈≈ {}"}[line.interval_basis]
        return sign.format(f"{line.interval_s / 60:.3g}")

    def _columns(self) -> tuple[Column, ...]:
        counts = ("received", "stored", "repeated", "ignored", "quarantined", "late_readings")
        measured = ("expected_readings", "present_readings", "missing_readings")
        return (
            Column(self._say("day_of_paper"), 22),
            Column(self._say("device"), 24),
            Column(self._say("point_id"), 18),
            Column(self._say("place"), 34),
            *(Column(_capital(self._say(key)), 20 if key == "quarantined" else 16, Look.COUNT) for key in counts),
            Column(self._say("interval_min"), 14, Look.CENTRE),
            *(Column(self._say(key), 16, Look.COUNT) for key in measured),
            Column(self._say("completeness_rate"), 18, Look.DEGREES),
        )


def _of_devices(day: Line, unnamed: Line, name: str) -> Line:
    counts = {fate: getattr(day, fate) - getattr(unnamed, fate) for fate in FATES}
    return msgspec.structs.replace(day, device=name, **counts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
