"""The terminal view of the demonstration: progress, counts, the ten most urgent homes, causes told apart."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dashboards.homes import HomeRow
from dashboards.overview import Figures, figures, headline, urgent
from dashboards.snapshot import Snapshot
from heating.finding import Finding, FindingKind, Scope, Status
from heating.words import Language, say
from heatwatch.demo import Demo, local_now

_MOST_URGENT = 10
_SHARED = (Scope.STATION, Scope.BRANCH_END, Scope.BUILDING, Scope.RISER, Scope.LOW_FLOORS)
# Signs beside the colours (Okabe-Ito), for eyes that cannot tell them apart.
_SIGNS = {
    Status.COLD: ("▼", "#d55e00"),
    Status.BELOW_TARGET: ("▽", "#e69f00"),
    Status.OK: ("●", "#009e73"),
    Status.UNKNOWN: ("?", "#999999"),
    Status.SUSPECT: ("!", "#cc79a7"),
    Status.EXEMPT: ("–", "#56b4e9"),
}

_COLUMNS = (
    ("#", "#"), ("", ""), ("住户", "home"), ("°C", "°C"), ("差 K", "below K"), ("优先分", "score"), ("已持续", "lasts"),
    ("加分", "reasons"), ("原因", "cause"), ("工单", "order"),
)  # fmt: skip


def live_view(demo: Demo, snapshot: Snapshot) -> RenderableType:
    """Return the whole view."""
    language = demo.opened.language
    shown = figures(snapshot)
    return Group(
        _head(demo, snapshot),
        _history(demo),
        _counts(shown, snapshot, language),
        Panel(_homes(snapshot, language), title=_two("最急的十户", "the ten most urgent homes", language)),
        Panel(_causes(snapshot, language), title=_two("原因", "causes told apart", language)),
    )


def plain_line(demo: Demo, snapshot: Snapshot) -> str:
    """Return one line for a terminal that is none."""
    shown, counters = figures(snapshot), snapshot.counters
    return (
        f"{local_now(demo):%m-%d %H:%M} received {counters.get('received', 0)} stored {counters.get('stored', 0)} "
        f"cold {shown.status[Status.COLD]} confirmed {shown.confirmed} unknown {shown.status[Status.UNKNOWN]} "
        f"orders {shown.orders}"
    )


def summary(demo: Demo, snapshot: Snapshot) -> list[str]:
    """Return what a person should have seen, in lines."""
    language, shown, counters = demo.opened.language, figures(snapshot), snapshot.counters
    fleet = demo.fleet.stats
    lines = [
        f"simulated time {local_now(demo):%Y-%m-%d %H:%M}, {shown.total} homes, speed x{demo.plan.speed:g}",
        f"published {fleet.readings} readings; received {counters.get('received', 0)} = "
        f"stored {counters.get('stored', 0)} + repeated {counters.get('repeated', 0)} + "
        f"ignored {counters.get('ignored', 0)} + quarantined {counters.get('quarantined', 0)}",
        f"homes cold {shown.status[Status.COLD]}, confirmed {shown.confirmed}, unknown {shown.status[Status.UNKNOWN]}",
    ]
    lines += [f"  {i}. {_home_line(row, language)}" for i, row in enumerate(urgent(snapshot.homes, _MOST_URGENT), 1)]
    lines += [f"cause: {_cause_line(finding, language)}" for finding in _told_apart(snapshot)]
    lines.append(f"orders open {shown.orders}, overdue clocks {shown.overdue}")
    lines += [f"  {order.id} {order.subject_id}: {order.content}" for order in snapshot.orders[:5]]
    return lines


def _head(demo: Demo, snapshot: Snapshot) -> Text:
    site = demo.opened.settings.site.name
    outdoor = "" if snapshot.outdoor_c is None else f"  outdoor {snapshot.outdoor_c:.1f} °C"
    return Text.assemble(
        (f"heatwatch {site}  ", "bold"),
        f"{local_now(demo):%Y-%m-%d %H:%M}  ×{demo.plan.speed:g}{outdoor}  ",
        (demo.url, "underline"),
    )


def _history(demo: Demo) -> RenderableType:
    done, total = demo.history
    if demo.fleet.history_done.is_set() or not total:
        return Text("live" if total else "starting", style="dim")
    row = Table.grid(padding=(0, 1))
    row.add_row(f"history {done}/{total} h", ProgressBar(total=total, completed=done, width=40))
    return row


def _counts(shown: Figures, snapshot: Snapshot, language: Language) -> Table:
    row = Table.grid(padding=(0, 2))
    homes = [
        Text(f"{_SIGNS[status][0]} {say(status, language)} {shown.status[status]}", style=_SIGNS[status][1])
        for status in _SIGNS
    ]
    row.add_row(*homes, Text(f"{say('confirmed', language)} {shown.confirmed}", style="bold"))
    counters = snapshot.counters
    names = ("received", "stored", "repeated", "ignored", "quarantined", "late")
    numbers = Text("  ".join(f"{name} {counters.get(name, 0)}" for name in names), style="dim")
    orders = f"{_two('工单', 'orders', language)} {shown.orders}  {_two('超时', 'overdue', language)} {shown.overdue}"
    lines = Table.grid()
    lines.add_row(row)
    lines.add_row(numbers)
    lines.add_row(Text(orders, style="bold"))
    return lines


def _homes(snapshot: Snapshot, language: Language) -> RenderableType:
    table = Table(box=None, padding=(0, 1))
    for pair in _COLUMNS:
        table.add_column(_two(*pair, language))
    for row in urgent(snapshot.homes, _MOST_URGENT):
        table.add_row(*_cells(row, snapshot.at, language))
    return table if table.row_count else Text(_two("暂无低温用户", "no cold home yet", language), style="dim")


def _cells(row: HomeRow, now: datetime, language: Language) -> list[str]:
    sign = "▼" if row.confirmed else "▿"
    since = "" if row.since is None else f"{(now - row.since).total_seconds() / 3600:.1f} h"
    return [
        str(row.rank),
        sign,
        row.home,
        f"{row.temperature_c:.1f}" if row.temperature_c is not None else "",
        f"{row.deficit_k:.1f}" if row.deficit_k is not None else "",
        f"{row.score:.2f}" if row.score is not None else "",
        since,
        " ".join(say(reason, language) for reason in row.reasons),
        say(row.cause.scope, language) if row.cause else "",
        row.order or "",
    ]


def _causes(snapshot: Snapshot, language: Language) -> RenderableType:
    lines = [_cause_line(finding, language) for finding in _told_apart(snapshot)]
    return Text("\n".join(lines) if lines else _two("尚未判明", "nothing told apart yet", language))


def _told_apart(snapshot: Snapshot) -> list[Finding]:
    """Return shared causes and one finding of a silent sensor: what tells faults apart."""
    found = headline(snapshot.findings)
    shared = [f for f in found if f.cause is not None and f.cause.scope in _SHARED and f.members]
    silent = [f for f in found if f.kind is FindingKind.SILENT]
    return [*shared[:5], *silent[:3]]


def _cause_line(finding: Finding, language: Language) -> str:
    cause = finding.cause
    where = f"{say(finding.subject.type, language)} {finding.subject.id}"
    words = "" if cause is None else f": {say(cause.scope, language)}, {say(cause.side, language)}"
    homes = f" ({Counter(finding.members).total()} {_two('个测温点', 'points', language)})" if finding.members else ""
    return f"{say(finding.kind, language)} {where}{words}{homes}"


def _home_line(row: HomeRow, language: Language) -> str:
    reasons = ", ".join(say(reason, language) for reason in row.reasons)
    cause = say(row.cause.scope, language) if row.cause else ""
    value = f"{row.temperature_c:.1f} °C" if row.temperature_c is not None else ""
    below = f"-{row.deficit_k:.1f} K" if row.deficit_k is not None else ""
    return "  ".join(part for part in (row.home, value, below, reasons, cause, row.order or "") if part)


def _two(chinese: str, english: str, language: Language) -> str:
    return chinese if language is Language.ZH else english
