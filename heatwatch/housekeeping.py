"""Deletes what the retention no longer keeps, and the plain rows beside the ledger that nobody needs any more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from heating.clock import Clock
from heating.errors import LedgerUnavailable, StoreMisconfigured, StoreUnavailable
from heating.instants import to_ms
from heating.ledger.port import Ledger
from heating.stage import Health, Metric
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
KEEP_CHANGES = timedelta(days=7)
KEEP_DEVICE_DAYS = timedelta(days=3 * 365)


class HousekeepingStage:
    """Once an hour: `store.retention_days` is carried out; old changes and per-device counts go."""

    name = "housekeeping"

    def __init__(self, store: ReadingStore, ledger: Ledger, clock: Clock, retention_days: float) -> None:
        self._store, self._ledger, self._clock = store, ledger, clock
        self._retention = timedelta(days=retention_days) if retention_days else None
        self._deleted = 0
        self._problem = ""
        self._tidied_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Tidy up once an hour until `stop`."""
        while not stop.is_set():
            now = self._clock.now()
            try:
                self.tidy(now)
            except (StoreUnavailable, StoreMisconfigured, LedgerUnavailable) as problem:
                self._problem = str(problem)
                log.warning("housekeeping put off error=%s", problem)
            self._clock.wait(EVERY.total_seconds(), stop)

    def tidy(self, now: datetime) -> None:
        """Delete what is too old at `now`."""
        if self._retention is not None:
            deleted = self._store.forget_before(to_ms(now - self._retention))
            self._deleted += max(deleted, 0)
        self._ledger.journal.forget_changes(now - KEEP_CHANGES)
        self._ledger.journal.forget_device_days((now - KEEP_DEVICE_DAYS).date())
        self._tidied_at, self._problem = now, ""

    def health(self, now: datetime) -> Health:
        """Fresh while the last round was not longer ago than two periods."""
        if self._tidied_at is None:
            return Health(alive=True, fresh=not self._problem, text=self._problem or "first round under way")
        late = now - self._tidied_at > 2 * EVERY + timedelta(minutes=5)
        return Health(alive=True, fresh=not late, text=self._problem or f"last round {self._tidied_at:%H:%M} UTC")

    def metrics(self) -> Sequence[Metric]:
        """Return how much was deleted."""
        return [Metric("heatwatch_retention_deleted_total", self._deleted, "Readings deleted by retention.")]
