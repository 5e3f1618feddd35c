"""`heatwatch report`: what inspectors and leaders hand on."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from dashboards.reports.completeness import CompletenessReport, completeness_statement, write_completeness_report
from dashboards.reports.points import PointsReport, write_points_report
from dashboards.reports.rounds import RoundsReport, write_rounds_report
from heating.errors import InputError
from heating.regulation import load_profile
from heating.words import Language
from heatwatch.arguments import duration, instant
from heatwatch.context import Context
from heatwatch.judging import words_rules
from heatwatch.output import note, print_json

app = typer.Typer(help="Reports for inspectors and leaders.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", help="File; its ending (.xlsx, .html, .csv) names the format.")]
From = Annotated[str | None, typer.Option("--from", help="First local day.")]
To = Annotated[str | None, typer.Option("--to", help="Last local day; it belongs to the report.")]
Date = Annotated[str | None, typer.Option("--date", help="One local day.")]
Lang = Annotated[Language | None, typer.Option("--lang", help="zh-CN or en; site.language unless given.")]

_HOURS_A_DAY = 24


def register(root: typer.Typer) -> None:
    """Add `report`."""
    root.add_typer(app, name="report")


@app.command()
def points(
    context: typer.Context,
    out: Out,
    start: From = None,
    end: To = None,
    on: Date = None,
    hours: Annotated[str, typer.Option("--hours", help="Local hours shown.")] = "2,6,8,12,16,20,22",
    building: Annotated[str | None, typer.Option("--building", help="Only this building (its id).")] = None,
    lang: Lang = None,
) -> None:
    """Write the measurement-point report (测温报表)."""
    shown_hours = _hours(hours)
    with Context.of(context, create=False) as opened:
        settings = opened.settings
        first, last = _days(opened, start, end, on)
        opened.register  # noqa: B018 - imports site.points where it has changed
        request = PointsReport(
            first=first,
            last=last,
            profile=load_profile(settings.regulation.enterprise),
            zone=opened.zone,
            site_name=settings.site.name,
            language=lang or opened.language,
            hours=shown_hours,
            stale_after_min=settings.analyzer.stale_after_min,
            confirm_min=settings.analyzer.confirm_min,
            building=building,
            seasons=settings.site.season_dates,
        )
        write_points_report(request, opened.store, opened.ledger, out)
    note(f"{out} written")


@app.command()
def rounds(
    context: typer.Context,
    out: Out,
    at: Annotated[str | None, typer.Option("--at", help="The instant whose state is listed; now unless given.")] = None,
    on: Annotated[str | None, typer.Option("--date", help="A local day: the state at 08:00 of it.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Homes at most.")] = 30,
    station: Annotated[str | None, typer.Option("--station", help="Only this station (its id).")] = None,
    lang: Lang = None,
) -> None:
    """Write the round list: homes to visit, ranked, low floors and network ends first."""
    if at is not None and on is not None:
        raise InputError("--at: give either --at or --date, not both")
    with Context.of(context, create=False) as opened:
        settings = opened.settings
        known = {point.station_id for point in opened.register.points}
        if station is not None and station not in known:
            raise InputError(f"--station: {station!r} is not in the register; it has {', '.join(sorted(known))}")
        when = at or (f"{_date('--date', on)}T08:00" if on else None)
        request = RoundsReport(
            at=instant("--at", when, opened.zone) if when else opened.clock.now(),
            zone=opened.zone,
            site_name=settings.site.name,
            language=lang or opened.language,
            rules=words_rules(settings),
            limit=limit,
            station=station,
        )
        write_rounds_report(request, opened.store, opened.ledger, out)
    note(f"{out} written")


@app.command()
def completeness(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", help="File; .xlsx, .html or .csv names the format.")] = None,
    start: From = None,
    end: To = None,
    on: Date = None,
    every: Annotated[
        str | None, typer.Option("--every", help="Declared sampling interval, such as 20m; else derived from readings.")
    ] = None,
    lang: Lang = None,
    json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Write the account of readings (完整率): expected, received, missing by device and day; what the broker lost."""
    if out is None and not json:
        raise InputError("--out: missing; give a file such as completeness.xlsx, or --json")
    with Context.of(context, create=False) as opened:
        first, last = _days(opened, start, end, on)
        opened.register  # noqa: B018 - imports site.points where it has changed
        request = CompletenessReport(
            first=first,
            last=last,
            zone=opened.zone,
            now=opened.clock.now(),
            seasons=opened.settings.site.season_dates,
            declared_min=_minutes(every),
            retention_days=opened.settings.store.retention_days,
            site_name=opened.settings.site.name,
            language=lang or opened.language,
        )
        if out is None:
            numbers = completeness_statement(request, opened.store, opened.ledger)
        else:
            numbers = write_completeness_report(request, opened.store, opened.ledger, out)
            note(f"{out} written")
    if json:
        print_json(numbers)


def _minutes(every: str | None) -> float | None:
    if every is None:
        return None
    minutes = duration("--every", every) / 60
    if minutes <= 0:
        raise InputError(f"--every: {every!r}; an interval is longer than nothing")
    return minutes


def _days(opened: Context, start: str | None, end: str | None, on: str | None) -> tuple[date, date]:
    """Return first and last local day; without any option, yesterday."""
    if on is not None:
        if start is not None or end is not None:
            raise InputError("--date: give either --date or --from with --to, not both")
        return _date("--date", on), _date("--date", on)
    if start is None and end is None:
        yesterday = opened.clock.now().astimezone(opened.zone).date() - timedelta(days=1)
        return yesterday, yesterday
    if start is None or end is None:
        raise InputError(f"{'--to' if end is None else '--from'}: missing; --from and --to go together")
    first, last = _date("--from", start), _date("--to", end)
    if first > last:
        raise InputError(f"--from: {start!r} is after --to {end!r}")
    return first, last


def _date(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InputError(f"{option}: {text!r} is no day; give one such as 2026-11-22") from None


def _hours(text: str) -> tuple[int, ...]:
    hours = text.split(",")
    if not all(hour.strip().isdecimal() and int(hour) < _HOURS_A_DAY for hour in hours):
        raise InputError(f"--hours: {text!r}; give hours of the day, 0 to 23, such as 8,12,20")
    return tuple(int(hour) for hour in hours)
