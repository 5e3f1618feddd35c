"""Whether a backlog is arriving: readings that waited at the broker while the collector was away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.window import Arrivals

# Fewer points with old readings are their sensors' own affair (assumption).
LEAST_POINTS = 50
# Share of the readings of a sweep that must be old (assumption).
SHARE = 0.5
# For how long silence is not told because of a backlog: a night of 16 000 points drains within minutes.
LONGEST_MS = 30 * 60_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """While a backlog arrives, who is silent is not known yet: the next readings of the point may be on their way.

    Each sweep in between would find thousands of points silent from another instant on, and the ledger would keep all
    of it for good. So what begins or moves a silence is not recorded until a sweep brings no old readings any more.

    Attributes
    ----------
    since_ms
        Instant of the first sweep of the backlog that is arriving, None while there is none.
    """

    since_ms: int | None = None

    def after(self, arrived: Arrivals, now_ms: int, stale_ms: int) -> Backlog:
        """Return how it stands after the arrivals of a sweep; old is what holds no more at `now`."""
        old = arrived.ts_ms + stale_ms <= now_ms
        arriving = (
            len(old) > 0
            and np.count_nonzero(old) >= SHARE * len(old)
            and len(np.unique(arrived.owner[old])) >= LEAST_POINTS
        )
        if not arriving:
            return Backlog()
        return self if self.since_ms is not None else Backlog(now_ms)

    def holds(self, now_ms: int) -> bool:
        """Tell whether silences wait to be recorded."""
        return self.since_ms is not None and now_ms - self.since_ms < LONGEST_MS
