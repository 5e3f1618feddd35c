"""The session with the broker: persistent, QoS 1, acknowledged by hand. `client.py` makes paho quick.

What is guarded against here:

* A new process must find its queue: fixed client id, clean start off, a session expiry (MQTT 5) or no clean session
  (3.1.1).
* paho's network thread dies silently when a callback raises, and still says that it is connected: callbacks only hand
  over, and `tend` looks at the thread itself.
* Packet ids begin anew in a new session: each packet carries the generation of its connection, and acknowledgements
  of older generations are dropped; the broker brings those packets again.
* An unacknowledged packet comes again only after a reconnect: what the full inbox had to refuse makes `tend` reconnect.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector.client import Arrival, QuickClient
from collector.inbox import Inbox
from collector.packet import Packet, clip
from collector.settings import MqttSettings
from collector.subscriptions import Remembered
from heating.clock import Clock
from heating.errors import ConfigError
from heating.instants import to_ms
from heating.settings import read_secret

log = logging.getLogger(__name__)

_RECONNECT_S = (1, 30)
_RESTART_S = 5.0  # between two restarts of a dead network thread
_RESUBSCRIBE_S = 60.0  # between two tries of a refused subscription
_CLOSES_BEFORE_FALLBACK = 2  # connections closed before any answer: a broker that knows no MQTT 5
_STOP_S = 5.0
_UNSUPPORTED_VERSION = 0x84


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """State of the session as health and metrics see it."""

    thread_alive: bool
    connected: bool
    subscribed: bool
    text: str
    version: str
    connections: int
    restarts: int
    shed: int
    idle_s: float


class Session:
    """Keeps a session with the broker and hands packets to the inbox.

    Raises
    ------
    ConfigError
        If a file of credentials cannot be read.
    """

    def __init__(self, settings: MqttSettings, inbox: Inbox, clock: Clock, remembered: Remembered) -> None:
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._remembered = remembered
        self._wanted = tuple(dict.fromkeys(topic.filter for topic in settings.topics))
        self._version5 = settings.version != "3.1.1"
        self._lock = threading.Lock()  # held for a generation and its acknowledgements
        self._generation = 0
        self._connected = False
        self._resumed_left = 0
        self._granted: frozenset[str] = frozenset()
        self._pending: dict[int, tuple[str, ...]] = {}
        self._refused: dict[str, str] = {}
        self._problem = "not connected yet"
        self._early_closes = 0
        self._fall_back = False
        self._thread: threading.Thread | None = None
        self._started_at = self._last_packet_at = self._subscribed_at = time.monotonic()
        self._connections = self._restarts = self._shed = 0
        self._shed_seen = 0
        self._stopping = False
        self._client = self._new_client()

    def start(self) -> None:
        """Begin to connect; goes on by itself until `stop`."""
        self._started_at = time.monotonic()
        s = self._settings
        if self._version5:
            self._client.connect_async(s.host, s.port, s.keepalive_s, clean_start=False, properties=_kept_session(s))
        else:
            self._client.connect_async(s.host, s.port, s.keepalive_s)
        self._client.loop_start()

    def stop(self) -> None:
        """Send what is queued (acknowledgements), then leave; the broker keeps the session."""
        self._stopping = True
        self._leave()

    def tend(self) -> None:
        """Look after the session, from the loop of the stage: at least every few seconds."""
        thread, now = self._thread, time.monotonic()
        if self._fall_back:
            log.warning("broker refuses MQTT 5, falling back version=3.1.1")
            self._version5, self._fall_back = False, False
            self._restart()
        elif thread is not None and not thread.is_alive() and now - self._started_at > _RESTART_S:
            log.error("network thread died, restarting thread=%s", thread.name)
            self._restart()
        elif self._shed > self._shed_seen and not len(self._inbox):
            log.warning("reconnecting for packets that the full inbox had refused packets=%s", self._shed)
            self._shed_seen = self._shed
            self._restart()
        elif self._refused and self._connected and now - self._subscribed_at > _RESUBSCRIBE_S:
            self._subscribe(self._client)

    def acknowledge(self, packets: Sequence[Packet]) -> None:
        """Acknowledge packets; those of older connections are left, since the broker will bring them again."""
        with self._lock:
            if not self._connected:
                return
            client, generation = self._client, self._generation
            ours = [packet for packet in packets if packet.generation == generation]
            client.acknowledge([packet.mid for packet in ours if packet.qos == 1])
            for packet in ours:
                if packet.qos > 1:  # more than we asked for, but it must not come again for ever
                    client.ack(packet.mid, packet.qos)

    def link(self) -> Link:
        """Return the state of the session."""
        thread = self._thread
        alive = thread.is_alive() if thread else time.monotonic() - self._started_at < _RESTART_S
        subscribed = self._connected and not self._refused and set(self._wanted) <= self._granted
        return Link(
            thread_alive=alive,
            connected=self._connected,
            subscribed=subscribed,
            text=self._text(alive=alive, subscribed=subscribed),
            version="5" if self._version5 else "3.1.1",
            connections=self._connections,
            restarts=self._restarts,
            shed=self._shed,
            idle_s=time.monotonic() - self._last_packet_at,
        )

    def _text(self, *, alive: bool, subscribed: bool) -> str:
        broker = f"{self._settings.host}:{self._settings.port}"
        if not alive:
            return f"network thread for broker {broker} is dead"
        if not self._connected:
            return f"broker {broker}: {self._problem}"
        if self._refused:
            topic, why = next(iter(self._refused.items()))
            return f"broker {broker} refuses the subscription {topic!r}: {why}"
        return f"broker {broker}: {'connected' if subscribed else 'subscribing'}"

    # --- the client -------------------------------------------------------------------------------------------

    def _new_client(self) -> QuickClient:
        s = self._settings
        client = QuickClient(s.client_id, version5=self._version5, arrived=self._on_arrival)
        if s.username:
            client.username_pw_set(s.username, read_secret("mqtt.password_file", s.password_file))
        _use_tls(client, s)
        client.reconnect_delay_set(*_RECONNECT_S)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        return client

    def _restart(self) -> None:
        self._leave()
        self._restarts += 1
        with self._lock:
            self._connected = False
            self._generation += 1
            self._thread = None
            self._early_closes = 0
            self._client = self._new_client()
        self.start()

    def _leave(self) -> None:
        thread = self._thread
        self._client.disconnect()
        if thread is not None:
            thread.join(_STOP_S)
            if thread.is_alive():
                log.warning("network thread does not end thread=%s", thread.name)

    # --- callbacks, in the network thread: they hand over and never raise ----------------------------------------

    def _on_pre_connect(self, client: Client, userdata: Any) -> None:
        if client is self._client:
            self._thread = threading.current_thread()

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            self._problem = f"refused: {reason}"
            log.error("broker refuses us reason=%s", reason)
            self._fall_back = self._may_fall_back and reason.value == _UNSUPPORTED_VERSION
            return
        with self._lock:
            self._generation += 1
            self._connected = True
            self._connections += 1
            self._early_closes = 0
            self._resumed_left = self._settings.receive_maximum if flags.session_present else 0
        log.info("connected session_present=%s version=%s", flags.session_present, "5" if self._version5 else "3.1.1")
        stale = sorted(self._remembered.load() - set(self._wanted))
        if stale and flags.session_present:
            log.info("unsubscribing filters=%s", stale)
            client.unsubscribe(stale)
        # Also where the broker kept the session: it may have kept an older one than the last that we had.
        self._subscribe(client)

    def _subscribe(self, client: Client) -> None:
        self._subscribed_at = time.monotonic()
        self._granted, self._refused, self._pending = frozenset(), {}, {}
        # One filter a packet: a broker that refuses one may not spoil the others.
        for topic in self._wanted:
            if self._version5:
                options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
                _, mid = client.subscribe(topic, options=options)
            else:
                _, mid = client.subscribe(topic, 1)
            if mid is not None:
                self._pending[mid] = (topic,)

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        for topic, reason in zip(self._pending.pop(mid, ()), reasons, strict=False):
            if reason.is_failure:
                self._refused[topic] = str(reason)
                log.error("subscription refused filter=%s reason=%s", topic, reason)
            else:
                self._granted |= {topic}
                log.info("subscribed filter=%s", topic)
        if self._granted == frozenset(self._wanted):
            self._remembered.save(self._granted)

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        if self._problem != "cannot be reached":
            log.warning("broker cannot be reached host=%s port=%s", self._settings.host, self._settings.port)
        self._problem = "cannot be reached"

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        with self._lock:
            was_connected, self._connected = self._connected, False
            self._generation += 1
        self._problem = f"connection lost: {reason}"
        if was_connected:
            log.log(logging.INFO if self._stopping else logging.WARNING, "disconnected reason=%s", reason)
        else:
            self._early_closes += 1
            self._fall_back = self._may_fall_back and self._early_closes >= _CLOSES_BEFORE_FALLBACK

    @property
    def _may_fall_back(self) -> bool:
        return self._version5 and self._settings.version == "auto" and not self._stopping

    def _on_arrival(self, client: Client, arrival: Arrival) -> None:
        try:
            if client is not self._client:
                return
            self._last_packet_at = time.monotonic()
            if not self._inbox.offer(self._packet(arrival)):
                self._shed += 1
        except Exception:
            log.exception("hand-over failed mid=%s", arrival.mid)

    def _packet(self, arrival: Arrival) -> Packet:
        payload, sha256 = clip(arrival.payload)
        redelivered = arrival.dup
        if self._resumed_left:
            # Some brokers bring packets again without saying so; it only makes us look into the quarantine.
            self._resumed_left -= 1
            redelivered = True
        return Packet(
            topic=arrival.topic,
            payload=payload,
            received_ms=to_ms(self._clock.now()),
            length=len(arrival.payload),
            sha256=sha256,
            retained=arrival.retained,
            redelivered=redelivered,
            mid=arrival.mid,
            qos=arrival.qos,
            generation=self._generation,
        )


def _kept_session(settings: MqttSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.ReceiveMaximum = settings.receive_maximum
    return properties


def _use_tls(client: Client, settings: MqttSettings) -> None:
    if not settings.tls_ca:
        if settings.tls_cert or settings.tls_key:
            raise ConfigError("mqtt.tls_cert: needs mqtt.tls_ca (a file, or `system`)")
        return
    ca = None if settings.tls_ca == "system" else settings.tls_ca
    for key in ("tls_ca", "tls_cert", "tls_key"):
        name = getattr(settings, key)
        if name and name != "system" and not Path(name).is_file():
            raise ConfigError(f"mqtt.{key} = {name!r}: no such file")
    try:
        client.tls_set(ca_certs=ca, certfile=settings.tls_cert or None, keyfile=settings.tls_key or None)
    except (OSError, ValueError) as problem:
        raise ConfigError(f"mqtt.tls_ca, tls_cert, tls_key: {problem}") from problem
