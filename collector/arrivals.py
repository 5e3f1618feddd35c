"""From the network thread into the inbox: what arrives becomes a packet and is handed over, and nothing is raised.

What is guarded against here:

* An unacknowledged packet comes again only after a reconnect: what the full inbox had to refuse, and what a bug kept
  from being handed over, asks for one (`come_again`).
* A packet that a bug stops each time must neither stop those behind it nor be lost: after a few tries it is set aside
  as it came, for the quarantine.
* Some brokers bring again what was on its way without saying so.
"""

from __future__ import annotations

import logging
import time

from collector.client import Arrival
from collector.inbox import Inbox
from collector.packet import Packet, clip
from collector.patience import Sayings
from collector.stumbles import Stumbles
from heating.clock import Clock
from heating.instants import to_ms

log = logging.getLogger(__name__)

# A broker that goes on from its state on disk brings all again that was acknowledged since it wrote that, unmarked. So
# long after coming back to a kept session we look into the quarantine for what is rejected.
_REPEATS_S = 600.0


class Arrivals:
    """Hands over what arrives on the connections of one session.

    Attributes
    ----------
    last_at
        When the last packet came (monotonic) [s]; until one came, when the collector began.
    any
        Whether one came.
    shed
        Packets left to the broker since the inbox was full.
    stumbled
        Tries of packets that ended in a bug.
    """

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self._stumbles = Stumbles()
        self._sayings = Sayings()
        self._resumed_left = 0
        self._repeats_until = 0.0
        self._shed_seen = 0
        self.last_at = time.monotonic()
        self.any = False
        self.shed = self.stumbled = 0

    def connected(self, *, resumed: int) -> None:
        """Note a new connection, which brings again whatever is not acknowledged.

        The first `resumed` packets on it may have been here before; 0 in a new session.
        """
        self._resumed_left = resumed
        self._repeats_until = time.monotonic() + _REPEATS_S if resumed else 0.0
        self._shed_seen = self.shed
        self._stumbles.connected()

    def take(self, arrival: Arrival, generation: int) -> None:
        """Hand over what arrived; never raises."""
        try:
            self.last_at, self.any = time.monotonic(), True
            if not self._inbox.offer(self._packet(arrival, generation)):
                self.shed += 1
        except Exception as problem:  # noqa: BLE001 - it would end paho's thread
            self.failed(arrival, generation, problem)

    def failed(self, arrival: Arrival, generation: int, problem: Exception) -> None:
        """Note that a bug kept a packet from being handed over; never raises."""
        try:
            self.stumbled += 1
            if self._sayings.due(type(problem).__name__):
                log.error("hand-over failed topic=%s mid=%s", arrival.topic, arrival.mid, exc_info=problem)
            # Only with QoS 1 does an unacknowledged packet come again to who acknowledges by hand.
            if self._stumbles.enough(arrival) or arrival.qos != 1:
                self._set_aside(arrival, generation)
        except Exception:
            log.exception("packet left to the broker mid=%s", arrival.mid)

    def come_again(self) -> str:
        """Return why the broker should bring unacknowledged packets again, which takes a reconnect; blank if not."""
        waiting = len(self._inbox)
        if self.shed > self._shed_seen and not waiting:
            self._shed_seen = self.shed
            return f"packets that the full inbox had refused packets={self.shed}"
        if self._stumbles.due(busy=waiting > 0):
            return f"packets that could not be handed over tries={self.stumbled}"
        return ""

    def _set_aside(self, arrival: Arrival, generation: int) -> None:
        payload, sha256 = clip(arrival.payload)
        taken = self._inbox.set_aside(
            Packet(
                topic=arrival.topic,
                payload=payload,
                received_ms=to_ms(self._clock.now()),
                length=len(arrival.payload),
                sha256=sha256,
                redelivered=arrival.dup,
                maybe_repeated=self.last_at < self._repeats_until,
                mid=arrival.mid,
                qos=arrival.qos,
                generation=generation,
            )
        )
        if not taken:
            self.shed += 1

    def _packet(self, arrival: Arrival, generation: int) -> Packet:
        payload, sha256 = clip(arrival.payload)
        redelivered = arrival.dup
        if self._resumed_left:
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
            maybe_repeated=self.last_at < self._repeats_until,
            mid=arrival.mid,
            qos=arrival.qos,
            generation=generation,
        )
