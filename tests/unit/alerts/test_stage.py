"""What the roof sees of the stage, and the words it speaks."""

from __future__ import annotations

import string
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alertkit import ZONE, World, cold

from alerts.words import WORDS, Voice
from heating.clock import ManualClock
from heating.errors import LedgerUnavailable
from heating.site import SubjectType
from heating.words import Language


def test_health_and_metrics_tell_of_a_ledger_that_is_away_and_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    stage, away = world.stage, True
    real = world.ledger.chain.head

    def head() -> Any:
        if away:
            raise LedgerUnavailable("database is locked")
        return real()

    world.ledger.chain.head = head  # type: ignore[method-assign]
    world.record(cold("P3-101"))
    _turns(world, 2)
    health = stage.health(world.clock.now())
    assert not health.fresh
    assert "database is locked" in health.text
    assert _metric(world, "heatwatch_alerts_errors_total") == 2
    away = False
    _turns(world, 1)
    assert stage.health(world.clock.now()).ok
    assert _metric(world, "heatwatch_alerts_orders_opened_total") == 1
    assert not stage.health(world.clock.now() + timedelta(minutes=2)).fresh, "a stage that stands still is not fresh"


def _turns(world: World, count: int) -> None:
    """Let the loop of the stage turn so many times; couriers are stopped before they begin."""
    stop = threading.Event()
    clock = world.clock
    left = [count]

    class Counting(ManualClock):
        def wait(self, seconds: float, stop: threading.Event) -> bool:
            left[0] -= 1
            if left[0] == 0:
                stop.set()
            return stop.is_set()

    counting = Counting(clock.now())
    world.stage._clock = counting
    world.stage.couriers = ()
    world.stage.run(stop)


def _metric(world: World, name: str) -> float:
    return next(m.value for m in world.stage.metrics() if m.name == name)


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_the_same_values(key: str) -> None:
    zh, en = ({field for _, field, _, _ in string.Formatter().parse(text) if field} for text in WORDS[key])
    assert zh == en


def test_english_by_one_switch() -> None:
    voice = Voice(Language.EN, ZONE)
    assert voice.place(SubjectType.BUILDING, "S1/3") == "building S1/3"
    assert voice.say("step:on_site") == "arrive on site"
