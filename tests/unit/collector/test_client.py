"""The short way through paho must see the same packets as paho's own."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import MQTT_ERR_SUCCESS, Client

from collector.client import Arrival, QuickClient

PROPERTIES = st.sampled_from(
    [
        b"",
        b"\x02\x00\x00\x00\x3c",  # message expiry
        b"\x01\x01",  # payload format
        b"\x26\x00\x01a\x00\x01b",  # user property
        b"\x26\x00\xc8" + b"a" * 200 + b"\0\0",  # so long that its length takes two bytes
    ]
)


def wired(*, version5: bool) -> tuple[QuickClient, socket.socket, list[Arrival]]:
    """Return a client on one end of a socket, the other end, and the list of what arrives."""
    arrived: list[Arrival] = []
    client = QuickClient("c", version5=version5, arrived=lambda _, arrival: arrived.append(arrival))
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    client._sock = ours
    return client, theirs, arrived


def varint(length: int) -> bytes:
    low, high = length % 128, length // 128
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def publish(header: int, topic: bytes, mid: int, properties: bytes | None, payload: bytes) -> bytes:
    body = struct.pack(">H", len(topic)) + topic + (struct.pack(">H", mid) if header & 6 else b"")
    if properties is not None:
        body += varint(len(properties)) + properties
    return bytes([0x30 | header]) + varint(len(body + payload)) + body + payload


@given(
    st.sampled_from([0, 1, 2, 3, 0xA, 0xB]),
    st.sampled_from([b"heatwatch/v1/D1/readings", "站/一".encode(), b"\xff\xfe"]),
    st.integers(1, 65535),
    st.none() | PROPERTIES,
    st.binary(max_size=300),
)
def test_both_ways_see_the_same(header, topic, mid, properties, payload):
    packet = publish(header, topic, mid, properties, payload)
    client, theirs, arrived = wired(version5=properties is not None)
    theirs.sendall(packet * 3)
    assert client.loop_read() == MQTT_ERR_SUCCESS
    assert len(arrived) == 3, "not all that waited was read at once"
    client._handle_publish = lambda: Client._handle_publish(client)  # type: ignore[method-assign]
    theirs.sendall(packet)
    assert client.loop_read() == MQTT_ERR_SUCCESS
    assert arrived[3] == arrived[0]
    assert arrived[0].payload == payload
    client._sock.close()
    theirs.close()


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"\0\5ab", b"\0\1a\0", b"\0\1a\0\1", b"\0\1a\0\1\x09ab", b"\0\1a\0\1\xff\xff"]
)
def test_a_malformed_packet_ends_the_connection_and_arrives_nowhere(body):
    client, theirs, arrived = wired(version5=True)
    theirs.sendall(b"\x32" + varint(len(body)) + body)
    assert client.loop_read() != MQTT_ERR_SUCCESS
    assert arrived == []
    theirs.close()


def test_a_batch_is_acknowledged_in_one_piece():
    client, theirs, _ = wired(version5=True)
    client.acknowledge([1, 0x1234, 65535])
    client.loop_write()
    assert theirs.recv(100) == b"\x40\x02\x00\x01\x40\x02\x12\x34\x40\x02\xff\xff"
    client._sock.close()
    theirs.close()


def listening() -> tuple[QuickClient, socket.socket]:
    """Return a client on its way to a server that only listens, and that server."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)
    client = QuickClient("c", version5=True, arrived=lambda *_: None)
    client.connect_async("127.0.0.1", server.getsockname()[1])
    return client, server


def ended(client: QuickClient) -> bool:
    thread = client._thread
    if thread is not None:
        thread.join(10)
    return client._thread is None


def test_who_leaves_while_a_connection_is_being_made_does_not_come_back():
    """paho would forget that it was told to leave, connect, and take the session from its successor."""
    client, server = listening()
    client.on_pre_connect = lambda *_: client.leave()
    client.loop_start()
    assert ended(client)
    peer, _ = server.accept()
    with peer:
        assert peer.recv(100) == b"", "it said CONNECT"
    server.close()


def test_who_has_left_does_not_connect_at_all():
    client, server = listening()
    client.leave()
    client.connect_async("127.0.0.1", server.getsockname()[1])
    client.loop_start()
    assert ended(client)
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.accept()
    server.close()


def test_acknowledgements_of_an_old_connection_are_not_sent_on_a_new_one():
    client, theirs, _ = wired(version5=True)
    ours, client._sock = client._sock, None
    client.acknowledge([1, 2, 3])
    client.forget_queued()
    client._sock = ours
    client.acknowledge([7])
    client.loop_write()
    assert theirs.recv(100) == b"\x40\x02\x00\x07"
    ours.close()
    theirs.close()


@pytest.mark.parametrize("late", [False, True])
def test_reading_pauses_for_answers(monkeypatch, late):
    """The network thread may not read for so long that the broker misses its pings."""
    client, theirs, arrived = wired(version5=True)
    theirs.sendall(publish(2, b"t", 1, b"", b"x") * 50)
    now = iter(range(0, 10_000, 10) if late else [0.0] * 1000)
    monkeypatch.setattr("collector.client.time.monotonic", lambda: next(now))
    client.loop_read()
    assert len(arrived) == (1 if late else 50)
    client._sock.close()
    theirs.close()
