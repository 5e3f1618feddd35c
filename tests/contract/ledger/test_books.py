"""Findings, orders and messages, on every adapter."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from contract.ledgerkit import T0, after, event, finding, notice, order

from heating.errors import OrderChanged
from heating.finding import Cause, FindingKind, Scope, Side, Subject
from heating.ledger import Ledger, open_ledger
from heating.order import OrderState, WorkOrder
from heating.rolled_up import HOUR_MS, DayBasis, Gap, RolledUp
from heating.site import SubjectType

MICRO = timedelta(microseconds=1)


def test_a_finding_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    full = finding(
        end=after(hours=1),
        confirmed=True,
        confirmed_at=after(minutes=30),
        detected_at=after(minutes=31),
        cause=Cause(Scope.BRANCH_END, Side.NETWORK, 0.9),
        parent="F12",
        members=("P1", "P7"),
        ended_by="floor",
    )
    ledger.findings.record([full], at=T0)
    assert ledger.findings.get("F1") == full
    assert ledger.findings.get("F2") is None


def test_only_news_enter_the_chain(ledger: Ledger) -> None:
    ledger.findings.record([finding(1), finding(2)], at=T0, reached=7)
    ledger.findings.record([finding(1), finding(2, confirmed=True)], at=T0, reached=9)
    ledger.findings.record([finding(1), finding(2, confirmed=True)], at=T0, reached=9)
    said = [(seq, f.id, f.confirmed) for seq, f in ledger.findings.recorded_after(0)]
    assert said == [(1, "F1", False), (2, "F2", False), (3, "F2", True)]
    assert [seq for seq, _ in ledger.findings.recorded_after(1, limit=1)] == [2]
    assert ledger.findings.reached() == 9


def test_of_which_time_rows_are_complete_is_kept_with_the_seq_reached(ledger: Ledger) -> None:
    assert ledger.findings.rolled_up() is None
    basis = DayBasis("Asia/Shanghai", 5_400_000, "06:00:00", "21:00:00")
    rolled_up = RolledUp(basis, 0, 10 * HOUR_MS, (Gap(0, HOUR_MS, ("P1",)),))
    ledger.findings.record([], at=T0, reached=3, rolled_up=rolled_up)
    assert (ledger.findings.reached(), ledger.findings.rolled_up()) == (3, rolled_up)
    ledger.findings.record([finding()], at=T0, reached=4)
    ledger.findings.record([], at=T0, rolled_up=rolled_up.through(11 * HOUR_MS))
    assert (ledger.findings.reached(), ledger.findings.rolled_up()) == (4, rolled_up.through(11 * HOUR_MS))
    assert ledger.chain.verify().broken_at is None


def test_one_call_may_say_more_than_once_what_changed(ledger: Ledger) -> None:
    ledger.findings.record([finding(), finding(confirmed=True), finding(end=after(hours=1))], at=T0)
    assert len(ledger.chain.entries()) == 3
    assert ledger.findings.get("F1") == finding(end=after(hours=1))
    assert ledger.chain.verify().broken_at is None


def test_intervals_are_half_open(ledger: Ledger) -> None:
    ledger.findings.record([finding(1, end=after(hours=1)), finding(2), finding(3, start=after(hours=2))], at=T0)

    def met(start: float, end: float) -> list[str]:
        return [f.id for f in ledger.findings.overlapping(after(hours=start), after(hours=end))]

    assert met(0, 1) == ["F1", "F2"]
    assert met(1, 2) == ["F2"]
    assert met(-1, 0) == []
    assert met(1, 3) == ["F2", "F3"]
    edge = ledger.findings.overlapping(after(hours=1) - MICRO, after(hours=1))
    assert [f.id for f in edge] == ["F1", "F2"]
    assert [f.id for f in ledger.findings.open()] == ["F2", "F3"]


def test_kinds_select(ledger: Ledger) -> None:
    ledger.findings.record([finding(1), finding(2, kind=FindingKind.SILENT)], at=T0)
    found = ledger.findings.overlapping(T0, after(days=1), kinds=[FindingKind.SILENT])
    assert [f.id for f in found] == ["F2"]
    assert ledger.findings.overlapping(T0, after(days=1), kinds=[]) == []


def test_a_retracted_finding_stays_in_the_chain_and_is_shown_no_more(ledger: Ledger) -> None:
    ledger.findings.record([finding()], at=T0)
    gone = finding(end=after(minutes=5), ended_by="retracted")
    ledger.findings.record([gone], at=T0)
    assert ledger.findings.overlapping(after(days=-1), after(days=1)) == []
    assert ledger.findings.open() == []
    assert ledger.findings.about(gone.subject) == []
    assert ledger.findings.get("F1") == gone
    assert [f for _, f in ledger.findings.recorded_after(0)] == [finding(), gone]


def test_findings_of_a_place(ledger: Ledger) -> None:
    here = Subject(SubjectType.BRANCH, "S1/B")
    ledger.findings.record(
        [finding(2, subject=here, start=after(hours=1)), finding(1, subject=here), finding(3)], at=T0
    )
    assert [f.id for f in ledger.findings.about(here)] == ["F1", "F2"]
    assert ledger.findings.about(Subject(SubjectType.POINT, "S1/B")) == []


def test_an_order_comes_back_with_the_history_of_the_chain(ledger: Ledger) -> None:
    opened = order(cause=Cause(Scope.RISER, Side.NETWORK, 0.5))
    ledger.orders.save(opened, opened.history, [], at=T0, cursor=41)
    issued = _with(opened, "issued", state=OrderState.ISSUED)
    ledger.orders.save(issued, issued.history[1:], [], at=T0)
    assert ledger.orders.get("W1") == issued
    assert ledger.orders.get("W2") is None
    assert ledger.orders.cursor() == 41
    ledger.orders.set_cursor(43)
    assert ledger.orders.cursor() == 43


def test_two_writers_of_an_order_notice_each_other(ledger: Ledger) -> None:
    opened = order()
    ledger.orders.save(opened, opened.history, [], at=T0)
    mine, theirs = _with(opened, "issued"), _with(opened, "note", text="waits")
    ledger.orders.save(theirs, theirs.history[1:], [], at=T0)
    with pytest.raises(OrderChanged):
        ledger.orders.save(mine, mine.history[1:], [notice()], at=T0, cursor=9)
    assert ledger.orders.get("W1") == theirs
    assert ledger.outbox.waiting() == 0
    assert ledger.orders.cursor() == 0


def test_to_save_the_very_same_again_changes_nothing(ledger: Ledger) -> None:
    opened = order()
    for _ in range(2):
        ledger.orders.save(opened, opened.history, [notice()], at=T0)
    assert ledger.orders.get("W1") == opened
    assert ledger.outbox.waiting() == 1


def test_a_save_is_whole_or_nothing(ledger: Ledger) -> None:
    opened = order()
    with pytest.raises(NotImplementedError):
        ledger.orders.save(opened, opened.history, [notice(body={"no": object()})], at=T0, cursor=5)
    assert ledger.orders.get("W1") is None
    assert ledger.chain.head().seq == 0
    assert ledger.orders.cursor() == 0


def test_orders_are_found(ledger: Ledger) -> None:
    late = order("W3", opened_at=after(hours=2), findings=("F1", "F3"))
    closed = order("W1", state=OrderState.CLOSED)
    for one in (late, closed, order("W2", opened_at=after(hours=1), findings=("F2",))):
        ledger.orders.save(one, one.history, [], at=T0)
    assert _ids(ledger.orders.unfinished()) == ["W2", "W3"]
    assert _ids(ledger.orders.covering(["F1", "F9"])) == ["W1", "W3"]
    assert _ids(ledger.orders.between(T0, after(hours=2))) == ["W1", "W2"]
    assert ledger.orders.covering([]) == []


def test_a_joined_finding_is_covered(ledger: Ledger) -> None:
    opened = order()
    ledger.orders.save(opened, opened.history, [], at=T0)
    joined = _with(opened, "joined", findings=("F1", "F7"))
    ledger.orders.save(joined, joined.history[1:], [], at=T0)
    assert _ids(ledger.orders.covering(["F7"])) == ["W1"]
    assert ledger.chain.verify().broken_at is None


def test_order_numbers_begin_anew_each_year(ledger: Ledger, ledger_url: str) -> None:
    assert [ledger.orders.next_number(2026) for _ in range(3)] == [1, 2, 3]
    assert ledger.orders.next_number(2027) == 1
    again = open_ledger(ledger_url)
    assert again.orders.next_number(2026) == 4
    again.close()


def test_notices_wait_until_they_are_delivered(ledger: Ledger) -> None:
    ledger.outbox.put([notice(2), notice(1), notice(3, receiver="crew", next_try=after(minutes=5))], at=T0)
    assert [n.id for n in ledger.outbox.due(T0)] == ["W1.2.desk", "W1.1.desk"]
    assert ledger.outbox.due(T0, 1) == [notice(2)]
    assert [n.receiver for n in ledger.outbox.due(after(minutes=5), receiver="crew")] == ["crew"]
    ledger.outbox.delivered("W1.2.desk", T0)
    ledger.outbox.delivered("W1.2.desk", T0)
    ledger.outbox.put([notice(2)], at=T0)
    ledger.outbox.failed("W1.2.desk", T0, next_try=T0, error="too late")
    assert [n.id for n in ledger.outbox.due(after(days=1))] == ["W1.1.desk", "W1.3.desk"]
    assert ledger.outbox.waiting() == 2


def test_a_failed_notice_comes_back_when_it_is_due(ledger: Ledger) -> None:
    ledger.outbox.put([notice()], at=T0)
    for _ in range(2):  # the answer to the first call may have been lost
        ledger.outbox.failed("W1.1.desk", T0, next_try=after(minutes=1), error="503")
    assert ledger.outbox.due(after(seconds=59)) == []
    (again,) = ledger.outbox.due(after(minutes=1))
    assert (again.id, again.attempts, again.body) == ("W1.1.desk", 1, notice().body)
    ledger.outbox.failed("W1.1.desk", after(minutes=1), next_try=None, error="404")
    assert ledger.outbox.due(after(days=9)) == []
    assert ledger.outbox.waiting() == 0


def test_a_digest_stands_for_what_it_lists(ledger: Ledger) -> None:
    ledger.outbox.put([notice(1), notice(2), notice(3)], at=T0)
    ledger.outbox.put([notice(9)], at=T0, instead_of=["W1.1.desk", "W1.2.desk", "unknown"])
    assert [n.id for n in ledger.outbox.due(T0)] == ["W1.3.desk", "W1.9.desk"]


def test_the_chain_tells_what_was_told_without_its_text(ledger: Ledger) -> None:
    ledger.outbox.put([notice(body={"text": "张三 13800000000"})], at=T0)
    ledger.outbox.delivered("W1.1.desk", T0)
    told = ledger.chain.entries(kind="notice", subject="W1")
    assert [entry.body["act"] for entry in told] == ["put", "delivered"]
    assert "张三" not in str(told)


def _with(before: WorkOrder, kind: str, text: str = "", **changed: object) -> WorkOrder:
    history = (*before.history, event(before.id, kind, text=text))
    return msgspec.structs.replace(before, history=history, **changed)


def _ids(orders: list[WorkOrder]) -> list[str]:
    return [one.id for one in orders]
