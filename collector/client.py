"""paho's client with a short way for what comes by the hundred thousand: PUBLISH in, acknowledgements out.

paho parses properties into objects that nobody reads, asks the operating system before each packet whether there is
one, and wakes its thread for each acknowledgement. Everything rare (connecting, subscribing, keep-alive, QoS 2, what is
malformed) takes paho's own way, and so does a PUBLISH that is not plain. The methods with an underscore are paho's; a
later paho that calls others would only be slower, since `on_message` stays in place.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector.settings import MqttSettings

# Packets, and the time, after which the thread looks whether there is something to send: pings and acknowledgements.
_READ_AT_ONCE = 200
_READ_AT_ONCE_S = 1.0
# What is longer cannot be a reading (contract §4: 64 KiB). A broker without a limit of its own would fill our memory.
_LONGEST_PACKET = 16 * 1024 * 1024
_DUP, _RETAIN = 0x08, 0x01
# MQTT 5 §2.2.2: the length of the properties; from here on it takes more than one byte.
_LONG = 0x80


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One PUBLISH as it came."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    dup: bool
    retained: bool


class QuickClient(Client):
    """A client that is acknowledged by hand, many packets at a time.

    `arrived` is called in the network thread with each PUBLISH, and must not raise.
    """

    def __init__(self, client_id: str, *, version5: bool, arrived: Callable[[QuickClient, Arrival], None]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if version5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if version5 else False,
            manual_ack=True,
        )
        self._arrived = arrived
        self.version5 = version5
        self._taken = 0
        self._left = False
        self.on_message = self._take_slowly

    def leave(self) -> None:
        """Disconnect for good, also while a connection is just being made, which paho would go on to use."""
        self._left = True
        self.disconnect()

    def release(self) -> None:
        """Close all sockets once the thread has ended: paho leaves the pair that wakes it to garbage collection."""
        if self._thread is None:
            self._reset_sockets()

    def reconnect(self) -> MQTTErrorCode:
        """See paho; whatever keeps it from connecting is an `OSError`, as paho's thread ends by anything else."""
        if self._left:
            self.disconnect()  # without a connection it only notes that the thread shall end
            raise ConnectionAbortedError("left")
        try:
            result = super().reconnect()
        except OSError:
            raise
        except ValueError as problem:  # such as a host name that cannot be one
            raise OSError(str(problem)) from problem
        self._leave_if_told()
        return result

    def _leave_if_told(self) -> None:
        if self._left:
            self._sock_close()
            self.disconnect()

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """See paho, which leaves the socket open where the handshake fails."""
        assert self._ssl_context is not None
        assert self._ssl_context.check_hostname
        wrapped = self._ssl_context.wrap_socket(tcp_sock, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            wrapped.settimeout(self.connect_timeout)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped

    def ask_for(self, topic: str, *, retained: Literal["if new", "always"] = "if new") -> int | None:
        """Subscribe to one filter with QoS 1; return the id by which the answer comes.

        Retained messages come only where the subscription is `new`, as far as the version can tell (MQTT 5).
        """
        if self.version5 and retained == "if new":
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            return self.subscribe(topic, options=options)[1]
        return self.subscribe(topic, 1)[1]

    def forget_queued(self) -> None:
        """Drop what was to be sent on the connection before."""
        self._out_packet.clear()

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge QoS 1 packets: all PUBACKs in one piece (MQTT 3.1.1 and 5 §3.4, without a reason: success)."""
        if mids:
            pubacks = b"".join([struct.pack("!BBH", MessageType.PUBACK, 2, mid) for mid in mids])
            self._packet_queue(MessageType.PUBACK, pubacks, mids[-1], 1)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read as long as packets come, but not for so long that the broker misses our answers."""
        end = time.monotonic() + _READ_AT_ONCE_S
        for _ in range(_READ_AT_ONCE):
            before = self._taken
            result = super().loop_read(max_packets)
            if result or self._taken == before or time.monotonic() > end:
                return result
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_publish(self) -> MQTTErrorCode:
        header, body = self._in_packet["command"], self._in_packet["packet"]
        qos, size = header >> 1 & 3, len(body)
        topic_end = 2 + int.from_bytes(body[:2], "big")
        start = topic_end + 2 * qos
        if qos > 1 or topic_end == 2 or start >= size:
            return super()._handle_publish()
        if self.version5:
            if body[start] >= _LONG:
                return super()._handle_publish()
            start += 1 + body[start]
            if start > size:
                return super()._handle_publish()
        self._taken += 1
        self._arrived(
            self,
            Arrival(
                _text(body[2:topic_end]),
                bytes(body[start:]),
                int.from_bytes(body[topic_end : topic_end + 2], "big") if qos else 0,
                qos,
                bool(header & _DUP),
                bool(header & _RETAIN),
            ),
        )
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take_slowly(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._taken += 1
        arrival = Arrival(
            _text(message._topic), bytes(message.payload), message.mid, message.qos, message.dup, message.retain
        )
        self._arrived(self, arrival)


def _text(topic: bytes | bytearray) -> str:
    try:
        return topic.decode()
    except UnicodeDecodeError:
        return "(topic is not UTF-8)"


def kept_session(settings: MqttSettings) -> Properties:
    """Return what CONNECT asks for with MQTT 5: a session that is kept, a window, packets of a bounded length."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.ReceiveMaximum = settings.receive_maximum
    properties.MaximumPacketSize = _LONGEST_PACKET
    return properties
