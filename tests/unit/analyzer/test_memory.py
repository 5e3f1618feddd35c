"""A shared cause lasts as long as its breaches and keeps its id, beginning and members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from analyzer.identity import reconcile
from analyzer.memory import settle_shared
from heating.finding import Cause, Finding, FindingKind, Scope, Side, Subject, derived_id
from heating.site import SubjectType

T0 = datetime(2026, 11, 22, tzinfo=UTC)
END = Cause(Scope.BRANCH_END, Side.NETWORK, 0.9)
HOME = Cause(Scope.HOME, Side.INDOOR, 0.5)
BRANCH = Subject(SubjectType.BRANCH, "S/B")


def at(hour: float) -> datetime:
    return T0 + timedelta(hours=hour)


def breach(point: str, start: float, end: float | None = None, parent: Finding | None = None) -> Finding:
    subject = Subject(SubjectType.POINT, point)
    return Finding(
        id=derived_id(FindingKind.COLD_HOME, subject, at(start)),
        kind=FindingKind.COLD_HOME,
        subject=subject,
        start=at(start),
        end=None if end is None else at(end),
        cause=None if end is not None else (END if parent else HOME),
        parent=parent.id if parent else None,
    )


def shared(start: float, *members: str) -> Finding:
    return Finding(
        id=derived_id(FindingKind.HORIZONTAL_IMBALANCE, BRANCH, at(start)),
        kind=FindingKind.HORIZONTAL_IMBALANCE,
        subject=BRANCH,
        start=at(start),
        cause=END,
        members=members,
    )


class Ledger:
    def __init__(self) -> None:
        self.rows: dict[str, Finding] = {}

    def sweep(self, hour: float, breaches: list[Finding], groups: list[Finding]) -> list[Finding]:
        known = list(self.rows.values())
        standing = [f for f in known if f.subject.type is SubjectType.POINT or f.end is None]
        children, parents = settle_shared(breaches, groups, standing, at(hour))
        changed = reconcile([*children, *parents], standing, at(hour))
        self.rows |= {f.id: f for f in changed}
        return changed

    @property
    def cause(self) -> Finding:
        (one,) = [f for f in self.rows.values() if f.subject == BRANCH]
        return one


def test_a_shared_cause_lives_with_its_breaches() -> None:
    ledger = Ledger()
    group = shared(1, "P1", "P2", "P3")
    ledger.sweep(2, [breach(p, 1, parent=group) for p in group.members], [group])
    first = ledger.cause
    assert {f.parent for f in ledger.rows.values() if f.parent} == {first.id}

    # P1 is warm again and P4 joins: the beginning and the members stay, the id too.
    later = shared(1.5, "P2", "P3", "P4")
    breaches = [breach("P1", 1, 3), *(breach(p, 1.5 if p == "P4" else 1, parent=later) for p in later.members)]
    ledger.sweep(4, breaches, [later])
    assert (ledger.cause.id, ledger.cause.start) == (first.id, at(1))
    assert ledger.cause.members == ("P1", "P2", "P3", "P4")

    # The comparison sees it no more, yet P2 is still cold: nothing is said anew.
    ended = [breach(p, 1.5 if p == "P4" else 1, 5) for p in ("P3", "P4")]
    ledger.sweep(6, [breach("P1", 1, 3), breach("P2", 1), *ended], [])
    assert ledger.cause.end is None
    p2 = next(f for f in ledger.rows.values() if f.subject.id == "P2")
    assert (p2.cause, p2.parent) == (END, first.id)
    assert ledger.sweep(7, [breach("P1", 1, 3), breach("P2", 1), *ended], []) == []

    # The last breach ends, and the cause with it.
    ledger.sweep(9, [breach("P1", 1, 3), breach("P2", 1, 8), *ended], [])
    assert ledger.cause.end == at(8)
    assert all(f.cause == END for f in ledger.rows.values())


def test_a_home_of_its_own_cause_may_be_found_to_share_one() -> None:
    ledger = Ledger()
    ledger.sweep(2, [breach("P1", 1)], [])
    group = shared(1, "P1", "P2", "P3")
    ledger.sweep(3, [breach(p, 1 if p == "P1" else 2, parent=group) for p in group.members], [group])
    p1 = next(f for f in ledger.rows.values() if f.subject.id == "P1")
    assert (p1.cause, p1.parent) == (END, ledger.cause.id)
    assert msgspec.json.decode(msgspec.json.encode(p1), type=Finding) == p1
