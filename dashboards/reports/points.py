"""The measurement-point report (测温报表): every designated point, day by day (S2 §8(3), §8(7)).

It reads readings, one day at a time, and not the rows of `room_hour`: the value that held at a full hour, the mean by
time and the hours with a value are no sums of hourly figures, and an hour that an outage cuts has no figure of its own.
So memory holds the readings of one day, however long the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dashboards.floors import day_window, floor_of
from dashboards.places import home_lines, place_id
from heating.point_day import PointDay, Stretch, point_day
from dashboards.reports.expected import Seasons, in_season
from dashboards.reports.paper import Column, Look, Paper, Row, Sheet
from dashboards.reports.words import text
from dashboards.reports.writers import write_paper
from heating.errors import InputError
from heating.instants import local_midnight, to_ms
from heating.ledger.port import Ledger
from heating.reading import Bools, Floats
from heating.regulation import Profile
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
    sheets = []
    for day in days:
        stretches = _stretches(request, points, outages, day)
        numbers = _load(request, store, points, stretches, day)
        sheets.append(_sheet(request, points, numbers, day, stretches))
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


def _load(
    request: PointsReport,
    store: ReadingStore,
    points: Sequence[MeasurementPoint],
    stretches: tuple[Stretch, ...],
    day: date,
) -> PointDay:
    hold_ms = int(request.stale_after_min * 60_000)
    series = store.series([p.point_id for p in points], stretches[0].start_ms - hold_ms, stretches[-1].end_ms)
    hours = [to_ms(datetime.combine(day, time(hour), tzinfo=request.zone)) for hour in request.hours]
    return point_day(series, np.array(hours, dtype=np.int64), stretches, hold_ms)


def _stretches(
    request: PointsReport, points: Sequence[MeasurementPoint], outages: Sequence[Outage], day: date
) -> tuple[Stretch, ...]:
    """Cut a local day where the floor or an outage changes."""
    start, end = (to_ms(local_midnight(d, request.zone)) for d in (day, day + timedelta(days=1)))
    by_day, by_night = day_window(request.profile, day, request.zone)
    spans = [(to_ms(o.start), to_ms(o.end) if o.end else end, _under(o, points)) for o in outages]
    spans = [span for span in spans if span[0] < end and span[1] > start]
    cuts = sorted({start, end, by_day, by_night, *(ms for span in spans for ms in span[:2] if start < ms < end)})
    idle = not in_season(day, request.seasons)
    suspended = np.array([idle or p.heating_state is HeatingState.SUSPENDED for p in points], dtype=np.bool_)
    floors = {is_day: _floors(request.profile, points, day=is_day) for is_day in (True, False)}
    stretches = []
    for a, b in pairwise(cuts):
        exempt = suspended.copy()
        for begin, finish, under in spans:
            if begin <= a and b <= finish:
                exempt |= under
        stretches.append(Stretch(a, b, floors[by_day <= a < by_night], exempt))
    return tuple(stretches)


def _floors(profile: Profile, points: Sequence[MeasurementPoint], *, day: bool) -> Floats:
    """Return the floors of a window, float64 (P,) [°C]; NaN where a contract is missing."""
    return np.array([floor_of(profile, point, day=day) for point in points], dtype=np.float64)


def _under(outage: Outage, points: Sequence[MeasurementPoint]) -> Bools:
    return np.array([place_id(p, outage.subject_type) == outage.subject_id for p in points], dtype=np.bool_)


def verdict(day: PointDay, index: int, day_h: float, confirm_min: float) -> str:
    """Return how a day of a point is judged: `unqualified`, `exempt`, `no_data`, `incomplete` or `qualified`."""
    if round(day.below_h[index] * 60, 3) >= confirm_min:
        return "unqualified"
    if day.exempt_h[index] >= day_h:
        return "exempt"
    if day.held_h[index] == 0:
        return "no_data"
    return "qualified" if day.held_h[index] + day.exempt_h[index] >= COVERAGE * day_h else "incomplete"


def _sheet(
    request: PointsReport,
    points: Sequence[MeasurementPoint],
    numbers: PointDay,
    day: date,
    stretches: tuple[Stretch, ...],
) -> Sheet:
    language = request.language
    day_h = (stretches[-1].end_ms - stretches[0].start_ms) / 3_600_000
    limits = [_floors(request.profile, points, day=is_day) for is_day in (True, False)]
    idle = not in_season(day, request.seasons)
    verdicts = [
        "season" if idle else "no_limit" if np.isnan(limits[0][i]) else verdict(numbers, i, day_h, request.confirm_min)
        for i in range(len(points))
    ]
    rows = [
        _row(request, point, numbers, (index, f"{limits[0][index]:g} / {limits[1][index]:g}", verdicts[index], day_h))
        for index, point in enumerate(points)
    ]
    judged = [v for v in verdicts if v in ("qualified", "unqualified")]
    good = judged.count("qualified")
    profile_name = request.profile.name if language is Language.ZH else request.profile.name_en
    summary = text("points_summary", language).format(
        points=len(points),
        judged=len(judged),
        good=good,
        rate=f"{int(good / len(judged) * 1000) / 10:.1f} %" if judged else "–",
    )
    return Sheet(
        name=day.isoformat(),
        title=f"{request.site_name} {text('points_title', language)} {day.isoformat()}".strip(),
        lines=(summary,),
        columns=_columns(request),
        rows=tuple(rows),
        notes=(
            text("points_basis", language).format(profile=profile_name, zone=request.zone.key),
            text("points_rule", language).format(
                minutes=f"{request.confirm_min:g}", coverage=f"{COVERAGE:.0%}", stale=f"{request.stale_after_min:g}"
            ),
            text("unsigned_invalid", language),
        ),
        signatures=tuple(text(key, language) for key in ("inspector_signature", "checked_by", "report_date")),
        row_height=8.0,
    )


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
