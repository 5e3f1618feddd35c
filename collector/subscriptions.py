"""What we ask the broker to send us, and what it answered.

What is guarded against here:

* A subscription can be refused without any error: we are well only once every filter is granted.
* A session that the broker kept still has the filters of an earlier configuration: only who remembers them can
  unsubscribe them.
* Retained readings come with a new subscription only (MQTT 5), not at each connection.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from collector.client import QuickClient
from collector.losses import DROPPED_TOPIC

log = logging.getLogger(__name__)

_AGAIN_S = 60.0  # between two tries of a subscription that was refused or not answered
_GRANTED_QOS_1, _FAILURE = 1, 0x80


class Subscriptions:
    """The filters of one session; the network thread and the loop of the stage share them.

    Parameters
    ----------
    filters
        What is wanted.
    remembered
        What was granted last.
    warn
        Says a problem, but not each time.
    """

    def __init__(self, filters: Iterable[str], remembered: Remembered, warn: Callable[[str], None]) -> None:
        self._wanted = tuple(dict.fromkeys(filters))
        self._remembered = remembered
        self._warn = warn
        self._lock = threading.Lock()
        self._asked_at = 0.0
        self._granted: frozenset[str] = frozenset()
        self._refused: dict[str, str] = {}
        self._pending: dict[int, str] = {}
        self._asks_for_drops = True

    @property
    def complete(self) -> bool:
        """Tell whether all is granted."""
        return not self._refused and set(self._wanted) <= self._granted

    @property
    def problem(self) -> str:
        """What is missing; blank if nothing is."""
        if self._refused:
            topic, reason = next(iter(self._refused.items()))
            return f"refuses the subscription {topic!r}: {reason}"
        return "" if self.complete else "connected, waiting for subscriptions"

    def connected(self, client: QuickClient, *, kept: bool) -> None:
        """Ask for all, and give back what a kept session has beyond it."""
        stale = sorted(self._remembered.load() - set(self._wanted))
        if stale and kept:
            log.info("unsubscribing filters=%s", stale)
            client.unsubscribe(stale)
        # Also where the broker kept the session: it may have kept an older one than the last that we had.
        self._ask(client)

    def tend(self, client: QuickClient) -> None:
        """Ask again, after a while, for what was refused or not answered."""
        if not self.complete and time.monotonic() - self._asked_at > _AGAIN_S:
            self._ask(client)

    def answered(self, mid: int, code: int, reason: str) -> bool:
        """Note an answer of the broker; tell whether now everything is granted."""
        with self._lock:
            topic = self._pending.pop(mid, None)
            if topic is None or topic == DROPPED_TOPIC:  # granted or not: not every broker tells
                return False
            if code >= _FAILURE:
                self._refused[topic] = reason
            else:
                self._granted |= {topic}
        if code >= _FAILURE:
            self._warn(f"subscription refused filter={topic} reason={reason}")
        elif code < _GRANTED_QOS_1:
            self._warn(f"subscribed with QoS 0 only, nothing is kept while we are away filter={topic}")
        else:
            log.info("subscribed filter=%s", topic)
        if self._granted != frozenset(self._wanted):
            return False
        self._remembered.save(self._granted)
        return True

    def disconnected(self) -> None:
        """Note that the connection ended."""
        if DROPPED_TOPIC in self._pending.values():
            self._asks_for_drops = False  # some brokers throw out who asks for such a topic

    def _ask(self, client: QuickClient) -> None:
        with self._lock:
            self._asked_at = time.monotonic()
            self._granted, self._refused, self._pending = frozenset(), {}, {}
            # One filter a packet: a broker that refuses one may not spoil the others.
            for topic in self._wanted:
                mid = client.ask_for(topic)
                if mid is not None:
                    self._pending[mid] = topic
            if self._asks_for_drops and client.version5:
                # With QoS 1: a QoS 0 message in the queue made mosquitto 2.0.11 forget another one at its restart.
                self._pending[client.ask_for(DROPPED_TOPIC, retained="always") or 0] = DROPPED_TOPIC


class Remembered:
    """The list in a file of the state folder; without a folder nothing is remembered."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder) / "subscriptions.json" if folder else None

    def load(self) -> frozenset[str]:
        """Return the filters saved last, none if unknown."""
        if self._file is None:
            return frozenset()
        try:
            return frozenset(msgspec.json.decode(self._file.read_bytes(), type=list[str]))
        except (OSError, msgspec.DecodeError):
            return frozenset()

    def save(self, filters: frozenset[str]) -> None:
        """Keep the filters; a failure costs only that stale ones stay subscribed."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(".new")
            draft.write_bytes(msgspec.json.encode(sorted(filters)))
            os.replace(draft, self._file)
        except OSError as problem:
            log.warning("subscriptions not remembered reason=%s", problem)
