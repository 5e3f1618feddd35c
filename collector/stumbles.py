"""Packets that a bug kept from being handed over: how often, and when to ask the broker for them again."""

from __future__ import annotations

import hashlib
import time

from collector.client import Arrival

_TRIES = 3  # of one packet
_FIRST_S, _LONGEST_S = 1.0, 30.0  # from a failure to the reconnect that brings the packet again
_FORGOTTEN_S = 120.0  # without a failure for so long, the next one is brought again as soon as the first
_PATIENCE_S = (
    30.0  # the reconnect waits for an idle moment, as it also brings again what is only waiting, but not longer
)
# No broker has more on its way to us (MQTT 5 §3.1.2.11.3).
_REMEMBERED = 65_535


class Stumbles:
    """The packets that failed, by their content: packet ids begin anew in a new session."""

    def __init__(self) -> None:
        self._tries: dict[bytes, int] = {}
        self._again_at: float | None = None
        self._wait_s = _FIRST_S
        self._last_at = 0.0

    def enough(self, arrival: Arrival) -> bool:
        """Note one more failure of a packet; tell whether it was the last that it may have."""
        self._ask_again()
        key = hashlib.sha256(arrival.topic.encode() + b"\0" + arrival.payload).digest()
        tries = self._tries.pop(key, 0) + 1
        if tries >= _TRIES:
            return True
        if len(self._tries) >= _REMEMBERED:
            self._tries.pop(next(iter(self._tries)))
        self._tries[key] = tries
        return False

    def due(self, *, busy: bool) -> bool:
        """Tell whether to reconnect now; each time in a row it takes longer until the next."""
        at = self._again_at
        if at is None or time.monotonic() < at + (_PATIENCE_S if busy else 0.0):
            return False
        self._again_at = None
        self._wait_s = min(2 * self._wait_s, _LONGEST_S)
        return True

    def connected(self) -> None:
        """Note a new connection, which brings all again."""
        self._again_at = None

    def _ask_again(self) -> None:
        now = time.monotonic()
        if now - self._last_at > _FORGOTTEN_S:
            self._wait_s = _FIRST_S
        self._last_at = now
        if self._again_at is None:
            self._again_at = now + self._wait_s
