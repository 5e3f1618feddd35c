from __future__ import annotations

import pytest

from collector.arrivals import Arrivals
from collector.client import Arrival
from collector.inbox import Inbox
from collector.packet import Packet
from heating.clock import ManualClock
from heating.instants import from_ms

NOW = 1_795_312_800_000


def arrival(number: int, *, dup: bool = False) -> Arrival:
    return Arrival("t", str(number).encode(), number, 1, dup, False)


def packets(inbox: Inbox) -> list[Packet]:
    return inbox.gather(100, first_s=0, batch_s=0)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(100)


@pytest.fixture
def arrivals(inbox) -> Arrivals:
    return Arrivals(inbox, ManualClock(from_ms(NOW)))


def test_a_packet_has_what_its_acknowledgement_takes(inbox, arrivals):
    arrivals.take(arrival(7), 3)
    (packet,) = packets(inbox)
    assert (packet.mid, packet.qos, packet.generation, packet.received_ms) == (7, 1, 3, NOW)
    assert not packet.redelivered


def test_what_the_broker_marks_was_here_before(inbox, arrivals):
    """Also hours after the connection was made, and in a new session."""
    arrivals.connected(resumed=0)
    arrivals.take(arrival(1, dup=True), 1)
    arrivals.take(arrival(2), 1)
    assert [packet.redelivered for packet in packets(inbox)] == [True, False]


def test_a_window_of_a_kept_session_may_have_been_here_before_though_nobody_marks_it(inbox, arrivals):
    arrivals.connected(resumed=2)
    for number in range(4):
        arrivals.take(arrival(number), 1)
    found = packets(inbox)
    assert [packet.redelivered for packet in found] == [True, True, False, False]
    assert all(packet.maybe_repeated for packet in found)
