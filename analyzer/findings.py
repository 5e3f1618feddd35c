"""Episodes as findings (contract §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from analyzer.compliance import Judgement, Rule, Silences
from analyzer.episodes import EndedBy, Episodes
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.floors import DECIMALS
from heating.finding import Cause, Finding, FindingKind, Scope, Severity, Side, Subject, derived_id, severity_of
from heating.instants import from_ms
from heating.reading import Bools
from heating.regulation import Profile
from heating.site import SubjectType

_ENDED = {
    EndedBy.WARM: None,
    EndedBy.FLOOR: "floor",
    EndedBy.SEASON: "season",
    EndedBy.OUTAGE: "outage",
    EndedBy.COLD: "cold",
}
_HOUR_MS = 3_600_000
_DATA = Cause(Scope.SENSOR, Side.DATA, 1.0)


def findings_of(estate: Estate, judgement: Judgement, rule: Rule, profile: Profile) -> list[Finding]:
    """Return all findings about single points, by kind, point and start."""
    clauses = {rule.home_classes: rule.clause.cite for rule in profile.floors}
    by_class = {home_class: cite for classes, cite in clauses.items() for home_class in classes}
    cite = [by_class[p.home_class] for p in estate.rooms]

    def grade(kind: FindingKind, deficit_k: float, min_c: float) -> Severity:
        return severity_of(deficit_k, min_c) if kind is FindingKind.COLD_HOME else Severity.MINOR

    found: list[Finding] = []
    for kind, episodes in (
        (FindingKind.COLD_HOME, judgement.cold),
        (FindingKind.BELOW_TARGET, judgement.below_target),
    ):
        found += _from_episodes(estate, kind, episodes, (cite, grade))
    return found + list(_from_silences(estate, judgement.silent, rule))


Grading = Callable[[FindingKind, float, float], Severity]


def _from_episodes(
    estate: Estate, kind: FindingKind, episodes: Episodes, words: tuple[list[str], Grading]
) -> Iterator[Finding]:
    cite, grade = words
    columns = (
        episodes.point, episodes.start_ms, episodes.end_ms, episodes.confirmed_ms, episodes.ended_by,
        episodes.below_ms, episodes.degree_ms, episodes.min_c, episodes.deficit_k, episodes.readings,
    )  # fmt: skip
    for point, start_ms, end_ms, confirmed_ms, ended_by, below, degree, min_c, deficit, readings in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        subject, start = Subject(SubjectType.POINT, estate.ids[point]), from_ms(start_ms)
        confirmed = kind is FindingKind.COLD_HOME and confirmed_ms != FOREVER
        deficit_k = round(deficit, DECIMALS)
        evidence: dict[str, Any] = {
            "min_c": min_c,
            "deficit_k": deficit_k,
            "minutes_below": round(below / 60_000, 3),
            "degree_hours": round(degree / _HOUR_MS, 3),
            "readings": int(readings),
            "clause": cite[point],
        }
        yield Finding(
            id=derived_id(kind, subject, start),
            kind=kind,
            subject=subject,
            start=start,
            end=None if end_ms == FOREVER else from_ms(end_ms),
            confirmed=confirmed,
            confirmed_at=from_ms(confirmed_ms) if confirmed else None,
            severity=grade(kind, deficit_k, min_c),
            ended_by=_ENDED[EndedBy(ended_by)],
            evidence=evidence,
        )


def _from_silences(estate: Estate, silent: Silences, rule: Rule) -> Iterator[Finding]:
    """Return silences that begin while the point is judged: nobody waits for a sensor out of season."""
    rows = np.flatnonzero(~_exempt_at_start(silent, rule))
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


def _exempt_at_start(silent: Silences, rule: Rule) -> Bools:
    exempt = rule.exempt
    inside = exempt.suspended[silent.point]
    for start, end in zip(exempt.off_start_ms, exempt.off_end_ms, strict=True):
        inside |= (start <= silent.start_ms) & (silent.start_ms < end)
    concerned = np.flatnonzero(np.isin(silent.point, exempt.owner))
    for row in concerned.tolist():
        mine = exempt.owner == silent.point[row]
        at = silent.start_ms[row]
        inside[row] |= bool(np.any(mine & (exempt.start_ms <= at) & (at < exempt.end_ms)))
    return inside
