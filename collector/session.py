"""The session with the broker: persistent, QoS 1, acknowledged by hand. `client.py` makes paho quick.

What is guarded against here:

* A new process must find its queue: fixed client id, clean start off, a session expiry (MQTT 5) or no clean session
  (3.1.1). Where the broker had lost it all the same, `losses.py` takes note.
* paho's network thread dies silently when a callback raises, and still says that it is connected: callbacks only hand
  over, and `tend` looks at the thread itself.
* Packet ids begin anew in a new session: each packet carries the generation of its connection, and acknowledgements
  of older generations are dropped; the broker brings those packets again.
* An unacknowledged packet comes again only after a reconnect: what the full inbox had to refuse makes `tend` reconnect.
* Two clients of one name take the session from each other without end: it is said, and we come back slowly.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import LogLevel
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector.attempts import Attempts
from collector.client import Arrival, QuickClient, kept_session, use_tls, why
from collector.inbox import Inbox
from collector.losses import DROPPED_TOPIC, Losses
from collector.packet import Packet, clip
from collector.settings import MqttSettings
from collector.subscriptions import Remembered
from heating.clock import Clock
from heating.errors import ConfigError
from heating.instants import to_ms
from heating.settings import read_secret

log = logging.getLogger(__name__)

_RESTART_S = 5.0  # between two restarts of a dead network thread
_RESUBSCRIBE_S = 60.0  # between two tries of a subscription that was refused or not answered
_STOP_S = 5.0
# A broker that goes on from its state on disk brings all again that was acknowledged since it wrote that, unmarked. So
# long after coming back to a kept session we look into the quarantine for what is rejected.
_REPEATS_S = 600.0
_UNSUPPORTED_VERSION, _TAKEN_OVER, _GRANTED_QOS_1 = 0x84, 0x8E, 1


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

    def __init__(
        self, settings: MqttSettings, inbox: Inbox, clock: Clock, remembered: Remembered, losses: Losses
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._remembered = remembered
        self._losses = losses
        self._attempts = Attempts(settings)
        self._wanted = tuple(dict.fromkeys(topic.filter for topic in settings.topics))
        self._lock = threading.Lock()  # held for a generation and its acknowledgements
        self._subscribing = threading.Lock()  # held for subscriptions and the list of those asked for
        self._generation = 0
        self._connected = False
        self._resumed_left = 0
        self._repeats_until = 0.0
        self._granted: frozenset[str] = frozenset()
        self._pending: dict[int, str] = {}
        self._refused: dict[str, str] = {}
        self._asks_for_drops = True
        self._thread: threading.Thread | None = None
        self._started_at = self._last_packet_at = self._subscribed_at = time.monotonic()
        self._connections = self._restarts = self._shed = 0
        self._shed_seen = 0
        self._client = self._new_client()

    def start(self) -> None:
        """Begin to connect; goes on by itself until `stop`."""
        self._started_at = time.monotonic()
        s = self._settings
        if self._attempts.version5:
            self._client.connect_async(s.host, s.port, s.keepalive_s, clean_start=False, properties=kept_session(s))
        else:
            self._client.connect_async(s.host, s.port, s.keepalive_s)
        self._client.loop_start()

    def stop(self) -> None:
        """Send what is queued (acknowledgements), then leave; the broker keeps the session."""
        self._attempts.stopping = True
        self._leave()

    def tend(self) -> None:
        """Look after the session, from the loop of the stage: at least every few seconds."""
        thread, now = self._thread, time.monotonic()
        if self._attempts.switch:
            self._attempts.switched()
            self._restart()
        elif (thread is None or not thread.is_alive()) and now - self._started_at > _RESTART_S:
            self._attempts.warn("network thread died, restarting")
            self._restart()
        elif self._shed > self._shed_seen and not len(self._inbox):
            log.warning("reconnecting for packets that the full inbox had refused packets=%s", self._shed)
            self._shed_seen = self._shed
            self._restart()
        elif self._connected and not self._subscribed:
            if now - self._subscribed_at > _RESUBSCRIBE_S:
                self._subscribe(self._client)
        elif self._connected:
            self._losses.alive(self._clock.now())

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
        subscribed = self._connected and self._subscribed and not self._attempts.disputed
        return Link(
            thread_alive=alive,
            connected=self._connected,
            subscribed=subscribed,
            text=self._text(alive=alive, subscribed=subscribed),
            version=self._attempts.version,
            connections=self._connections,
            restarts=self._restarts,
            shed=self._shed,
            idle_s=time.monotonic() - self._last_packet_at,
        )

    @property
    def _subscribed(self) -> bool:
        return not self._refused and set(self._wanted) <= self._granted

    def _text(self, *, alive: bool, subscribed: bool) -> str:
        broker = f"{self._settings.host}:{self._settings.port}"
        if not alive:
            return f"network thread for broker {broker} is dead"
        if not self._connected:
            return f"broker {broker}: {self._attempts.problem}"
        if self._refused:
            topic, reason = next(iter(self._refused.items()))
            return f"broker {broker} refuses the subscription {topic!r}: {reason}"
        if not self._subscribed:
            return f"broker {broker}: connected, waiting for subscriptions"
        return f"broker {broker}: {'connected' if subscribed else self._attempts.problem}"

    # --- the client -------------------------------------------------------------------------------------------

    def _new_client(self) -> QuickClient:
        s = self._settings
        client = QuickClient(s.client_id, version5=self._attempts.version5, arrived=self._on_arrival)
        if s.username:
            client.username_pw_set(s.username, read_secret("mqtt.password_file", s.password_file))
        use_tls(client, s)
        client.reconnect_delay_set(*self._attempts.delay_s)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_log = self._on_log
        return client

    def _restart(self) -> None:
        self._leave()
        self._restarts += 1
        with self._lock:
            self._connected = False
            self._generation += 1
            self._thread = None
        try:
            self._client = self._new_client()
        except ConfigError as problem:  # a file that is just being replaced: the thread stays dead until the next try
            self._attempts.problem = str(problem)
            self._attempts.warn(f"cannot connect, {problem}")
            self._started_at = time.monotonic()
        else:
            self.start()

    def _leave(self) -> None:
        thread = self._thread
        self._client.leave()
        if thread is not None:
            thread.join(_STOP_S)
            if thread.is_alive():
                log.warning("network thread does not end thread=%s", thread.name)

    # --- callbacks, in the network thread: they hand over and never raise ----------------------------------------

    def _on_pre_connect(self, client: Client, userdata: Any) -> None:
        if client is not self._client:
            return
        self._thread = threading.current_thread()
        self._attempts.begin()
        with self._lock:
            self._connected = False
            self._generation += 1
            self._client.forget_queued()
        self._take_new_password(client)

    def _take_new_password(self, client: Client) -> None:
        """Read the password again: it may have been replaced since."""
        s = self._settings
        try:
            if s.username:
                client.username_pw_set(s.username, read_secret("mqtt.password_file", s.password_file))
        except ConfigError as problem:
            self._attempts.warn(f"the password read before is used on, {problem}")

    def _on_log(self, client: Client, userdata: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR and client is self._client:
            self._attempts.error = text

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            self._attempts.refused(str(reason), unsupported=reason.value == _UNSUPPORTED_VERSION)
            return
        with self._lock:
            self._generation += 1
            self._connected = True
            self._connections += 1
            self._resumed_left = self._settings.receive_maximum if flags.session_present else 0
            self._repeats_until = time.monotonic() + _REPEATS_S if flags.session_present else 0.0
        self._attempts.accepted(session_present=flags.session_present)
        self._losses.connected(self._clock.now(), kept=flags.session_present)
        self._warn_of_short_session(properties)
        stale = sorted(self._remembered.load() - set(self._wanted))
        if stale and flags.session_present:
            log.info("unsubscribing filters=%s", stale)
            client.unsubscribe(stale)
        # Also where the broker kept the session: it may have kept an older one than the last that we had.
        self._subscribe(client)

    def _warn_of_short_session(self, properties: Properties | None) -> None:
        kept_s = getattr(properties, "SessionExpiryInterval", None)
        if kept_s is not None and kept_s < self._settings.session_expiry_s:
            self._attempts.warn(f"the broker keeps our session for less than asked for, {kept_s} s")

    def _subscribe(self, client: Client) -> None:
        with self._subscribing:
            self._subscribed_at = time.monotonic()
            self._granted, self._refused, self._pending = frozenset(), {}, {}
            # One filter a packet: a broker that refuses one may not spoil the others.
            for topic in self._wanted:
                if self._attempts.version5:
                    options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
                    _, mid = client.subscribe(topic, options=options)
                else:
                    _, mid = client.subscribe(topic, 1)
                if mid is not None:
                    self._pending[mid] = topic
            if self._asks_for_drops and self._attempts.version5:
                # With QoS 1: a QoS 0 message in the queue made mosquitto 2.0.11 forget another one at its restart.
                self._pending[client.subscribe(DROPPED_TOPIC, 1)[1] or 0] = DROPPED_TOPIC

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        with self._subscribing:
            topic = self._pending.pop(mid, None)
            if topic is None or not reasons:
                return
            if topic == DROPPED_TOPIC:
                return  # refused or not: not every broker tells
            if reasons[0].is_failure:
                self._refused[topic] = str(reasons[0])
            else:
                self._granted |= {topic}
        if reasons[0].is_failure:
            self._attempts.warn(f"subscription refused filter={topic} reason={reasons[0]}")
        elif reasons[0].value < _GRANTED_QOS_1:
            self._attempts.warn(f"subscribed with QoS 0 only, nothing is kept while we are away filter={topic}")
        else:
            log.info("subscribed filter=%s", topic)
        if self._granted == frozenset(self._wanted):
            self._remembered.save(self._granted)
            self._losses.alive(self._clock.now())

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        if client is self._client:
            self._attempts.failed(why(sys.exc_info()[1]))

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        with self._lock:
            was_connected, self._connected = self._connected, False
            self._generation += 1
        if DROPPED_TOPIC in self._pending.values():
            self._asks_for_drops = False  # some brokers throw out who asks for such a topic
        if was_connected:
            self._attempts.lost(str(reason), taken_over=reason.value == _TAKEN_OVER)
            client.reconnect_delay_set(*self._attempts.delay_s)
        else:
            self._attempts.closed_early()

    def _on_arrival(self, client: Client, arrival: Arrival) -> None:
        try:
            if client is not self._client:
                return
            if arrival.topic == DROPPED_TOPIC:
                self._losses.dropped(arrival.payload, self._clock.now())
                self._client.acknowledge([arrival.mid] if arrival.qos else [])
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
            # Some brokers bring again what was on its way without saying so.
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
            maybe_repeated=self._last_packet_at < self._repeats_until,
            mid=arrival.mid,
            qos=arrival.qos,
            generation=self._generation,
        )
