"""Publishing over MQTT: a few gateways, each one connection that carries many nodes.

QoS 1 with a cap on what is in flight: `publish` blocks while the broker is behind. A lost connection is taken up again
and what was not acknowledged is sent again.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from firmware_sim.broker import BrokerAddress, Link, client_of

LOG = logging.getLogger(__name__)
Acknowledged = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(slots=True)
class PublishStats:
    """Counts of messages since the start; `acknowledged` by the broker."""

    published: int = 0
    acknowledged: int = 0
    bytes: int = 0
    connections_lost: int = 0


class Gateway:
    """One connection with at most `in_flight` unacknowledged messages."""

    def __init__(self, address: BrokerAddress, name: str, in_flight: int, will: Message | None = None) -> None:
        self.stats = PublishStats()
        self._in_flight = in_flight
        self._waiting: dict[int, Acknowledged | None] = {}
        self._early: set[int] = set()
        self._change = threading.Condition()
        self._connected = False
        self._closing = False
        self._client = client_of(address, name)
        self._client.max_inflight_messages_set(in_flight)
        self._client.reconnect_delay_set(1, 30)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._client.connect_async(address.host, address.port, address.keepalive_s)
        self._client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._connected

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged."""
        with self._change:
            return len(self._waiting)

    def publish(self, message: Message, stop: threading.Event, done: Acknowledged | None = None) -> bool:
        """Send a message, waiting while too many are in flight; False if `stop` came first."""
        with self._change:
            while len(self._waiting) >= self._in_flight:
                if stop.is_set():
                    return False
                self._change.wait(0.1)
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        with self._change:
            self.stats.published += 1
            self.stats.bytes += len(message.payload)
            if info.mid in self._early:  # the acknowledgement was faster than we
                self._early.discard(info.mid)
                early = True
            else:
                self._waiting[info.mid] = done
                early = False
        if early and done is not None:
            done()
        return True

    def drain(self, seconds: float) -> bool:
        """Wait until everything is acknowledged; False if that took longer."""
        deadline = time.monotonic() + seconds
        with self._change:
            while self._waiting:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._change.wait(left)
        return True

    def close(self) -> None:
        """Say good-bye, which spares the last will, and stop."""
        self._closing = True
        self._client.disconnect()
        self._client.loop_stop()
        # Without a cycle of references paho closes all its sockets at once.
        self._client.on_connect = self._client.on_disconnect = self._client.on_publish = None

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, props: Any) -> None:
        if reason.is_failure:
            LOG.warning("broker_refused reason=%s", reason)
            return
        self._connected = True

    def _on_disconnect(self, client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, props: Any) -> None:
        self._connected = False
        if not self._closing:
            self.stats.connections_lost += 1
            LOG.warning("connection_lost reason=%s", reason)

    def _on_publish(self, client: mqtt.Client, data: Any, mid: int, reason: ReasonCode, props: Any) -> None:
        with self._change:
            self.stats.acknowledged += 1
            if mid in self._waiting:
                done = self._waiting.pop(mid)
            else:
                self._early.add(mid)
                done = None
            self._change.notify_all()
        if done is not None:
            done()


class Publisher:
    """A fleet of gateways; a lane (any number) always uses the same one, so that its messages stay in order."""

    def __init__(
        self, link: Link, *, connections: int = 4, in_flight: int = 500, wills: Sequence[Message] = ()
    ) -> None:
        cap = min(in_flight, link.receive_maximum)
        prefix = link.address.client_prefix
        run = uuid.uuid4().hex[:8]  # two simulators on one broker must not push each other out
        self._gateways = [
            Gateway(link.address, f"{prefix}-{run}-{k + 1}", cap, wills[k] if k < len(wills) else None)
            for k in range(connections)
        ]

    @property
    def stats(self) -> PublishStats:
        """Counts over all gateways."""
        parts = [g.stats for g in self._gateways]
        return PublishStats(
            published=sum(p.published for p in parts),
            acknowledged=sum(p.acknowledged for p in parts),
            bytes=sum(p.bytes for p in parts),
            connections_lost=sum(p.connections_lost for p in parts),
        )

    def connected(self, lane: int) -> bool:
        """Whether the lane's connection stands."""
        return self._gateway(lane).connected

    def publish(self, lane: int, message: Message, stop: threading.Event, done: Acknowledged | None = None) -> bool:
        """Send a message; blocks while the broker is behind, False if `stop` came first.

        `done` is called once the broker has acknowledged, from the connection's thread.
        """
        return self._gateway(lane).publish(message, stop, done)

    def drain(self, seconds: float) -> bool:
        """Wait until everything sent is acknowledged; False if that took longer."""
        deadline = time.monotonic() + seconds
        return all(g.drain(max(deadline - time.monotonic(), 0.0)) for g in self._gateways)

    def wait_connected(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until all connections stand."""
        deadline = time.monotonic() + seconds
        while not all(g.connected for g in self._gateways):
            if stop.wait(0.02) or time.monotonic() > deadline:
                return False
        return True

    def close(self) -> None:
        """Close all connections."""
        for gateway in self._gateways:
            gateway.close()

    def _gateway(self, lane: int) -> Gateway:
        return self._gateways[lane % len(self._gateways)]
