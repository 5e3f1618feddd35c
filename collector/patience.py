"""Trying again: how long to wait, and how often to say so."""

from __future__ import annotations

import logging
import time

import numpy as np

log = logging.getLogger(__name__)

_FIRST_S, _LONGEST_S = 0.2, 30.0
_SAY_EVERY_S = 60.0


class Sayings:
    """What is worth a line, but not each time: the same text once a minute."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def due(self, text: str) -> bool:
        """Tell whether to say it now."""
        now = time.monotonic()
        self._said = {said: at for said, at in self._said.items() if now - at < _SAY_EVERY_S}
        return self._said.setdefault(text, now) == now


class Patience:
    """Backoff with jitter, and one line a minute about what is away."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._failures = 0
        self._since = self._said = self._next = 0.0
        self.problem = ""

    def failed(self, problem: Exception, begun: float) -> None:
        """Note the failure of what was begun at an instant (monotonic), maybe long ago, and when to try again."""
        now = time.monotonic()
        self.problem = f"{type(problem).__name__}: {problem}"
        if not self._failures:
            self._since, self._said = begun, now
            log.error("cannot write, trying again problem=%s", self.problem)
        elif now - self._said >= _SAY_EVERY_S:
            self._said = now
            log.error("cannot write since_s=%.0f tries=%s problem=%s", self.away_s, self._failures, self.problem)
        self._failures += 1
        longest = min(_FIRST_S * 2.0 ** min(self._failures - 1, 16), _LONGEST_S)
        self._next = now + float(self._rng.uniform(longest / 2, longest))

    def succeeded(self) -> None:
        """Note that it works again."""
        if self._failures:
            log.warning("writing again away_s=%.1f tries=%s", self.away_s, self._failures)
        self._failures, self.problem = 0, ""

    @property
    def away_s(self) -> float:
        """For how long nothing could be written [s]; 0 while all is well."""
        return time.monotonic() - self._since if self._failures else 0.0

    @property
    def wait_s(self) -> float:
        """How long to wait until the next try [s]."""
        return max(0.0, self._next - time.monotonic()) if self._failures else 0.0
