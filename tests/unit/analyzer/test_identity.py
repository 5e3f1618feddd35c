"""Ids stay with their finding when data moves its ends (contract §6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analyzer.identity import RETRACTED, recognise, reconcile
from heating.finding import Finding, FindingKind, Subject, derived_id
from heating.site import SubjectType

T0 = datetime(2026, 11, 22, tzinfo=UTC)
NOW = T0 + timedelta(days=1)
SUBJECT = Subject(SubjectType.POINT, "P")


def at(hour: float) -> datetime:
    return T0 + timedelta(hours=hour)


def finding(start: float, end: float | None, *, confirmed: bool = False, minutes: float = 0) -> Finding:
    return Finding(
        id=derived_id(FindingKind.COLD_HOME, SUBJECT, at(start)),
        kind=FindingKind.COLD_HOME,
        subject=SUBJECT,
        start=at(start),
        end=None if end is None else at(end),
        confirmed=confirmed,
        evidence={"minutes_below": minutes},
    )


def recorded(*findings: Finding, hour: float = 12) -> list[Finding]:
    return reconcile(findings, [], at(hour))


def test_a_new_finding_is_detected_now() -> None:
    (new,) = recorded(finding(1, None))
    assert new.detected_at == at(12)


def test_the_same_again_is_not_recorded_though_its_evidence_grows() -> None:
    known = recorded(finding(1, None, minutes=10))
    assert reconcile([finding(1, None, minutes=20)], known, NOW) == []
    (ended,) = reconcile([finding(1, 3, minutes=30)], known, NOW)
    assert (ended.id, ended.end, ended.evidence) == (known[0].id, at(3), {"minutes_below": 30})


def test_an_order_could_not_be_known_before_the_breach_was_confirmed() -> None:
    known = recorded(finding(1, None))
    (confirmed,) = reconcile([finding(1, None, confirmed=True)], known, NOW)
    assert (confirmed.id, confirmed.detected_at) == (known[0].id, NOW)


def test_a_start_that_moves_keeps_the_id() -> None:
    known = recorded(finding(2, 4))
    (moved,) = reconcile([finding(1, 4)], known, NOW)
    assert (moved.id, moved.start, moved.detected_at) == (known[0].id, at(1), at(12))


def test_a_merge_keeps_the_id_given_first_and_retracts_the_other() -> None:
    older, younger = recorded(finding(5, 6), hour=6)[0], recorded(finding(1, 2), hour=9)[0]
    changed = {f.id: f for f in reconcile([finding(1, 6)], [older, younger], NOW)}
    assert changed[older.id].start == at(1)
    assert (changed[younger.id].ended_by, changed[younger.id].end) == (RETRACTED, at(1))


def test_a_split_keeps_the_id_on_the_earlier_part() -> None:
    (known,) = recorded(finding(1, 6))
    first, second = sorted(reconcile([finding(1, 2), finding(4, 6)], [known], NOW), key=lambda f: f.start)
    assert first.id == known.id
    assert second.id != known.id


def test_what_vanished_is_retracted() -> None:
    (known,) = recorded(finding(1, None))
    (gone,) = reconcile([], [known], NOW)
    assert (gone.id, gone.end, gone.ended_by) == (known.id, known.start, RETRACTED)


def apart(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Lay (gap, length) one after the other: the breaches of a point never overlap or touch."""
    ends = [sum(map(sum, rows[: index + 1])) for index in range(len(rows))]
    return [(end - length, end) for end, (_, length) in zip(ends, rows, strict=True)]


stretches = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 6)), max_size=6).map(apart)


@given(stretches, stretches, st.randoms())
def test_the_ledger_always_comes_to_what_was_computed(
    before: list[tuple[int, int]], after: list[tuple[int, int]], shuffler
) -> None:
    ledger = {f.id: f for f in recorded(*(finding(a, b) for a, b in before))}
    computed = [finding(a, b) for a, b in after]
    changed = reconcile(computed, ledger.values(), NOW)
    mixed, known = computed.copy(), list(ledger.values())
    shuffler.shuffle(mixed)
    shuffler.shuffle(known)
    assert reconcile(mixed, known, NOW) == changed
    ledger |= {f.id: f for f in changed}
    standing = [f for f in ledger.values() if f.ended_by != RETRACTED]
    assert sorted((f.start, f.end) for f in standing) == [(at(a), at(b)) for a, b in after]
    assert reconcile(computed, standing, NOW) == []


def test_what_the_ledger_knows_is_shown_under_its_id() -> None:
    (known,) = recorded(finding(1, 5))
    again, other = recognise([finding(2, 6), finding(8, None)], [known])
    assert (again.id, again.detected_at, again.start) == (known.id, known.detected_at, at(2))
    assert other == finding(8, None)
