"""A device gone mad must not starve the others: what it sends beyond its rate takes the slow way through the spool.

Nothing is dropped. As long as packets of a topic are in the spool, later ones of that topic follow them there, so that
the order of a device's readings stays.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from collector.packet import Packet

log = logging.getLogger(__name__)

# Buckets that are remembered; above that, the full ones are forgotten.
_REMEMBERED = 200_000


class Fairness:
    """A token bucket for each topic, on the time of receipt.

    Parameters
    ----------
    per_minute
        Packets of up to 1 KiB that a topic may send for long, a minute's worth at once; larger ones count once more
        for each KiB, since it is the readings in them that take the time. 0 = no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self._capacity = float(per_minute)
        self._per_ms = per_minute / 60_000
        self._buckets: dict[str, tuple[float, int]] = {}
        self._late: set[str] = set()

    def split(self, packets: Sequence[Packet]) -> tuple[list[Packet], list[Packet]]:
        """Return the packets that go ahead, and those of topics beyond their rate."""
        if not self._capacity:
            return list(packets), []
        ahead: list[Packet] = []
        behind: list[Packet] = []
        for packet in packets:
            topic = packet.topic
            if topic in self._late or not self._takes(topic, packet.received_ms, 1 + packet.length // 1024):
                self._note(topic)
                behind.append(packet)
            else:
                ahead.append(packet)
        return ahead, behind

    def caught_up(self) -> None:
        """Forget who is late: the spool is empty."""
        self._late.clear()

    def _takes(self, topic: str, now_ms: int, cost: int) -> bool:
        tokens, then_ms = self._buckets.get(topic, (self._capacity, now_ms))
        tokens = min(self._capacity, tokens + max(0, now_ms - then_ms) * self._per_ms)
        if tokens < 1.0:
            self._buckets[topic] = (tokens, now_ms)
            return False
        if len(self._buckets) >= _REMEMBERED:
            self._buckets.clear()
        self._buckets[topic] = (tokens - cost, now_ms)
        return True

    def _note(self, topic: str) -> None:
        if topic not in self._late:
            self._late.add(topic)
            log.warning("device sends beyond its rate, the rest follows through the spool topic=%s", topic)
