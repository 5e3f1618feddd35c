"""The bounded hand-over from the network thread to the loop of the stage."""

from __future__ import annotations

import threading
import time
from collections import deque

from collector.packet import Packet

# The smallest window of unacknowledged messages that brokers give (mosquitto to MQTT 3.1.1: 20). Holding this many,
# a pause may mean that the broker waits for us; holding fewer, it only means that nothing came.
_SMALLEST_WINDOW = 20
_STEP_S = 0.005  # a pause is looked for in steps
_PAUSE_STEPS = 4  # in a row without a packet are one
_PRESSED_S = 0.02  # between two looks whether a full inbox has room
# For how long a full inbox holds the network thread while batches are being written. It presses back through TCP on
# brokers that send more than their window (mosquitto before 2.0.13); it must stay well below the keep-alive, after
# which the broker takes a silent client for dead.
_PATIENCE_S = 4.0
# Size of payloads at which a batch is full. A thousand usual packets have a fifth of it; packets of 64 KiB, each of
# which may claim thousands of readings, must not fill the memory when they are decoded together.
BATCH_BYTES = 1_000_000
# Payloads that wait at most. A window of usual packets has a hundredth of it; of the largest it has thousands more.
_WAITING_BYTES = 48_000_000
_OF_PACKET = 600  # bytes of memory of a packet beside its payload


class Inbox:
    """Packets in the order in which they came: at most `capacity` of them, and so many bytes of payload."""

    def __init__(self, capacity: int, *, most_bytes: int = _WAITING_BYTES) -> None:
        # Not a `queue.SimpleQueue`: interrupted by a signal at the end of its time, its `get` waits for ever (before
        # Python 3.13), and the collector would not end.
        self._queue: deque[Packet] = deque()
        # Set when at least `_wanted` packets wait: a thread that is woken for each of them takes the interpreter from
        # the other one each time, which costs a tenth of the processor time of a backlog.
        self._news = threading.Event()
        self._wanted = 1
        self._capacity = capacity
        self._most_bytes = most_bytes
        # Each is written by one thread only: the one that puts and the one that takes.
        self._bytes_put = self._bytes_taken = 0
        self._room = threading.Event()
        self._aside: deque[Packet] = deque()
        self._closed = False
        self._gathered_at = time.monotonic()

    def __len__(self) -> int:
        """Return how many packets wait."""
        return len(self._queue)

    def offer(self, packet: Packet) -> bool:
        """Take a packet, once there is room; False where none comes, so that the broker must keep it."""
        while self._is_full:
            if self._closed or time.monotonic() - self._gathered_at > _PATIENCE_S:
                return False
            self._room.wait(_PRESSED_S)
        if self._closed:
            return False
        self._bytes_put += _size(packet)
        self._queue.append(packet)
        if len(self._queue) >= self._wanted and not self._news.is_set():
            self._news.set()
        return True

    def set_aside(self, packet: Packet) -> bool:
        """Take a packet that can only go to the quarantine; False where too many of them wait."""
        if self._closed or len(self._aside) >= self._capacity:
            return False
        self._aside.append(packet)
        self._news.set()
        return True

    def aside(self) -> list[Packet]:
        """Return what was set aside."""
        return [self._aside.popleft() for _ in range(len(self._aside))]

    @property
    def _is_full(self) -> bool:
        waiting = len(self._queue)
        return waiting >= self._capacity or (waiting > 0 and self._bytes_put - self._bytes_taken >= self._most_bytes)

    def close(self) -> None:
        """Take nothing more; what is held can still be gathered."""
        self._closed = True
        self._room.set()

    def gather(self, limit: int, *, first_s: float, batch_s: float) -> list[Packet]:
        """Return the next batch of at most `limit` packets, empty if none came within `first_s`.

        A batch ends when it is full (packets or bytes), `batch_s` after its first packet, or when the broker goes quiet
        although we hold as much as it may have open.
        """
        packets = self._gathered(limit, first_s, batch_s)
        if packets:
            self._bytes_taken += sum(map(_size, packets))
            self._gathered_at = time.monotonic()
        return packets

    def _gathered(self, limit: int, first_s: float, batch_s: float) -> list[Packet]:
        self._await(1, first_s)
        packets: list[Packet] = []
        size = quiet = 0
        end = time.monotonic() + batch_s
        while len(packets) < limit and size < BATCH_BYTES and quiet < _PAUSE_STEPS:
            if self._queue:
                packets.append(self._queue.popleft())
                size += packets[-1].length
                quiet = 0
            elif not packets or (left := end - time.monotonic()) <= 0:
                break
            elif len(packets) < _SMALLEST_WINDOW:
                self._await(_SMALLEST_WINDOW - len(packets), left)
            else:
                self._await(limit - len(packets), min(left, _STEP_S))
                quiet += 1
        return packets

    def _await(self, count: int, wait_s: float) -> None:
        """Wait until so many packets are there, or the time is over."""
        if len(self._queue) < count and wait_s > 0:
            self._wanted = count
            self._news.clear()
            if len(self._queue) < count:  # what came before the clearing is seen here, what comes after ends the wait
                self._news.wait(wait_s)


def _size(packet: Packet) -> int:
    return len(packet.payload) + _OF_PACKET
