"""One pass over given readings: the whole rule from arrays to the words of contract §7. No I/O.

::

    readings ─► judge ─► findings ─► causes ─┐
                  └────► states ─► priority ─┴─► Analysis
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from analyzer.attribution import Scene, attribute, instants_of
from analyzer.cause import CauseModel
from analyzer.compliance import Carry, Judgement, Rule, judge
from analyzer.estate import Estate
from analyzer.exemption import FOREVER, Exemptions, Season, exemptions_of
from analyzer.findings import Basis, findings_of
from analyzer.floors import DayWindows, floors_of
from analyzer.priority import Priority, prioritise
from analyzer.result import Analysis, HomeRow
from analyzer.settings import AnalyzerSettings
from analyzer.state import STATUSES, States, states_at
from heating.finding import Finding, Status
from heating.instants import from_ms, to_ms
from heating.reading import Floats, Ints, KindCode, ReadingSeries, ReadingTable
from heating.regulation import Profile
from heating.site import MeasurementPoint, Outage, SubjectType


@dataclass(frozen=True, slots=True)
class Rules:
    """What is judged by: the enterprise's profile, the city's beside it, the calendar of the site."""

    settings: AnalyzerSettings
    enterprise: Profile
    legal: Profile
    zone: ZoneInfo
    seasons: tuple[Season, ...] = ()
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Observations:
    """Event arrays: temperatures of all room points and supply temperatures of all entry points of an estate."""

    rooms: ReadingSeries
    supply: ReadingSeries = field(default_factory=lambda: _no_series(()))

    @classmethod
    def of_table(cls, estate: Estate, table: ReadingTable) -> Observations:
        """Sort the rows of a table to the points of the estate."""
        entries = tuple(p.point_id for p in estate.entries)
        return cls(
            _series(estate.ids, table, KindCode.ROOM, table.temperature_c),
            _series(entries, table, KindCode.ENTRY, table.supply_c),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """What is reported: [start, end]; `start` None begins with the first reading."""

    start: datetime | None
    end: datetime


@dataclass(frozen=True, slots=True)
class Pass:
    """Everything that one judgement found; `findings` begin with the breaches, in the order of their episodes."""

    rule: Rule
    judgement: Judgement
    states: States
    legal: States
    priority: Priority
    findings: list[Finding]


def analyze(estate: Estate, rules: Rules, observations: Observations, span: Span) -> Analysis:
    """Judge an estate and report the findings that meet the span, and every point at its end.

    Readings before the span carry their state into it; readings after it are not used.
    """
    end_ms = to_ms(span.end)
    outcome = run_pass(estate, rules, observations, end_ms)
    scene = Scene(estate, observations.rooms, observations.supply, rules.settings.stale_ms)
    cold = outcome.judgement.cold
    breaches, shared = attribute(
        scene, CauseModel(estate), cold, outcome.findings[: len(cold)], instants_of(cold, end_ms)
    )
    findings = [*breaches, *shared, *outcome.findings[len(cold) :]]
    start = span.start or from_ms(min(_first_ms(observations, end_ms), end_ms))
    met = [f for f in findings if f.start <= span.end and (f.end is None or f.end > start)]
    return Analysis(
        start=start.astimezone(rules.zone),
        to=span.end.astimezone(rules.zone),
        profile=rules.enterprise.id,
        legal=rules.legal.id,
        homes=home_rows(estate, outcome, rules.zone),
        findings=[_local(f, rules.zone) for f in met],
    )


def run_pass(estate: Estate, rules: Rules, observations: Observations, now_ms: int, carry: Carry | None = None) -> Pass:
    """Judge all points up to `now_ms`."""
    rooms = observations.rooms
    exempt = exemptions_of(estate.rooms, rules.outages, rules.seasons, rules.zone)
    start_ms = min(_first_ms(observations, now_ms), now_ms)
    rule = _rule(rules, rules.enterprise, estate.rooms, (exempt, start_ms, now_ms))
    legal = _rule(rules, rules.legal, estate.rooms, (exempt, now_ms, now_ms))
    judgement = judge(rooms, rule, now_ms, carry)
    states = states_at(rooms, rule, now_ms, judgement.cold)
    priority = prioritise(estate, states, rules.settings)
    return Pass(
        rule,
        judgement,
        states,
        states_at(rooms, legal, now_ms),
        priority,
        findings_of(estate, judgement, Basis(rule, rules.enterprise, priority)),
    )


def standing_since(estate: Estate, rules: Rules, observations: Observations, at_ms: int) -> dict[int, int]:
    """Return since when [ms] a breach or a time below the target stands at an instant, by index of the point."""
    exempt = exemptions_of(estate.rooms, rules.outages, rules.seasons, rules.zone)
    start_ms = min(_first_ms(observations, at_ms), at_ms)
    judgement = judge(
        observations.rooms, _rule(rules, rules.enterprise, estate.rooms, (exempt, start_ms, at_ms)), at_ms
    )
    since: dict[int, int] = {}
    for found in (judgement.cold, judgement.below_target):
        open_ = np.flatnonzero(found.end_ms > at_ms)
        for point, start_ms in zip(found.point[open_].tolist(), found.start_ms[open_].tolist(), strict=True):
            since[point] = min(start_ms, since.get(point, start_ms))
    return since


def _rule(
    rules: Rules, profile: Profile, points: Sequence[MeasurementPoint], extent: tuple[Exemptions, int, int]
) -> Rule:
    exempt, start_ms, end_ms = extent
    return Rule(
        floors_of(profile, points, rules.settings.clear_margin_k),
        DayWindows.between(profile, rules.zone, start_ms, end_ms),
        exempt,
        rules.settings.stale_ms,
        rules.settings.confirm_ms,
    )


def home_rows(estate: Estate, outcome: Pass, zone: ZoneInfo) -> list[HomeRow]:
    """Return one row a room point, in the order of the register."""
    states, priority = outcome.states, outcome.priority
    window = "day" if states.day else "night"
    home_ids = estate.grouping(SubjectType.HOME).ids
    columns = zip(
        estate.ids,
        estate.grouping(SubjectType.HOME).code.tolist(),
        states.status.tolist(),
        outcome.legal.status.tolist(),
        states.confirmed.tolist(),
        _nullable(states.value),
        _instants(states.measured_ms, -FOREVER, zone),
        _nullable(states.floor_c),
        _nullable(states.target_c),
        _nullable(states.deficit_k),
        _instants(states.since_ms, FOREVER, zone),
        _nullable(priority.score),
        priority.rank.tolist(),
        strict=True,
    )
    rows = []
    for index, row in enumerate(columns):
        point_id, home, status, legal, confirmed, value, measured_at, floor, target, deficit, since, score, rank = row
        cold = STATUSES[status] is Status.COLD
        rows.append(
            HomeRow(
                point_id=point_id,
                home=home_ids[home],
                status=STATUSES[status],
                confirmed=cold and confirmed,
                temperature_c=value,
                measured_at=measured_at,
                window=window,
                floor_c=floor,
                target_c=target,
                deficit_k=deficit,
                since=since if cold else None,
                legal_status=STATUSES[legal],
                rank=rank or None,
                score=score,
                reasons=priority.reasons(index) if cold else [],
                why=states.why.get(index),
            )
        )
    return rows


def _nullable(values: Floats) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # NaN is not itself


def _instants(at_ms: Ints, none: int, zone: ZoneInfo) -> list[datetime | None]:
    return [None if ms == none else from_ms(ms).astimezone(zone) for ms in at_ms.tolist()]


def _local(finding: Finding, zone: ZoneInfo) -> Finding:
    return msgspec.structs.replace(
        finding,
        start=finding.start.astimezone(zone),
        end=finding.end and finding.end.astimezone(zone),
        confirmed_at=finding.confirmed_at and finding.confirmed_at.astimezone(zone),
        detected_at=finding.detected_at and finding.detected_at.astimezone(zone),
    )


def _first_ms(observations: Observations, default: int) -> int:
    return int(observations.rooms.ts_ms.min()) if len(observations.rooms) else default


def _series(points: tuple[str, ...], table: ReadingTable, kind: KindCode, values: Floats) -> ReadingSeries:
    numbers = {point_id: index for index, point_id in enumerate(points)}
    owner = np.fromiter((numbers.get(point, -1) for point in table.point), np.int64, len(table))
    rows = np.flatnonzero((owner >= 0) & (table.kind == kind))
    if len(rows) == len(table):
        return ReadingSeries.of_rows(points, owner, table.ts_ms, values, table.quality)
    return ReadingSeries.of_rows(points, owner[rows], table.ts_ms[rows], values[rows], table.quality[rows])


def _no_series(points: tuple[str, ...]) -> ReadingSeries:
    nothing = np.empty(0, dtype=np.int64)
    return ReadingSeries(points, np.zeros(len(points) + 1, dtype=np.int64), nothing, np.empty(0), nothing)
