"""Episodes as findings (contract §7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.compliance import Judgement, Rule, Silences
from analyzer.episodes import EndedBy, Episodes
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.floors import DECIMALS
from analyzer.pieces import is_exempt
from analyzer.priority import Priority
from heating.finding import Cause, Finding, FindingKind, Scope, Severity, Side, Subject, derived_id, severity_of
from heating.instants import from_ms
from heating.regulation import Profile
from heating.site import HomeClass, SubjectType

_ENDED = {
    EndedBy.WARM: None,
    EndedBy.FLOOR: "floor",
    EndedBy.SEASON: "season",
    EndedBy.OUTAGE: "outage",
    EndedBy.COLD: "cold",
}
_HOUR_MS = 3_600_000
_DATA = Cause(Scope.SENSOR, Side.DATA, 1.0)


@dataclass(frozen=True, slots=True)
class Basis:
    """What findings are put into words with: limits, the profile's clauses, scores."""

    rule: Rule
    profile: Profile
    priority: Priority


def findings_of(estate: Estate, judgement: Judgement, basis: Basis) -> list[Finding]:
    """Return all findings about single points; breaches come first, in the order of their episodes."""
    return [
        *_from_episodes(estate, FindingKind.COLD_HOME, judgement.cold, basis),
        *_from_episodes(estate, FindingKind.BELOW_TARGET, judgement.below_target, basis),
        *_from_silences(estate, judgement.silent, basis.rule),
    ]


def _from_episodes(estate: Estate, kind: FindingKind, episodes: Episodes, basis: Basis) -> Iterator[Finding]:
    cite = {home_class: basis.profile.floor_rule(home_class).clause.cite for home_class in HomeClass}
    times = (episodes.point, episodes.start_ms, episodes.end_ms, episodes.confirmed_ms, episodes.ended_by)
    for row, (point, start_ms, end_ms, confirmed_ms, ended_by) in enumerate(
        zip(*(column.tolist() for column in times), strict=True)
    ):
        subject, start = Subject(SubjectType.POINT, estate.ids[point]), from_ms(start_ms)
        cold = kind is FindingKind.COLD_HOME
        confirmed = cold and confirmed_ms != FOREVER
        evidence = _figures(episodes, row) | {"clause": cite[estate.rooms[point].home_class]}
        if cold:
            evidence |= _priority(point, evidence["deficit_k"], evidence["min_c"], basis)
        yield Finding(
            id=derived_id(kind, subject, start),
            kind=kind,
            subject=subject,
            start=start,
            end=None if end_ms == FOREVER else from_ms(end_ms),
            confirmed=confirmed,
            confirmed_at=from_ms(confirmed_ms) if confirmed else None,
            severity=severity_of(evidence["deficit_k"], evidence["min_c"]) if cold else Severity.MINOR,
            ended_by=_ENDED[EndedBy(ended_by)],
            evidence=evidence,
        )


def _figures(episodes: Episodes, row: int) -> dict[str, Any]:
    """Return what was measured: lowest temperature, largest deficit, duration, degree-hours, readings."""
    return {
        "min_c": float(episodes.min_c[row]),
        "deficit_k": round(float(episodes.deficit_k[row]), DECIMALS),
        "minutes_below": round(float(episodes.below_ms[row]) / 60_000, 3),
        "degree_hours": round(float(episodes.degree_ms[row]) / _HOUR_MS, 3),
        "readings": int(episodes.readings[row]),
    }


def _priority(point: int, deficit_k: float, min_c: float, basis: Basis) -> dict[str, Any]:
    """Return what an order shows: the worst temperature with the floor that it missed, score and reasons."""
    floors = basis.rule.floors
    day, night = float(floors.day_c[point]), float(floors.night_c[point])
    floor = night if abs(night - min_c - deficit_k) < abs(day - min_c - deficit_k) else day
    return {
        "temperature_c": round(floor - deficit_k, DECIMALS),
        "floor_c": floor,
        "score": round(deficit_k * float(basis.priority.factor[point]), DECIMALS),
        "reasons": basis.priority.reasons(point),
    }


def _from_silences(estate: Estate, silent: Silences, rule: Rule) -> Iterator[Finding]:
    """Return silences that begin while the point is judged: nobody waits for a sensor out of season."""
    latest = int(silent.start_ms.max()) if len(silent.start_ms) else 0
    rows = np.flatnonzero(~is_exempt(silent.point, silent.start_ms, rule.exempt, latest))
    columns = (silent.point[rows], silent.start_ms[rows], silent.end_ms[rows])
    for point, start_ms, end_ms in zip(*(column.tolist() for column in columns), strict=True):
        subject, start = Subject(SubjectType.POINT, estate.ids[point]), from_ms(start_ms)
        yield Finding(
            id=derived_id(FindingKind.SILENT, subject, start),
            kind=FindingKind.SILENT,
            subject=subject,
            start=start,
            end=None if end_ms == FOREVER else from_ms(end_ms),
            cause=_DATA,
            evidence={"last_reading": from_ms(start_ms - rule.stale_ms).isoformat(timespec="milliseconds")},
        )
