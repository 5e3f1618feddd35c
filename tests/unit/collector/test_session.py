"""What of the session needs no broker."""

from __future__ import annotations

import pytest

from collector.inbox import Inbox
from collector.losses import Losses
from collector.packet import Packet
from collector.session import Session
from collector.settings import MqttSettings
from collector.subscriptions import Remembered
from heating.clock import SystemClock


@pytest.fixture
def session() -> Session:
    return Session(MqttSettings(), Inbox(10), SystemClock(), Remembered(""), Losses(""))


def packet(mid: int, generation: int) -> Packet:
    return Packet(topic="t", payload=b"", received_ms=0, length=0, mid=mid, generation=generation)


def test_the_way_back_to_a_broker_that_was_away_is_never_long(session):
    """paho would wait for up to two minutes."""
    assert (session._client._reconnect_min_delay, session._client._reconnect_max_delay) == (1, 30)


def test_acknowledgements_stay_with_the_connection_on_which_the_packets_came(session):
    client = session._client
    session._on_pre_connect(client, None)
    now = session._generation
    session._connected = True
    session.acknowledge([packet(1, now - 1), packet(2, now), packet(3, now)])
    assert [bytes(queued["packet"]) for queued in client._out_packet] == [b"\x40\x02\x00\x02\x40\x02\x00\x03"]
    session._on_pre_connect(client, None)
    assert not client._out_packet, "they would confirm what comes on the next one"
    session.acknowledge([packet(4, now)])
    assert not client._out_packet
