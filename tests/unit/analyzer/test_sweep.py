"""What a sweep keeps when something is away, and what it holds back while a backlog arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from unit.analyzer.fakes import World

from analyzer import upkeep
from analyzer.analysis import Rules
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from heating.errors import StoreUnavailable
from heating.finding import FindingKind
from heating.instants import to_ms
from heating.register import Register
from heating.regulation import load_profile
from heating.site import MeasurementPoint

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
IDS = [f"P{n}" for n in range(60)]
RULES = Rules(
    AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai")
)  # fmt: skip


@pytest.fixture
def world() -> World:
    points = [MeasurementPoint(point_id=id_, station="S", building="1", unit="1", room=id_, floor=1) for id_ in IDS]
    world = World(Register.of_points(points))
    for minutes in (60, 40, 20, 0):
        world.deliver([(id_, NOON - minutes * MINUTE, 20.0) for id_ in IDS])
    return world


@pytest.fixture
def sweeper(world: World) -> Sweeper:
    sweeper = Sweeper(RULES, world.store, world.ledger)  # type: ignore[arg-type]
    sweeper.sweep(NOON)
    return sweeper


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_store_that_is_away_for_a_moment_is_not_read_anew(world: World, sweeper: Sweeper, nth: int) -> None:
    world.deliver([("P0", NOON + MINUTE, 15.0)])
    world.faults.fail_at = world.faults.calls + nth
    with pytest.raises(StoreUnavailable):
        sweeper.sweep(NOON + MINUTE)
    read = world.store.read
    report = sweeper.sweep(NOON + 2 * MINUTE)
    assert world.store.read - read <= 1
    assert (report.arrived, report.statuses["cold"]) == (1, 1)
    assert [f.subject.id for f in world.ledger.findings.open()] == ["P0"]


def test_a_transaction_of_which_nobody_knows_is_read_back(world: World, sweeper: Sweeper) -> None:
    world.deliver([("P0", NOON + MINUTE, 15.0)])
    record = world.ledger.findings.record

    def lost(*args: object, **named: object) -> None:
        record(*args, **named)  # type: ignore[arg-type]
        raise StoreUnavailable("the answer was lost")

    world.ledger.findings.record = lost  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        sweeper.sweep(NOON + MINUTE)
    world.ledger.findings.record = record  # type: ignore[method-assign]
    sweeper.sweep(NOON + 2 * MINUTE)
    assert len(world.ledger.findings.rows) == 1


def test_hours_that_ended_while_the_store_was_away_are_written(world: World, sweeper: Sweeper) -> None:
    for hours in (1, 2):
        world.deliver([(id_, NOON + timedelta(hours=hours), 20.0) for id_ in IDS])
    sweeper.sweep(NOON + timedelta(hours=3))
    hours_of_p1 = [key for key in world.store.rollups["room_hour"] if key[1] == "P1"]
    assert len(hours_of_p1) == 4


def test_hours_swept_before_a_kill_over_full_hours_are_written_after_it(world: World, sweeper: Sweeper) -> None:
    world.deliver([(id_, NOON + 50 * MINUTE, 17.0) for id_ in IDS])
    sweeper.sweep(NOON + 50 * MINUTE)
    # Killed here; the next process starts hours later, when nothing of it is news any more.
    world.deliver([("P1", NOON + 240 * MINUTE, 20.0)])
    Sweeper(RULES, world.store, world.ledger).sweep(NOON + 241 * MINUTE)  # type: ignore[arg-type]
    rows = {key: value for key, value in world.store.rollups["room_hour"].items() if key[1] == "P7"}
    assert rows[to_ms(NOON), "P7"] == (17.0, pytest.approx((20.0 + 17.0) / 2), 20.0, 2.0, 10.0)
    assert rows[to_ms(NOON + 60 * MINUTE), "P7"][3:] == (0.0, 60.0)


def test_hours_are_worked_out_anew_where_readings_hold_for_another_time(world: World, sweeper: Sweeper) -> None:
    world.deliver([("P7", NOON + 50 * MINUTE, 17.0)])
    sweeper.sweep(NOON + 180 * MINUTE)
    assert world.store.rollups["room_hour"][to_ms(NOON + 60 * MINUTE), "P7"][3:] == (0.0, 60.0)
    shorter = msgspec.structs.replace(RULES.settings, stale_after_min=60.0)
    Sweeper(replace(RULES, settings=shorter), world.store, world.ledger).sweep(NOON + 181 * MINUTE)  # type: ignore[arg-type]
    assert world.store.rollups["room_hour"][to_ms(NOON + 60 * MINUTE), "P7"][3:] == (0.0, 50.0)
    rolled_up = world.ledger.findings.rolled_up()
    assert rolled_up is not None
    assert (rolled_up.basis.hold_ms, rolled_up.gaps) == (3_600_000, ())


def test_a_first_start_on_a_store_with_a_season_works_it_off_in_steps(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "STEP_ROWS", 5000)
    start = NOON - timedelta(days=40)
    world.deliver([(id_, start + timedelta(hours=h), 20.0) for h in range(40 * 24) for id_ in IDS[:2]])
    sweeper = Sweeper(RULES, world.store, world.ledger)  # type: ignore[arg-type]
    sweeper.sweep(NOON)
    first = world.ledger.findings.rolled_up()
    assert first is not None
    assert first.gaps
    written = len(world.store.rollups["room_hour"])
    for minute in range(1, 20):
        sweeper.sweep(NOON + minute * MINUTE)
    assert written < len(world.store.rollups["room_hour"])
    last = world.ledger.findings.rolled_up()
    assert last is not None
    assert last.gaps == ()
    assert last.from_ms <= to_ms(start)
    assert sum(key[1] == "P0" for key in world.store.rollups["room_day"]) == 40


def test_silence_is_not_told_while_a_backlog_arrives(world: World, sweeper: Sweeper) -> None:
    """Four hours waited at the broker and come hour by hour, one a sweep."""
    now = NOON + timedelta(hours=4)
    for hour in range(3):
        world.deliver([(id_, NOON + timedelta(hours=hour, minutes=20 * k), 20.0) for k in (1, 2, 3) for id_ in IDS])
        sweeper.sweep(now)
        now += MINUTE
        told = {f.subject.id for f in world.ledger.findings.standing() if f.kind is FindingKind.SILENT}
        assert told == set()
    # All but one have readings up to now: only that one is silent.
    late = [(id_, NOON + timedelta(hours=3, minutes=20 * k), 20.0) for k in (1, 2, 3) for id_ in IDS[1:]]
    world.deliver(late)
    sweeper.sweep(now)
    world.deliver([("P1", now, 20.0)])
    sweeper.sweep(now + 31 * MINUTE)
    silent = [f.subject.id for f in world.ledger.findings.standing() if f.kind is FindingKind.SILENT]
    assert silent == ["P0"]
    assert {f.subject.id for _, f in world.ledger.findings.records} == {"P0"}


def test_silence_is_told_where_old_readings_never_end(world: World, sweeper: Sweeper) -> None:
    now = NOON + timedelta(hours=4)
    for step in range(40):
        world.deliver([(id_, NOON + timedelta(minutes=step + 1), 20.0) for id_ in IDS])
        sweeper.sweep(now + step * MINUTE)
    assert len(world.ledger.findings.open()) == len(IDS)


def test_a_mean_that_moves_is_written_before_the_hour(world: World, sweeper: Sweeper) -> None:
    def rows() -> int:
        return len(world.store.rollups["building_status"])

    before = rows()
    world.deliver([("P0", NOON + MINUTE, 20.3)])
    sweeper.sweep(NOON + MINUTE)
    assert rows() == before
    world.deliver([(id_, NOON + 2 * MINUTE, 20.2) for id_ in IDS])
    sweeper.sweep(NOON + 2 * MINUTE)
    assert rows() == before + 1
