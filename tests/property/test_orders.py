"""The state machine of orders: held to its picture over any run of events, allowed or not."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from alertkit import START, VOICE, cold
from hypothesis import given
from hypothesis import strategies as st

from alerts.dispatch import LATE, escalations
from alerts.grouping import Case, draft, opened
from alerts.settings import AlertsSettings
from heating.errors import InputError
from heating.finding import Severity
from heating.order import FINISHED, PATH, OrderEvent, OrderState, WorkOrder, apply, possible
from heating.order_clocks import ClockState, clocks

KINDS = [*OrderState, "resumed", "reopened", "answered", "joined", "escalated", "note", "opened", "teapot"]
SETTINGS = AlertsSettings()
steps = st.tuples(st.sampled_from([str(k) for k in KINDS]), st.integers(-5, 3000), st.sampled_from(["", "why"]))


def fresh() -> WorkOrder:
    return opened(draft([Case(cold("P3-101"), None, None, START)], START, VOICE), "WO-2026-000001", START)


@given(st.lists(steps, max_size=30))
def test_any_run_of_events(run: list[tuple[str, int, str]]) -> None:
    order, now = fresh(), START
    for kind, minutes, text in run:
        at = now + timedelta(minutes=minutes)
        event = OrderEvent(
            order_id=order.id, kind=kind, at=at, by="x", text=text, data={"homes": [f"H{minutes % 3}"], "priority": 2}
        )
        before, allowed = order, {*possible(order), *(() if order.state in FINISHED else ("joined", "escalated"))}
        try:
            order = apply(order, event)
        except InputError:
            assert kind not in allowed or text == "" or minutes < 0
            continue
        now = max(now, at)
        assert kind in allowed
        assert order.history == (*before.history, event)
        assert set(before.homes) <= set(order.homes)
        assert order.priority >= before.priority
        moved = order.state is not before.state
        if moved and kind in PATH:
            assert PATH.index(order.state) == PATH.index(before.state) + 1
        if kind in ("joined", "escalated", "note", "answered"):
            assert not moved
        assert (order.state is OrderState.PAUSED) == (order.paused_from is not None)
        assert ("followed_up" in order.due) <= (order.state not in (OrderState.OPEN, OrderState.ISSUED))
    decoded = msgspec.json.decode(msgspec.json.encode(order), type=WorkOrder)
    assert decoded == order, "the JSON of an order loses nothing"
    for clock in clocks(order, now):
        assert (clock.done is None) == (
            clock.state in (ClockState.WAITING, ClockState.DUE, ClockState.LATE, ClockState.DROPPED)
        )


@given(st.lists(st.integers(0, 4000), max_size=40))
def test_each_level_of_each_step_is_told_once_at_any_pace(gaps: list[int]) -> None:
    order, now, told = fresh(), START, []
    for gap in [*gaps, 100_000]:
        now += timedelta(minutes=gap)
        for change in escalations(order, now, SETTINGS, VOICE):
            order = apply(order, change.event)
            told.append((change.event.data["step"], change.why))
    assert len(told) == len(set(told))
    late = [step for step, why in told if why == LATE]
    assert sorted(late) == sorted(order.due), "every step that is never done is told as late"


def test_pausing_goes_back_to_where_it_was_and_moves_no_clock() -> None:
    order = fresh()
    due = order.due
    for kind in ("issued", "paused", "resumed", "contacted"):
        order = apply(order, OrderEvent(order_id=order.id, kind=kind, at=START, by="x", text="why"))
    assert order.state is OrderState.CONTACTED
    assert order.due == due


def test_reopening_starts_the_clocks_anew() -> None:
    order, at = fresh(), START
    for kind in ("issued", "contacted", "on_site", "resolved", "reopened"):
        at += timedelta(minutes=10)
        order = apply(order, OrderEvent(order_id=order.id, kind=kind, at=at, by="x", text="why"))
    assert order.state is OrderState.ISSUED
    assert order.due["on_site"] == at + timedelta(hours=2)
    assert {c.step: c.state for c in clocks(order, at)} == {
        "issued": ClockState.MET, "answered": ClockState.WAITING, "contacted": ClockState.WAITING,
        "on_site": ClockState.WAITING, "resolved": ClockState.WAITING,
    }  # fmt: skip


def test_a_follow_up_before_its_time_is_early_and_after_its_day_missed() -> None:
    for hours, state in ((1, ClockState.EARLY), (49, ClockState.MET), (73, ClockState.MISSED)):
        order = fresh()
        for kind in ("issued", "contacted", "on_site", "resolved"):
            order = apply(order, OrderEvent(order_id=order.id, kind=kind, at=START, by="x"))
        at = START + timedelta(hours=hours)
        order = apply(order, OrderEvent(order_id=order.id, kind="followed_up", at=at, by="x"))
        assert clocks(order, at)[-1].state is state


def test_the_json_of_an_order_is_stable() -> None:
    order = msgspec.structs.replace(fresh(), severity=Severity.MAJOR, history=())
    assert msgspec.json.encode(order, order="sorted").decode() == (
        '{"cause":null,"content":"测温点 P3-101:1 户室温低于标准,最低 16.5 °C(标准 18.0 °C,低 1.5 K),测温点 P3-101,'
        '自 2026-11-23 05:30 起","detected_at":"2026-11-22T22:00:00Z","due":{"answered":"2026-11-22T23:00:00Z",'
        '"contacted":"2026-11-22T22:30:00Z","issued":"2026-11-22T22:10:00Z","on_site":"2026-11-23T00:00:00Z",'
        '"resolved":"2026-11-23T22:00:00Z"},"findings":["F-P3-101"],"history":[],"homes":["P3-101"],'
        '"id":"WO-2026-000001","opened_at":"2026-11-22T22:00:00Z","paused_from":null,"points":["P3-101"],'
        '"priority":1.5,"reason":null,"severity":"major","state":"open","subject_id":"P3-101","subject_type":"point",'
        '"trigger":"equipment"}'
    )
