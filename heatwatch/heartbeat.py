"""Notes in the ledger how the stages of this process are, so that the console of another one can show it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from heating.clock import Clock
from heating.errors import LedgerUnavailable
from heating.stage import Health, StageBook

log = logging.getLogger(__name__)

# A quarter of the silence after which a stage is taken for stopped (`dashboards.console.health.SILENT`).
EVERY_S = 15.0


class Heartbeat:
    """A thread that notes the health of the stages until the end, and then once more; `with` starts and stops it."""

    def __init__(self, book: StageBook, health: Callable[[], Mapping[str, Health]], clock: Clock) -> None:
        self._book, self._health, self._clock = book, health, clock
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        """Start noting."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Note the end."""
        self._stop.set()
        self._thread.join()
        self._beat()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._beat()
            self._clock.wait(EVERY_S, self._stop)

    def _beat(self) -> None:
        try:
            self._book.note(self._health(), self._clock.now())
        except LedgerUnavailable as problem:
            if not self._failing:
                log.warning("health of the stages not noted error=%s", problem)
            self._failing = True
        else:
            self._failing = False
