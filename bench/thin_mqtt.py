"""As much MQTT 5 as a load needs: keep a session for somebody, and publish packets encoded beforehand."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_CONNACK, _PUBACK, _SUBACK = 0x20, 0x40, 0x90
_WINDOW, _BURST = 400, 100  # packets on the way without an answer; packets sent at once
_EXPIRY_S = 86_400


@dataclass(frozen=True, slots=True)
class Message:
    """What is published, with QoS 1."""

    topic: str
    payload: bytes


def encoded(messages: Sequence[Message]) -> list[bytes]:
    """Return PUBLISH packets; ids come round long before one is used again."""
    return [
        _packet(0x32, _text(one.topic) + struct.pack(">H", number % 60_000 + 1) + b"\0" + one.payload)
        for number, one in enumerate(messages)
    ]


class ThinClient:
    """One connection that acknowledges nothing and only counts what the broker says.

    With a `window` (its Receive Maximum) the broker keeps the session.
    """

    def __init__(self, port: int, client_id: str, *, window: int = 0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        kept = struct.pack(">BIBH", 0x11, _EXPIRY_S, 0x21, window) if window else b""
        head = _text("MQTT") + bytes([5, 0x02]) + struct.pack(">H", 0) + bytes([len(kept)]) + kept
        self._socket.sendall(_packet(0x10, head + _text(client_id)))
        self._await(_CONNACK)

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._socket.sendall(_packet(0x82, b"\0\1\0" + _text(topic_filter) + b"\1"))
        self._await(_SUBACK)

    def publish(self, packets: Sequence[bytes]) -> None:
        """Send packets as fast as the broker acknowledges them; return when all are."""
        open_ = 0
        for first in range(0, len(packets), _BURST):
            burst = packets[first : first + _BURST]
            self._socket.sendall(b"".join(burst))
            open_ += len(burst)
            while open_ > _WINDOW - _BURST:
                open_ -= self._answers(_PUBACK)
        while open_:
            open_ -= self._answers(_PUBACK)

    def close(self) -> None:
        """Leave; a session that was to be kept is."""
        self._socket.sendall(b"\xe0\0")
        self._socket.close()

    def _await(self, kind: int) -> None:
        while not self._answers(kind):
            pass

    def _answers(self, kind: int) -> int:
        """Return how many packets of a kind came next; answers are shorter than 128 bytes."""
        data = self._rest + self._socket.recv(65_536)
        if len(data) == len(self._rest):
            raise RuntimeError("the broker closed the connection")
        count = at = 0
        while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
            count += data[at] & 0xF0 == kind
            at += 2 + data[at + 1]
        self._rest = data[at:]
        return count


def keep_session(port: int, client_id: str, topic_filter: str, window: int) -> None:
    """Leave a session behind whose queue fills while nobody is there.

    The window must be that of who drains it: mosquitto counts as sent what fits into the window of the time at which it
    queued, and sends that much again at once.
    """
    client = ThinClient(port, client_id, window=window)
    client.subscribe(topic_filter)
    client.close()


def _packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()
