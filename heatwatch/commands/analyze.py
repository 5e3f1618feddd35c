"""`heatwatch analyze`: one pass, from two files without any server, or from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.identity import recognise
from analyzer.result import Analysis, HomeRow
from heating.errors import InputError
from heating.finding import Finding, Status
from heating.words import Language, say
from heatwatch.analysis_plot import write_plot
from heatwatch.arguments import instant
from heatwatch.context import Context
from heatwatch.judging import rules_of
from heatwatch.output import print_json, print_text, show_table
from heatwatch.reading import read_with_progress
from heatwatch.registration import read_site_register
from heatwatch.stored_readings import stored_observations
from heatwatch.words import heading

_SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add `analyze`."""
    app.command("analyze")(analyze_command)


def analyze_command(
    context: typer.Context,
    points: Annotated[Path | None, typer.Option("--points", help="Register file, in place of site.points.")] = None,
    readings: Annotated[Path | None, typer.Option("--readings", help="Readings CSV, in place of the store.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Judge this instant.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Begin of the span to judge.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the span to judge.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Also draw the hours below the floor, as SVG.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON (contract §7).")] = False,
) -> None:
    """Judge an instant or a span; with --points and --readings it needs no server."""
    with Context.of(context, create=False) as opened:
        span = _span(opened, at, start, end)
        if readings is not None:
            case = _from_files(opened, points, readings)
        elif points is not None:
            raise InputError(
                "--points: needs --readings too; without both, the store and the imported register are used"
            )
        else:
            case = _from_store(opened, span)
        result = analyze(case.estate, case.rules, case.observations, span)
        result = msgspec.structs.replace(result, findings=recognise(result.findings, case.known))
        if plot is not None:
            drawn = (result.start, result.to)
            write_plot(plot, case.estate, case.rules, case.observations.rooms, drawn, opened.language)
        if json:
            print_json(result)
        else:
            _show(result, opened.language)


def _span(opened: Context, at: str | None, start: str | None, end: str | None) -> Span:
    if at is not None:
        if start is not None or end is not None:
            raise InputError("--at: give either --at or --from with --to, not both")
        return Span(None, instant("--at", at, opened.zone))
    if start is None or end is None:
        missing = (
            "--at, or --from with --to" if start is None and end is None else ("--to" if end is None else "--from")
        )
        raise InputError(f"{missing}: missing; give the time to judge")
    begin, finish = instant("--from", start, opened.zone), instant("--to", end, opened.zone)
    if begin >= finish:
        raise InputError(f"--from: {start!r} is not before --to {end!r}")
    return Span(begin, finish)


@dataclass(frozen=True, slots=True)
class _Case:
    estate: Estate
    rules: Rules
    observations: Observations
    known: Sequence[Finding] = ()


def _from_files(opened: Context, points: Path | None, readings: Path) -> _Case:
    path = points or opened.settings.site.points
    if path is None:
        raise InputError("--points: missing; name the register that the readings belong to")
    file = read_site_register(opened.settings, path)
    file.require_good()
    site = file.register()
    found = read_with_progress(readings, site, opened.zone)
    estate = Estate(site)
    return _Case(estate, rules_of(opened.settings), Observations.of_table(estate, found.table))


def _from_store(opened: Context, span: Span) -> _Case:
    estate = Estate(opened.register)
    rules = rules_of(opened.settings, tuple(opened.ledger.places.outages()))
    known = opened.ledger.findings.overlapping(span.start or span.end, span.end + timedelta(milliseconds=1))
    return _Case(estate, rules, stored_observations(opened.store, estate, rules, span, known), known)


def _show(result: Analysis, language: Language) -> None:
    counts = {status: sum(1 for row in result.homes if row.status is status) for status in Status}
    print_text(f"{result.to.isoformat(timespec='minutes')}  " + "  ".join(
        f"{say(status, language)} {count}" for status, count in counts.items() if count
    ))  # fmt: skip
    columns = ("#", "home", "°C", "floor", "K below", "score", "since", "reasons", "cause")
    table = Table(*(heading(column, language) for column in columns))
    causes = {f.subject.id: f.cause for f in result.findings if f.cause is not None and f.end is None}
    cold = sorted((row for row in result.homes if row.rank is not None), key=lambda row: row.rank or 0)
    for row in cold[:_SHOWN]:
        cause = causes.get(row.point_id)
        table.add_row(*_cells(row, language), say(cause.scope, language) if cause else "")
    if cold:
        show_table(table)
    if len(cold) > _SHOWN:
        print_text(f"... +{len(cold) - _SHOWN} (--json)")
    print_text(f"{heading('findings', language)} {len(result.findings)}")


def _cells(row: HomeRow, language: Language) -> list[str]:
    return [
        f"{row.rank}{'' if row.confirmed else '?'}",
        row.home,
        f"{row.temperature_c:.1f}",
        f"{row.floor_c:.1f}",
        f"{row.deficit_k:.1f}",
        f"{row.score:.2f}",
        row.since.strftime("%m-%d %H:%M") if row.since else "",
        ", ".join(say(reason, language) for reason in row.reasons),
    ]
