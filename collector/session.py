"""The session with the broker: persistent, QoS 1, acknowledged by hand. `client.py` makes paho quick.

What is guarded against here:

* A new process must find its queue: fixed client id, clean start off, a session expiry (MQTT 5) or no clean session
  (3.1.1). Where the broker had lost it all the same, `losses.py` takes note.
* paho's network thread dies silently when a callback raises, and still says that it is connected: callbacks only hand
  over, and `tend` looks at the thread itself.
* Packet ids begin anew in a new session: each packet carries the generation of its connection, and acknowledgements
  of older generations are dropped; the broker brings those packets again.
* An unacknowledged packet comes again only after a reconnect, which `arrivals.py` asks `tend` for.
* A subscription can be refused, or be one of yesterday: `subscriptions.py` looks after them.
* Two clients of one name take the session from each other without end: `attempts.py` says it, and has us come back
  slowly.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import LogLevel
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collector.arrivals import Arrivals
from collector.attempts import Attempts
from collector.client import Arrival, QuickClient, kept_session
from collector.connecting import log_in, use_tls, why
from collector.inbox import Inbox
from collector.link import Link
from collector.losses import DROPPED_TOPIC, Losses
from collector.packet import Packet
from collector.settings import MqttSettings
from collector.subscriptions import Remembered, Subscriptions
from heating.clock import Clock
from heating.errors import ConfigError

log = logging.getLogger(__name__)

_RESTART_S = 5.0  # between two restarts of a dead network thread
_STOP_S = 5.0
_UNSUPPORTED_VERSION, _TAKEN_OVER = 0x84, 0x8E


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
        self._clock = clock
        self._losses = losses
        self._attempts = Attempts(settings)
        self._arrivals = Arrivals(inbox, clock)
        self._subscriptions = Subscriptions((t.filter for t in settings.topics), remembered, self._attempts.warn)
        self._lock = threading.Lock()  # held for a generation and its acknowledgements
        self._generation = 0
        self._connected = False
        self._thread: threading.Thread | None = None
        self._started_at = time.monotonic()
        self._connections = self._restarts = 0
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
        elif self._connected and (reason := self._arrivals.come_again()):
            log.warning("reconnecting for %s", reason)
            self._restart()
        elif self._connected:
            self._subscriptions.tend(self._client)
            if self._subscriptions.complete:
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
        thread, arrivals = self._thread, self._arrivals
        alive = thread.is_alive() if thread else time.monotonic() - self._started_at < _RESTART_S
        subscribed = self._connected and self._subscriptions.complete and not self._attempts.disputed
        return Link(
            thread_alive=alive,
            connected=self._connected,
            subscribed=subscribed,
            text=self._text(alive=alive, subscribed=subscribed),
            version=self._attempts.version,
            connections=self._connections,
            restarts=self._restarts,
            shed=arrivals.shed,
            stumbled=arrivals.stumbled,
            any_packet=arrivals.any,
            idle_s=time.monotonic() - arrivals.last_at,
        )

    def _text(self, *, alive: bool, subscribed: bool) -> str:
        broker = f"broker {self._settings.host}:{self._settings.port}"
        if not alive:
            return f"network thread for {broker} is dead"
        if not self._connected:
            return f"{broker}: {self._attempts.problem}"
        if self._subscriptions.problem:
            return f"{broker}: {self._subscriptions.problem}"
        return f"{broker}: {'connected' if subscribed else self._attempts.problem}"

    # --- the client -------------------------------------------------------------------------------------------

    def _new_client(self) -> QuickClient:
        s = self._settings
        client = QuickClient(s.client_id, version5=self._attempts.version5, arrived=self._on_arrival)
        log_in(client, s)
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
        self._new_generation(connected=False)  # first: a connection that we end ourselves was not lost
        self._leave()
        self._restarts += 1
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
        self._client.release()

    def _new_generation(self, *, connected: bool) -> bool:
        """Begin another generation of packets; return whether we were connected until now."""
        with self._lock:
            was_connected, self._connected = self._connected, connected
            self._generation += 1
            return was_connected

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
        try:
            log_in(self._client, self._settings)
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
        kept = flags.session_present
        self._arrivals.connected(resumed=self._settings.receive_maximum if kept else 0)
        self._new_generation(connected=True)
        self._connections += 1
        self._attempts.accepted(session_present=kept)
        self._losses.connected(self._clock.now(), kept=kept)
        self._warn_of_short_session(properties)
        self._subscriptions.connected(self._client, kept=kept)

    def _warn_of_short_session(self, properties: Properties | None) -> None:
        kept_s = getattr(properties, "SessionExpiryInterval", None)
        if kept_s is not None and kept_s < self._settings.session_expiry_s:
            self._attempts.warn(f"the broker keeps our session for less than asked for, {kept_s} s")

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        if client is not self._client or not reasons:
            return
        if self._subscriptions.answered(mid, reasons[0].value, str(reasons[0])):
            self._losses.alive(self._clock.now())

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        if client is self._client:
            self._attempts.failed(why(sys.exc_info()[1]))

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if client is not self._client:
            return
        self._subscriptions.disconnected()
        if self._new_generation(connected=False):
            self._attempts.lost(str(reason), taken_over=reason.value == _TAKEN_OVER)
            client.reconnect_delay_set(*self._attempts.delay_s)
        else:
            self._attempts.closed_early()

    def _on_arrival(self, client: Client, arrival: Arrival) -> None:
        if client is not self._client:
            return
        if arrival.topic == DROPPED_TOPIC:
            self._take_note_of_drops(arrival)
        else:
            self._arrivals.take(arrival, self._generation)

    def _take_note_of_drops(self, arrival: Arrival) -> None:
        try:
            self._losses.dropped(arrival.payload, self._clock.now())
            self._client.acknowledge([arrival.mid] if arrival.qos else [])
        except Exception as problem:  # noqa: BLE001 - it would end paho's thread
            self._arrivals.failed(arrival, self._generation, problem)
