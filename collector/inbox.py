"""The bounded hand-over from the network thread to the loop of the stage."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue

from collector.packet import Packet

# The smallest window of unacknowledged messages that brokers give (mosquitto to MQTT 3.1.1: 20). Holding this many,
# a pause may mean that the broker waits for us; holding fewer, it only means that nothing came.
_SMALLEST_WINDOW = 20
_PAUSE_S = 0.02


class Inbox:
    """Packets in the order in which they came; `offer` never blocks."""

    def __init__(self, capacity: int) -> None:
        self._queue: SimpleQueue[Packet] = SimpleQueue()
        self._capacity = capacity
        self._closed = False

    def __len__(self) -> int:
        """Return how many packets wait."""
        return self._queue.qsize()

    def offer(self, packet: Packet) -> bool:
        """Take a packet; False where the inbox is full or closed, so that the broker must keep it."""
        if self._closed or self._queue.qsize() >= self._capacity:
            return False
        self._queue.put(packet)
        return True

    def close(self) -> None:
        """Take nothing more; what is held can still be gathered."""
        self._closed = True

    def gather(self, limit: int, *, first_s: float, batch_s: float) -> list[Packet]:
        """Return the next batch of at most `limit` packets, empty if none came within `first_s`.

        A batch ends when it is full, `batch_s` after its first packet, or when the broker goes quiet although we hold
        as much as it may have open.
        """
        try:
            packets = [self._queue.get(timeout=first_s) if first_s > 0 else self._queue.get_nowait()]
        except Empty:
            return []
        end = time.monotonic() + batch_s
        while len(packets) < limit:
            left = end - time.monotonic()
            if len(packets) >= _SMALLEST_WINDOW:
                left = min(left, _PAUSE_S)
            try:
                packets.append(self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait())
            except Empty:
                break
        return packets
