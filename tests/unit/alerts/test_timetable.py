"""Alerts as a timetable: what is recorded at one minute, and what people have been told by another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from alertkit import MINUTE, REGISTER, START, World, act, changed, cold, shared

from alerts.settings import FileReceiver
from heating.finding import Cause, Finding, FindingKind, Scope, Severity, Side, Subject
from heating.order import OrderState, TriggerClass
from heating.site import Outage, SubjectType


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_confirmed_homes_of_a_building_get_one_order_and_the_rest_nothing(world: World) -> None:
    over = cold("P7-101", end=START - MINUTE)
    unconfirmed = cold("P7-201", confirmed=False, confirmed_at=None)
    world.record(cold("P3-101"), cold("P3-201", deficit=3.0, severity=Severity.CRITICAL), over, unconfirmed)
    world.at(1)
    (order,) = world.orders
    assert order.id == "WO-2026-000001"
    assert order.homes == ("S1/3/1/201", "S1/3/1/101"), "worst home first"
    assert (order.subject_type, order.subject_id) == (SubjectType.BUILDING, "S1/3")
    assert (order.priority, order.severity, order.trigger) == (3.0, Severity.CRITICAL, TriggerClass.EQUIPMENT)
    assert "15.0 °C" in order.content
    assert world.whys() == ["order_opened"]


def test_due_times_count_from_the_first_sweep_that_could_know(world: World) -> None:
    world.record(cold("P3-101", at=START - 3 * MINUTE))
    world.at(1)
    start = START - 3 * MINUTE
    assert world.orders[0].due == {
        "issued": start + timedelta(minutes=10),
        "contacted": start + timedelta(minutes=30),
        "answered": start + timedelta(hours=1),
        "on_site": start + timedelta(hours=2),
        "resolved": start + timedelta(hours=24),
    }


def test_clocks_of_a_breach_that_was_seen_before_it_was_confirmed_start_when_that_was_known(world: World) -> None:
    seen = cold("P3-101", confirmed=False, confirmed_at=None)
    world.record(seen)
    world.at(60)  # the sweep had stopped: that the breach was confirmed at minute 30 is known at minute 60
    world.record(changed(seen, confirmed=True, confirmed_at=START + 30 * MINUTE))
    world.at(61)
    assert world.orders[0].detected_at == START + 60 * MINUTE
    assert world.orders[0].due["issued"] == START + 70 * MINUTE


def test_once_only_over_passes_and_restarts(world: World) -> None:
    world.record(cold("P3-101"))
    for minute in (1, 2):
        world.at(minute)
        world.restart()
    world.record(cold("P3-101", deficit=1.6))
    world.at(3)
    assert len(world.orders) == 1
    assert world.whys() == ["order_opened"]


def test_later_homes_join_until_the_repair_is_done(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    world.record(cold("P3-201", deficit=2.5))
    world.at(2)
    (order,) = world.orders
    assert (order.homes, order.priority) == (("S1/3/1/101", "S1/3/1/201"), 2.5)
    for kind in ("issued", "contacted", "on_site", "resolved"):
        act(world, kind)
    world.record(cold("P3-301"), cold("P3-101", id="F-again"))
    world.at(3)
    first, second = world.orders
    assert second.homes == ("S1/3/1/301",), "another home after the repair is another job"
    assert "F-again" in first.findings, "the same home joins its unfinished order"
    assert world.whys() == ["order_opened", "order_joined", "order_opened", "cold_again"]


def test_two_points_of_a_home_are_one_home(world: World) -> None:
    world.record(cold("P3-501-a"), cold("P3-501-b"))
    world.at(1)
    (order,) = world.orders
    assert order.homes == ("S1/3/1/501",)
    assert len(order.points) == 2


def test_a_cause_beyond_buildings_gets_one_order(world: World) -> None:
    cause = shared("F-cause", SubjectType.BRANCH, "S1/B", ("P3-101", "P7-101"))
    world.record(cause, cold("P3-101", parent="F-cause"), cold("P7-101", parent="F-cause"), cold("P7-201"))
    world.at(1)
    wide = next(o for o in world.orders if o.subject_type is SubjectType.BRANCH)
    assert wide.subject_id == "S1/B"
    assert set(wide.homes) == {"S1/3/1/101", "S1/7/1/101"}
    assert wide.cause == cause.cause
    assert sorted(o.subject_id for o in world.orders) == ["S1/7", "S1/B"]


def test_a_cause_gives_way_to_a_wider_one_only(world: World) -> None:
    alone, wide = Cause(Scope.HOME, Side.INDOOR, 0.5), Cause(Scope.BRANCH_END, Side.NETWORK, 0.9)
    world.record(cold("P3-101", cause=alone))
    for minute, (found, shown) in enumerate(((alone, alone), (wide, wide), (alone, wide)), start=1):
        world.record(cold("P3-101", cause=found))
        world.at(minute)
        assert world.orders[0].cause == shown
    assert world.whys() == ["order_opened"], "nobody is alarmed for it"


def test_a_riser_order_widens_to_its_building(world: World) -> None:
    cause = shared("F-riser", SubjectType.RISER, "S1/3/1", ("P3-101", "P3-201"))
    world.record(cause, cold("P3-101", parent="F-riser"), cold("P3-201", parent="F-riser"))
    world.at(1)
    assert world.orders[0].subject_type is SubjectType.RISER
    world.record(cold("P3-401"))
    world.at(2)
    (order,) = world.orders
    assert (order.subject_type, order.subject_id) == (SubjectType.BUILDING, "S1/3")


def test_an_order_whose_riser_cause_is_gone_goes_on(world: World) -> None:
    cause = shared("F-riser", SubjectType.RISER, "S1/3/1", ("P3-101", "P3-201"))
    world.record(cause, cold("P3-101", parent="F-riser"), cold("P3-201", parent="F-riser"))
    world.at(1)
    world.record(changed(cause, end=START + MINUTE, ended_by="retracted"))
    world.record(cold("P3-101", parent=None), cold("P3-201", parent=None, severity=Severity.CRITICAL))
    world.at(2)
    assert world.whys() == ["order_opened", "order_worse"]


def test_a_breach_of_a_silent_sensor_waits_until_it_is_heard_again(world: World) -> None:
    silence = Finding(id="F-silent", kind=FindingKind.SILENT, subject=Subject(SubjectType.POINT, "P3-101"), start=START)
    world.record(cold("P3-101"), silence)
    world.at(1)
    assert world.orders == []
    world.record(changed(silence, end=START + 2 * MINUTE))
    world.at(3)
    assert [order.points for order in world.orders] == [("P3-101",)]


def test_warm_again_is_noted_and_closes_nothing(world: World) -> None:
    first, second = cold("P3-101"), cold("P3-201")
    world.record(first, second)
    world.at(1)
    world.record(changed(first, end=START + 4 * MINUTE))
    world.at(5)
    assert world.whys() == ["order_opened"], "one home of two is still cold"
    assert "S1/3/1/101 自 2026-11-23 06:04" in world.orders[0].history[-1].text
    world.record(changed(second, end=START + 5 * MINUTE, ended_by="outage"))
    world.at(6)
    world.restart()
    world.at(7)
    assert world.whys() == ["order_opened", "verify"]
    assert world.orders[0].state is OrderState.OPEN
    world.record(first)
    world.at(7.5)
    assert world.whys()[2:] == ["cold_again"], "late data took the end back"


def test_a_finding_whose_order_was_closed_gets_no_second_one(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    act(world, "cancelled", "误报")
    world.record(cold("P3-101", deficit=2.0))
    world.at(2)
    assert len(world.orders) == 1
    world.record(cold("P3-101", id="F-new"))
    world.at(3)
    assert len(world.orders) == 2, "a new breach is a new order"


def test_an_order_gets_worse_once(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    for minute in (2, 3):
        world.record(cold("P3-101", deficit=4.0 + minute / 10, severity=Severity.CRITICAL))
        world.at(minute)
    assert world.whys() == ["order_opened", "order_worse"]
    assert world.orders[0].severity is Severity.CRITICAL


def test_clocks_are_told_before_they_run_out_and_once(world: World) -> None:
    world.record(cold("P3-101"))
    expected = [(7.9, []), (8, ["issued step_due"]), (9, []), (10.1, ["issued step_late"])]
    expected += [(23.9, []), (24, ["contacted step_due"])]
    for minute, news in expected:
        before = len(world.told)
        world.at(minute)
        world.restart()
        world.go()
        said = [f"{m['step']} {m['why']}" for m in world.told[before:] if m["why"] != "order_opened"]
        assert said == news, f"minute {minute}"


def test_a_step_done_in_time_and_a_paused_order_are_not_escalated(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    act(world, "issued")
    act(world, "paused", "住户外出")
    world.at(60)
    assert "step_late" not in world.whys()
    act(world, "resumed")
    world.at(61)
    late = [m["step"] for m in world.told if m["why"] == "step_late"]
    assert late == ["contacted", "answered"], "the rule knows no pause"


def test_the_follow_up_is_called_for_at_48_hours_and_not_before(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    for kind in ("issued", "contacted", "on_site", "resolved"):
        act(world, kind)
    due = 1 + 48 * 60
    world.at(due - 0.1)
    assert "followed_up" not in [m.get("step") for m in world.told]
    world.at(due)
    assert [m["why"] for m in world.told if m.get("step") == "followed_up"] == ["step_due"]
    world.at(due + 24 * 60 + 1)
    assert [m["why"] for m in world.told if m.get("step") == "followed_up"] == ["step_due", "step_late"]


def test_homes_under_an_outage_wait_and_are_not_forgotten(world: World) -> None:
    outage = Outage(
        outage_id="O1", subject_type=SubjectType.BUILDING, subject_id="S1/3", start=START, end=START + 10 * MINUTE,
        reason="检修",
    )  # fmt: skip
    world.ledger.places.add_outage(outage, START)
    world.record(cold("P3-101"))
    world.at(1)
    assert world.orders == []
    world.at(10)
    assert len(world.orders) == 1


def test_a_long_outage_drafts_one_notice_with_the_time_of_return(world: World) -> None:
    outage = Outage(
        outage_id="O1", subject_type=SubjectType.BUILDING, subject_id="S1/3", start=START, end=None, reason="管道漏水"
    )
    world.ledger.places.add_outage(outage, START)
    world.at(479)
    assert world.told == []
    world.at(480)
    world.restart()
    world.at(481)
    (draft,) = world.told
    assert (draft["why"], draft["expected_restore"]) == ("outage_notice", None)
    assert len(draft["homes"]) == 5
    world.ledger.places.end_outage("O1", START + timedelta(hours=12), world.clock.now())
    world.at(482)
    assert world.told[-1]["expected_restore"] == "2026-11-23T18:00:00.000+08:00"


def test_a_flood_becomes_a_digest_that_names_all(tmp_path: Path) -> None:
    lines = str(tmp_path / "notices.jsonl")
    world = World(tmp_path, FileReceiver(name="file", path=lines, per_minute=2))
    world.record(*(cold(p.point_id, id=f"F{n}") for n, p in enumerate(REGISTER.points)))
    world.at(24)  # the orders, and their late and soon late steps: six notices at once
    assert len(world.told) == 2
    first, digest = world.told
    assert digest["why"] == "digest"
    ids = [first["id"], *(n["id"] for n in digest["notices"])]
    assert len(ids) == len(set(ids)) == sum(digest["counts"].values()) + 1 == 6
    assert world.ledger.outbox.waiting() == 0


def test_quiet_hours_hold_messages_but_not_critical_ones(tmp_path: Path) -> None:
    lines = str(tmp_path / "notices.jsonl")
    world = World(tmp_path, FileReceiver(name="file", path=lines, quiet_from="22:00", quiet_to="06:30"))
    world.record(cold("P3-101"), cold("P7-101", severity=Severity.CRITICAL))
    world.at(1)
    assert [m["severity"] for m in world.told] == ["critical"]
    world.at(30)
    assert "major" in [m["severity"] for m in world.told]
