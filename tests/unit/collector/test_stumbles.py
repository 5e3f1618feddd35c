from __future__ import annotations

import pytest

from collector.client import Arrival
from collector.stumbles import Stumbles


def arrival(payload: bytes = b"x", mid: int = 1) -> Arrival:
    return Arrival("t", payload, mid, 1, False, False)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch) -> Time:
    mine = Time()
    monkeypatch.setattr("collector.stumbles.time", mine)
    return mine


def reconnects(stumbles: Stumbles, time: Time, seconds: int) -> list[int]:
    """Fail with a new packet each second; return when it was to reconnect."""
    begun, asked = time.now, []
    for i in range(seconds):
        stumbles.enough(arrival(str(i).encode()))
        if stumbles.due(busy=False):
            asked.append(int(time.now - begun))
            stumbles.connected()
        time.now += 1.0
    return asked


def test_a_packet_has_three_tries_whatever_number_it_bears(time):
    stumbles = Stumbles()
    assert [stumbles.enough(arrival(mid=mid)) for mid in (7, 8, 9)] == [False, False, True]
    assert not stumbles.enough(arrival()), "a later one of the same content begins anew"


def test_failures_without_end_ask_more_and_more_seldom(time):
    stumbles = Stumbles()
    asked = reconnects(stumbles, time, 600)
    assert asked[0] == 1
    assert len(asked) < 25
    assert asked[-1] - asked[-2] == pytest.approx(30, abs=1)
    stumbles.connected()
    time.now += 200.0
    assert reconnects(stumbles, time, 5)[0] == 1, "after a quiet while it is quick again"


def test_a_connection_made_for_another_reason_is_enough(time):
    stumbles = Stumbles()
    stumbles.enough(arrival())
    stumbles.connected()
    time.now += 100.0
    assert not stumbles.due(busy=False)


def test_what_waits_is_not_brought_again_without_need_but_not_for_ever(time):
    stumbles = Stumbles()
    stumbles.enough(arrival())
    time.now += 5.0
    assert not stumbles.due(busy=True)
    time.now += 30.0
    assert stumbles.due(busy=True)


def test_what_is_remembered_is_bounded(time, monkeypatch):
    monkeypatch.setattr("collector.stumbles._REMEMBERED", 10)
    stumbles = Stumbles()
    for i in range(100):
        stumbles.enough(arrival(str(i).encode()))
    assert len(stumbles._tries) == 10
