"""Runs one stage in a thread of its own and knows how it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from heating.stage import Health, Stage

log = logging.getLogger(__name__)


class Runner:
    """One stage in its thread."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.failure: Exception | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_failure: Callable[[], None]) -> None:
        """Run the stage in a thread; `on_failure` is called if it ends by an exception."""

        def work() -> None:
            try:
                self.stage.run(self._stop)
            except Exception as wrong:
                self.failure = wrong
                log.critical("stage died stage=%s error=%s", self.stage.name, wrong, exc_info=wrong)
                on_failure()

        self._thread = threading.Thread(target=work, name=self.stage.name)
        self._thread.start()

    def finish(self) -> None:
        """Tell the stage to finish what it holds, and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            log.info("stage finished stage=%s", self.stage.name)

    def health(self, now: datetime) -> Health:
        """Health of the stage; not alive when its thread is gone."""
        if self._thread is None or not self._thread.is_alive():
            return Health(alive=False, fresh=False, text=str(self.failure or "not running"))
        return self.stage.health(now)
