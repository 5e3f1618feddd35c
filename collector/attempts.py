"""How our connections to the broker went: what to say of it, which version to speak, how soon to come back."""

from __future__ import annotations

import logging
import time

from collector.patience import Sayings
from collector.settings import MqttSettings

log = logging.getLogger(__name__)

_RECONNECT_S = (1, 30)
_DISPUTED_RECONNECT_S = (20, 40)  # where connections do not last
_CLOSES_BEFORE_SWITCH = 2  # connections closed before any answer: a broker that knows no MQTT 5
_LASTING_S = 5.0  # a connection that ends sooner ...
_SHORT_ONES = 3  # ... so many times in a row has a reason that a quick return does not mend
_DISPUTED_S = 90.0  # after a takeover of our session we do not call ourselves well for so long


class Attempts:
    """The connections of one session, one after the other; each problem is said once a minute.

    Attributes
    ----------
    problem
        Why we are not connected, or were not.
    error
        What the client said last of a failing socket.
    version5
        Speak MQTT 5; else 3.1.1.
    switch
        Try the other version. Away from MQTT 5 only before the broker has understood it once: a broker behind a proxy,
        or one that is just starting, closes connections too.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._sayings = Sayings()
        self.problem = "not connected yet"
        self.error = ""
        self.version5 = settings.version != "3.1.1"
        self.switch = False
        self.stopping = False
        self._answered = False
        self._early_closes = 0
        self._knows_5 = False
        self._short_ones = 0
        self._connected_at = 0.0
        self._disputed_until = 0.0

    @property
    def version(self) -> str:
        """The version as people write it."""
        return "5" if self.version5 else "3.1.1"

    @property
    def disputed(self) -> bool:
        """Tell whether connections did not last: somebody else seems to use our name."""
        return time.monotonic() < self._disputed_until

    @property
    def delay_s(self) -> tuple[int, int]:
        """Shortest and longest wait before coming back after a connection [s]."""
        return _DISPUTED_RECONNECT_S if self.disputed else _RECONNECT_S

    def begin(self) -> None:
        """Note that a connection is being made."""
        self._answered, self.error = False, ""

    def switched(self) -> None:
        """Speak the other version from now on."""
        self.switch, self.version5, self._early_closes = False, not self.version5, 0
        self.warn(f"broker does not answer us, trying version {self.version}")

    def accepted(self, *, session_present: bool) -> None:
        """Note that the broker took us in."""
        self._knows_5 |= self.version5
        self._answered, self._early_closes, self._connected_at = True, 0, time.monotonic()
        if self._sayings.due("connected"):
            log.info("connected session_present=%s version=%s", session_present, self.version)

    def refused(self, reason: str, *, unsupported: bool) -> None:
        """Note that the broker answered no."""
        self._answered, self.problem = True, f"refused: {reason}"
        if self._sayings.due(self.problem):
            log.error("broker refuses us reason=%s client_id=%s", reason, self._settings.client_id)
        if self.version5 and unsupported:
            self.switch = self._may_switch
        else:
            self._knows_5 |= self.version5

    def failed(self, reason: str) -> None:
        """Note that there was no connection."""
        self.problem, self._short_ones = f"cannot be reached: {reason}", 0  # it is the way, nobody of our name
        if not self.stopping and self._sayings.due(self.problem):
            host, port = self._settings.host, self._settings.port
            log.warning("broker cannot be reached host=%s port=%s reason=%s", host, port, reason)

    def closed_early(self) -> None:
        """Note that a connection ended before we were taken in."""
        if self._answered:
            return  # it was refused, which says more
        self.problem, self._short_ones = f"closed the connection before it answered {self.error}".rstrip(), 0
        self.warn(f"broker {self.problem}")
        self._early_closes += 1
        if self._early_closes >= _CLOSES_BEFORE_SWITCH:
            self.switch = self._may_switch

    def lost(self, reason: str, *, taken_over: bool) -> None:
        """Note why a connection ended, and whether they end again and again."""
        self._short_ones = self._short_ones + 1 if time.monotonic() - self._connected_at < _LASTING_S else 0
        asked = f"is mqtt.client_id {self._settings.client_id!r} used twice?"
        if taken_over:
            self.problem = f"another client took our session: {asked}"
        elif self._short_ones >= _SHORT_ONES:
            self.problem = f"connections do not last ({reason}): {asked}"
        else:
            self.problem = f"connection lost: {reason} {self.error}".rstrip()
        if taken_over or self._short_ones >= _SHORT_ONES:
            self._disputed_until = time.monotonic() + _DISPUTED_S
        self.warn(f"disconnected, {self.problem}")

    def warn(self, text: str) -> None:
        """Say something that went wrong, once a minute."""
        if self._sayings.due(text):
            log.log(logging.INFO if self.stopping else logging.WARNING, "%s", text)

    @property
    def _may_switch(self) -> bool:
        return self._settings.version == "auto" and not self.stopping and not (self.version5 and self._knows_5)
