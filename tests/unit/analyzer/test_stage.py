"""The stage outlives what goes wrong, says so, and takes register and outages as they change."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from unit.analyzer.fakes import World

from analyzer.analysis import Rules
from analyzer.settings import AnalyzerSettings
from analyzer.stage import AnalyzerStage
from heating.clock import ManualClock, SystemClock
from heating.finding import FindingKind
from heating.register import Register
from heating.regulation import load_profile
from heating.site import HeatingState, MeasurementPoint, Outage, SubjectType

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
POINT = MeasurementPoint(point_id="P", station="S", building="1", unit="1", room="1", floor=1)


def rules(**settings: float) -> Rules:
    return Rules(
        msgspec.convert(settings, AnalyzerSettings),
        load_profile("enterprise"),
        load_profile("tianjin"),
        ZoneInfo("Asia/Shanghai"),
    )


@pytest.fixture
def world() -> World:
    world = World(Register.of_points([POINT]))
    world.deliver([("P", NOON - timedelta(minutes=m), 16.0) for m in (60, 40, 20, 0)])
    return world


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def stage(world: World, clock: ManualClock) -> AnalyzerStage:
    return AnalyzerStage(rules(), world.store, world.ledger, clock)  # type: ignore[arg-type]


def metric(stage: AnalyzerStage, name: str, *labels: tuple[str, str]) -> float:
    return next(m.value for m in stage.metrics() if m.name == name and m.labels == labels)


def test_a_failed_sweep_is_counted_and_the_next_one_heals_it(stage: AnalyzerStage, world: World) -> None:
    world.faults.fail_at = 1
    stage.attempt()
    assert metric(stage, "heatwatch_sweeps_failed_total") == 1
    assert "made to fail" in stage.health(NOON).text
    stage.attempt()
    assert metric(stage, "heatwatch_sweeps_total") == 1
    assert metric(stage, "heatwatch_points", ("status", "cold")) == 1
    assert [f.kind for f in world.ledger.findings.open()] == [FindingKind.COLD_HOME]
    assert stage.health(NOON).fresh
    assert not stage.health(NOON + timedelta(minutes=10)).fresh


def test_sweeps_without_news_read_nothing_and_record_nothing(
    stage: AnalyzerStage, world: World, clock: ManualClock
) -> None:
    stage.attempt()
    read, recorded = world.store.read, len(world.ledger.findings.records)
    clock.advance(60)
    stage.attempt()
    assert (world.store.read, len(world.ledger.findings.records)) == (read, recorded)


def test_an_outage_ends_the_breach_and_suspension_all_findings(
    stage: AnalyzerStage, world: World, clock: ManualClock
) -> None:
    stage.attempt()
    world.ledger.places._outages.append(
        Outage(outage_id="1", subject_type=SubjectType.STATION, subject_id="S", start=NOON, end=None, reason="pump")
    )
    clock.advance(60)
    stage.attempt()
    (breach,) = world.ledger.findings.standing()
    assert (breach.end, breach.ended_by) == (NOON, "outage")


def test_a_home_that_is_suspended_in_the_register_is_judged_no_more(
    stage: AnalyzerStage, world: World, clock: ManualClock
) -> None:
    stage.attempt()
    off = msgspec.structs.replace(POINT, heating_state=HeatingState.SUSPENDED)
    world.ledger.places.change(Register.of_points([off]))
    clock.advance(60)
    stage.attempt()
    (breach,) = world.ledger.findings.standing()
    assert (breach.end, breach.ended_by) == (NOON + timedelta(seconds=60), "suspended")


def test_a_point_taken_out_of_the_register_keeps_no_open_finding(
    stage: AnalyzerStage, world: World, clock: ManualClock
) -> None:
    stage.attempt()
    world.ledger.places.change(Register.of_points([msgspec.structs.replace(POINT, point_id="Q")]))
    clock.advance(60)
    stage.attempt()
    (breach,) = world.ledger.findings.standing()
    assert breach.ended_by == "retired"


def test_changes_forgotten_unread_make_it_read_anew(stage: AnalyzerStage, world: World, clock: ManualClock) -> None:
    stage.attempt()
    world.deliver([("P", NOON + timedelta(minutes=20), 20.0)])
    world.deliver([("P", NOON + timedelta(minutes=50), 20.0)])
    world.ledger.journal.changes.pop(-2)
    clock.advance(3600)
    stage.attempt()
    (breach,) = world.ledger.findings.standing()
    assert breach.end == NOON + timedelta(minutes=20)


def test_it_sweeps_until_stopped(world: World) -> None:
    stage = AnalyzerStage(rules(every_s=0.5), world.store, world.ledger, SystemClock())  # type: ignore[arg-type]
    stop = threading.Event()
    thread = threading.Thread(target=stage.run, args=(stop,))
    thread.start()
    deadline = threading.Event()
    for _ in range(200):
        if metric(stage, "heatwatch_sweeps_total") >= 2:
            break
        deadline.wait(0.05)
    assert stage.health(SystemClock().now()).alive
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert metric(stage, "heatwatch_sweeps_total") >= 2
    assert not stage.health(SystemClock().now()).alive
