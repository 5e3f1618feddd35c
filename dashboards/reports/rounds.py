"""The list of a round (测温走访单): homes to visit, ranked, with room to write (S2 §8, S0 四查)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from dashboards.homes import HomeRow, priority_reasons
from dashboards.places import home_lines
from dashboards.reports.paper import Column, Look, Paper, Row, Sheet
from dashboards.reports.words import text
from dashboards.reports.writers import write_paper
from dashboards.snapshot import JudgingRules, Snapshot, load_snapshot
from heating.finding import Status
from heating.inspection import Conditions
from heating.ledger.port import Ledger
from heating.store.port import ReadingStore
from heating.words import Language

# The order of a round: what is sure and cold, what is cold, what cannot be trusted, what is silent.
_ORDER = (Status.COLD, Status.SUSPECT, Status.UNKNOWN)


class RoundsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What to list.

    Attributes
    ----------
    at
        The instant whose state is listed.
    limit
        Homes at most; a tester of Beijing visits about 30 in a round.
    station
        Id of a station; None means all.
    """

    at: datetime
    zone: ZoneInfo
    site_name: str = ""
    language: Language = Language.ZH
    rules: JudgingRules = JudgingRules()
    conditions: Conditions = Conditions()
    limit: int = 30
    station: str | None = None


def write_rounds_report(request: RoundsReport, store: ReadingStore, ledger: Ledger, out: Path) -> None:
    """Write the list to a file whose suffix names the format; it holds personal data, since a visit needs them.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    write_paper(rounds_paper(request, store, ledger), out)


def rounds_paper(request: RoundsReport, store: ReadingStore, ledger: Ledger) -> Paper:
    """Return the list as data."""
    snapshot = load_snapshot(store, ledger, request.at, request.rules)
    homes = to_visit(snapshot, request)
    rows = [_row(request, snapshot, ledger, number, home) for number, home in enumerate(homes[: request.limit], 1)]
    language = request.language
    head = text("rounds_head", language).format(
        at=request.at.astimezone(request.zone).strftime("%Y-%m-%d %H:%M"),
        listed=len(rows),
        of=len(homes),
        outdoor="–" if snapshot.outdoor_c is None else f"{snapshot.outdoor_c:.1f}",
    )
    title = text("rounds_title", language)
    sheet = Sheet(
        name=title,
        title=f"{request.site_name} {title}".strip(),
        lines=(head, text("rounds_fill", language)),
        columns=_columns(request),
        rows=tuple(rows),
        notes=(_conditions(request), text("unsigned_invalid", language), text("rounds_private", language)),
        signatures=tuple(text(key, language) for key in ("inspector_signature", "badge", "report_date")),
        row_height=13.5,
    )
    return Paper(title=title, language=language, sheets=(sheet,))


def to_visit(snapshot: Snapshot, request: RoundsReport) -> list[HomeRow]:
    """Return the homes of a round, ranked.

    Cold ones in the order of contract §6, then those that cannot be trusted, then silent ones; of these low floors
    and network ends first (S0 四查).
    """

    def key(row: HomeRow) -> tuple[int, int, int, str]:
        reasons = priority_reasons(snapshot.register.by_id[row.point_id], request.rules.low_floors)
        rank = row.rank if row.rank is not None else 0
        return _ORDER.index(row.status), rank, -len(reasons), row.home

    rows = (r for r in snapshot.homes if r.status in _ORDER and request.station in (None, r.station))
    return sorted(rows, key=key)


def _columns(request: RoundsReport) -> tuple[Column, ...]:
    def say(key: str) -> str:
        return text(key, request.language)

    height = f"{request.conditions.height_m:g}±{request.conditions.height_tolerance_m:g}\N{NO-BREAK SPACE}m"
    return (
        Column(say("number"), 8, Look.COUNT),
        Column(say("place"), 34),
        Column(say("contact"), 26),
        Column(say("found"), 40),
        Column(say("sensor_now"), 14, Look.DEGREES),
        Column(say("arrival"), 15, Look.BLANK),
        Column(say("measured_as").format(height=height, minutes=f"{request.conditions.closed_min:g}"), 26),
        Column(say("instrument"), 22, Look.BLANK),
        Column(say("hand_held"), 15, Look.BLANK),
        Column(say("sensor_then"), 15, Look.BLANK),
        Column(say("opinion"), 26, Look.BLANK),
        Column(say("resident_sign"), 19, Look.BLANK),
        Column(say("inspector_sign"), 19, Look.BLANK),
        Column(say("outcome"), 19),
    )


def _row(request: RoundsReport, snapshot: Snapshot, ledger: Ledger, number: int, row: HomeRow) -> Row:
    language = request.language
    point = snapshot.register.by_id[row.point_id]
    contact = ledger.places.contact(row.point_id)
    building, room = home_lines(point, language)
    where = (building, f"{room} {point.space}".strip(), contact.address)
    return Row(
        (
            number,
            "\n".join(part for part in where if part),
            "\n".join(part for part in (contact.name, contact.phone) if part),
            _found(request, snapshot, row),
            row.temperature_c,
            None,
            text("boxes", language),
            None,
            None,
            None,
            None,
            None,
            None,
            text("outcomes", language),
        ),
        frozenset({3}) if row.confirmed else frozenset(),
    )


def _found(request: RoundsReport, snapshot: Snapshot, row: HomeRow) -> str:
    """Return why a home is on the list: state and deficit, since when, what raises it."""
    language = request.language
    why = "" if row.why is None else text(row.why, language)
    lines = [f"{text('confirmed_cold' if row.confirmed else row.status.value, language)} {why}".strip()]
    measured = [] if row.deficit_k is None else [f"−{row.deficit_k:.1f} K"]
    when = row.since or (row.last_reading_at if row.status is Status.UNKNOWN else None)
    if when is not None:
        key = "since_when" if row.since else "last_heard"
        measured.append(text(key, language).format(when=when.astimezone(request.zone).strftime("%m-%d %H:%M")))
    lines += [" ".join(measured)] if measured else []
    raised: Sequence[str] = priority_reasons(snapshot.register.by_id[row.point_id], request.rules.low_floors)
    if raised:
        lines.append(("、" if language is Language.ZH else ", ").join(text(r, language) for r in raised))
    return "\n".join(lines)


def _conditions(request: RoundsReport) -> str:
    conditions = request.conditions
    return text("rounds_conditions", request.language).format(
        height=f"{conditions.height_m:g}±{conditions.height_tolerance_m:g}", minutes=f"{conditions.closed_min:g}"
    )
