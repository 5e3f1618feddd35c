"""The measurement-point report (测温报表): every designated point, day by day (S2 §8(3), §8(7)).

Its figures are the rows of `room_day` as far as those hold, else worked out from readings (`dashboards.reports.days`):
the same figures either way, so that a season is not read reading by reading. `below_min` of a row is by the floors
and exemptions in force when it was written; where others are in force now, the day of that point is judged anew, so
that floors, figures and verdict of a line are always of one rule. Rows of the tables are made when they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dashboards.floors import day_window, floor_of
from dashboards.places import home_lines, place_id
from dashboards.reports.days import DayFigures, DayRule, DaysLoader
from dashboards.reports.expected import Seasons, in_season
from dashboards.reports.paper import Column, Look, MadeRows, Paper, Row, Sheet
from dashboards.reports.words import text
from dashboards.reports.writers import write_paper
from heating.errors import InputError
from heating.instants import to_ms
from heating.ledger.port import Ledger
from heating.point_day import PointDay, Stretch, day_bounds
from heating.reading import Bools, Floats
from heating.regulation import Profile
from heating.rolled_up import DayBasis
from heating.site import HeatingState, MeasurementPoint, Outage, PointKind
from heating.store.port import ReadingStore
from heating.words import Language

# Share of a day that must have a value before the day is called qualified (assumption; silence is not warmth).
COVERAGE = 0.75
_MOST_DAYS = 366


class PointsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What to report.

    Attributes
    ----------
    first, last
        Local days, both included.
    hours
        Local hours at which the value that holds is shown.
    profile
        The rule that says qualified or not.
    confirm_min
        A day is unqualified from this many minutes below the floor on (`analyzer.confirm_min`).
    building
        Id of a building; None means all.
    seasons
        Heating seasons, first and last day included; days outside are not judged. None given: always in season.
    """

    first: date
    last: date
    profile: Profile
    zone: ZoneInfo
    site_name: str = ""
    language: Language = Language.ZH
    hours: tuple[int, ...] = (2, 6, 8, 12, 16, 20, 22)
    stale_after_min: float = 90.0
    confirm_min: float = 30.0
    building: str | None = None
    seasons: Seasons = ()


def write_points_report(request: PointsReport, store: ReadingStore, ledger: Ledger, out: Path) -> None:
    """Write the report to a file whose suffix names the format.

    Raises
    ------
    InputError
        If days or hours make no sense, no point is meant, or the file cannot be written.
    """
    write_paper(points_paper(request, store, ledger), out)


def points_paper(request: PointsReport, store: ReadingStore, ledger: Ledger) -> Paper:
    """Return the report as data."""
    days = _days(request)
    points = sorted((p for p in ledger.places.register().points if _meant(p, request)), key=_place)
    if not points:
        raise InputError(f"no measurement points{f' in building {request.building}' if request.building else ''}")
    outages = ledger.places.outages()
    floors = [_floors(request.profile, points, day=is_day) for is_day in (True, False)]
    rules = [DayRule(day, _stretches(request, points, outages, (day, floors)), *floors) for day in days]
    basis = DayBasis.of(request.profile, request.zone, int(request.stale_after_min * 60_000))
    loader = DaysLoader(store, ledger, [p.point_id for p in points], request.hours, basis)
    sheets = [_Day(request, points, found).sheet() for found in loader.load(rules, some=request.building is not None)]
    return Paper(title=text("points_title", request.language), language=request.language, sheets=tuple(sheets))


def _days(request: PointsReport) -> list[date]:
    count = (request.last - request.first).days + 1
    if not 1 <= count <= _MOST_DAYS:
        raise InputError(f"from {request.first} to {request.last}: wants 1 to {_MOST_DAYS} days")
    if not request.hours or not all(0 <= hour < 24 for hour in request.hours):
        raise InputError(f"hours = {request.hours}: wants hours of the day, 0 to 23")
    return [request.first + timedelta(days=i) for i in range(count)]


def _meant(point: MeasurementPoint, request: PointsReport) -> bool:
    return point.kind is PointKind.ROOM and request.building in (None, point.building_id)


def _place(point: MeasurementPoint) -> tuple[str, tuple[int, str], str, int, str, str]:
    number = int(point.building) if point.building.isdecimal() else 1_000_000
    return point.station, (number, point.building), point.unit, point.floor or 0, point.room, point.point_id


def _stretches(
    request: PointsReport,
    points: Sequence[MeasurementPoint],
    outages: Sequence[Outage],
    what: tuple[date, Sequence[Floats]],
) -> tuple[Stretch, ...]:
    """Cut a local day where the floor (by day, by night) or an outage changes."""
    day, (floor_day, floor_night) = what
    start, end = day_bounds(day, request.zone)
    by_day, by_night = day_window(request.profile, day, request.zone)
    near = [o for o in outages if to_ms(o.start) < end and (o.end is None or to_ms(o.end) > start)]
    spans = [(to_ms(o.start), to_ms(o.end) if o.end else end, _under(o, points)) for o in near]
    cuts = sorted({start, end, by_day, by_night, *(ms for span in spans for ms in span[:2] if start < ms < end)})
    idle = not in_season(day, request.seasons)
    suspended = np.array([idle or p.heating_state is HeatingState.SUSPENDED for p in points], dtype=np.bool_)
    stretches = []
    for a, b in pairwise(cuts):
        exempt = suspended.copy()
        for begin, finish, under in spans:
            if begin <= a and b <= finish:
                exempt |= under
        stretches.append(Stretch(a, b, floor_day if by_day <= a < by_night else floor_night, exempt))
    return tuple(stretches)


def _floors(profile: Profile, points: Sequence[MeasurementPoint], *, day: bool) -> Floats:
    """Return the floors of a window, float64 (P,) [°C]; NaN where a contract is missing."""
    return np.array([floor_of(profile, point, day=day) for point in points], dtype=np.float64)


def _under(outage: Outage, points: Sequence[MeasurementPoint]) -> Bools:
    return np.array([place_id(p, outage.subject_type) == outage.subject_id for p in points], dtype=np.bool_)


def verdict(day: PointDay, index: int, day_h: float, confirm_min: float) -> str:
    """Return how a day of a point is judged: `unqualified`, `exempt`, `no_data`, `incomplete` or `qualified`."""
    held_ms, exempt_ms, day_ms = day.held_ms[index], day.exempt_ms[index], day_h * 3_600_000
    if day.below_ms[index] >= confirm_min * 60_000:
        return "unqualified"
    if exempt_ms >= day_ms:
        return "exempt"
    if held_ms == 0:
        return "no_data"
    return "qualified" if held_ms + exempt_ms >= COVERAGE * day_ms else "incomplete"


class _Day:
    """Turns the figures of a day into a sheet, whose rows are made when they are written."""

    def __init__(self, request: PointsReport, points: Sequence[MeasurementPoint], found: DayFigures) -> None:
        self._request = request
        self._points = points
        self._found = found
        start_ms, end_ms = found.rule.bounds
        self._day_h = (end_ms - start_ms) / 3_600_000
        self._idle = not in_season(found.rule.day, request.seasons)

    def sheet(self) -> Sheet:
        """Return the sheet."""
        request, language, day = self._request, self._request.language, self._found.rule.day
        return Sheet(
            name=day.isoformat(),
            title=f"{request.site_name} {text('points_title', language)} {day.isoformat()}".strip(),
            lines=(self._summary(),),
            columns=_columns(request),
            rows=MadeRows(range(len(self._points)), self._row),
            notes=self._notes(),
            signatures=tuple(text(key, language) for key in ("inspector_signature", "checked_by", "report_date")),
            row_height=8.0,
        )

    def _notes(self) -> tuple[str, ...]:
        request, language = self._request, self._request.language
        name = request.profile.name if language is Language.ZH else request.profile.name_en
        kept = int(self._found.kept.sum())
        return (
            text("points_basis", language).format(profile=name, zone=request.zone.key),
            text("points_rule", language).format(
                minutes=f"{request.confirm_min:g}", coverage=f"{COVERAGE:.0%}", stale=f"{request.stale_after_min:g}"
            ),
            *([text("points_kept", language).format(points=kept)] if kept else []),
            text("unsigned_invalid", language),
        )

    def _summary(self) -> str:
        judged = [v for v in map(self._verdict, range(len(self._points))) if v in ("qualified", "unqualified")]
        good = judged.count("qualified")
        return text("points_summary", self._request.language).format(
            points=len(self._points),
            judged=len(judged),
            good=good,
            rate=f"{int(good / len(judged) * 1000) / 10:.1f} %" if judged else "–",
        )

    def _verdict(self, index: int) -> str:
        if self._idle:
            return "season"
        if np.isnan(self._found.rule.floor_day_c[index]):
            return "no_limit"
        return verdict(self._found.figures, index, self._day_h, self._request.confirm_min)

    def _row(self, index: int) -> Row:
        rule = self._found.rule
        limits = f"{rule.floor_day_c[index]:g} / {rule.floor_night_c[index]:g}"
        judged = (index, limits, self._verdict(index), self._day_h)
        return _row(self._request, self._points[index], self._found.figures, judged)


def _columns(request: PointsReport) -> tuple[Column, ...]:
    def say(key: str) -> str:
        return text(key, request.language)

    return (
        Column(say("number"), 8, Look.COUNT),
        Column(say("point_id"), 19),
        Column(say("place"), 33),
        Column(say("floor"), 11, Look.COUNT),
        Column(say("floors_in_force"), 17, Look.CENTRE),
        *(Column(f"{hour:02d}:00", 11, Look.DEGREES) for hour in request.hours),
        Column(say("min"), 11, Look.DEGREES),
        Column(say("mean"), 11, Look.DEGREES),
        Column(say("max"), 11, Look.DEGREES),
        Column(say("below_h"), 14, Look.HOURS),
        Column(say("silent_h"), 13, Look.HOURS),
        Column(say("verdict"), 19, Look.CENTRE),
        Column(say("inspector_sign"), 19, Look.BLANK),
        Column(say("resident_sign"), 19, Look.BLANK),
    )


def _row(request: PointsReport, point: MeasurementPoint, day: PointDay, judged: tuple[int, str, str, float]) -> Row:
    index, limits, found, day_h = judged
    building, room = home_lines(point, request.language)
    hours = tuple(_number(value) for value in day.at_hours[index])
    cells = (
        index + 1,
        point.point_id,
        f"{building}\n{room} {point.space}".strip(),
        point.floor,
        limits.replace("nan", "–"),
        *hours,
        *(_number(column[index]) for column in (day.min_c, day.mean_c, day.max_c)),
        float(day.below_h[index]),
        max(0.0, day_h - float(day.held_h[index])),
        text(found, request.language),
        None,
        None,
    )
    verdict_at = 5 + len(hours) + 5
    return Row(cells, frozenset({verdict_at, verdict_at - 2}) if found == "unqualified" else frozenset())


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
