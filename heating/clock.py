"""Clocks: the only place that asks the machine for the time.

Decisions take `now` as an argument; loops own a `Clock`. A scaled clock lets the demo run a whole
estate, from sensor to order, on one accelerated time.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits; `now` is always aware and in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait `seconds` of this clock or until `stop` is set; return whether `stop` is set."""
        ...

    def real_seconds(self, seconds: float) -> float:
        """Return how many seconds of the machine `seconds` of this clock last."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait in real time."""
        return stop.wait(max(seconds, 0.0))

    def real_seconds(self, seconds: float) -> float:
        """Return `seconds` unchanged."""
        return seconds


class ScaledClock:
    """A clock that starts at `start` and runs `speed` times as fast as the machine's.

    It runs on the monotonic clock, so that a step of the wall clock does not move it.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self.speed = speed
        self._start = start
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """Return the present instant of the scaled time."""
        return self._start + timedelta(seconds=(time.monotonic() - self._monotonic) * self.speed)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait `seconds` of scaled time."""
        return stop.wait(max(self.real_seconds(seconds), 0.0))

    def real_seconds(self, seconds: float) -> float:
        """Return `seconds` divided by the speed."""
        return seconds / self.speed


class ManualClock:
    """A clock for tests: time moves only when told; `wait` moves it instead of sleeping."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the instant last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        self._now += timedelta(seconds=seconds)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Advance by `seconds` and return whether `stop` is set."""
        self.advance(max(seconds, 0.0))
        return stop.is_set()

    def real_seconds(self, seconds: float) -> float:
        """Return `seconds` unchanged."""
        return seconds
