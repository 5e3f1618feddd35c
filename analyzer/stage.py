"""The analyzer as a stage: a sweep at every tick of APScheduler, errors counted, never the end of the loop.

::

    BackgroundScheduler (zone of the site, coalesce, one instance) ─► sweep(clock.now())
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler

from analyzer.analysis import Rules
from analyzer.sweep import Sweeper, SweepReport
from heating.clock import Clock
from heating.errors import HeatwatchError
from heating.ledger.port import Ledger
from heating.stage import Health, Metric
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

# However fast the clock of a demo runs, the machine gets this pause between two sweeps [s].
LEAST_PAUSE_S = 0.5
# A stage is fresh while its last sweep is younger than so many intervals.
FRESH_INTERVALS = 3
# While sweeps fail, the log has one line so often [s], whatever the words of the failure.
TELL_EVERY_S = 60.0


class AnalyzerStage:
    """Sweeps every `analyzer.every_s` seconds of its clock."""

    name = "analyzer"

    def __init__(self, rules: Rules, store: ReadingStore, ledger: Ledger, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._sweeper = Sweeper(rules, store, ledger)
        self._running = False
        self._last: SweepReport | None = None
        self._last_s = 0.0
        self._error: str | None = None
        self._told_at = 0.0
        self._counts: Counter[str] = Counter()

    def run(self, stop: threading.Event) -> None:
        """Sweep until `stop` is set; the sweep under way is finished first."""
        every_s = max(self._clock.real_seconds(self._rules.settings.every_s), LEAST_PAUSE_S)
        # Its own lines say at info that each job ran; ours say what came of it.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        scheduler = BackgroundScheduler(
            timezone=self._rules.zone,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": max(1, round(every_s))},
        )
        scheduler.add_listener(self._noticed, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._running = True
        try:
            self.attempt()
            scheduler.add_job(self.attempt, "interval", seconds=every_s, id="sweep")
            scheduler.start()
            stop.wait()
        finally:
            if scheduler.running:
                scheduler.shutdown(wait=True)
            self._running = False

    def attempt(self) -> None:
        """Sweep once; what goes wrong is logged, counted and tried again at the next tick."""
        now, began = self._clock.now(), time.perf_counter()
        try:
            report = self._sweeper.sweep(now)
        except HeatwatchError as wrong:
            self._fail(str(wrong))
        except Exception as wrong:  # noqa: BLE001 - the loop of a stage outlives a bug; it is shown as unhealthy
            self._fail(f"{type(wrong).__name__}: {wrong}", traceback=wrong)
        else:
            self._done(report, time.perf_counter() - began)

    def health(self, now: datetime) -> Health:
        """Alive while it runs, fresh while sweeps succeed."""
        if self._last is None:
            return Health(alive=self._running, fresh=False, text=self._error or "no sweep yet")
        age_s = (now - self._last.at).total_seconds()
        # A demo's clock outruns the machine: what counts is the pause that sweeps really have.
        every_s = max(self._rules.settings.every_s, LEAST_PAUSE_S * age_per_second(self._clock))
        fresh = age_s <= FRESH_INTERVALS * every_s + self._last_s * age_per_second(self._clock)
        text = f"last sweep {age_s:.0f} s ago, {self._last.statuses['cold']} cold"
        return Health(alive=self._running, fresh=fresh, text=f"{text}; {self._error}" if self._error else text)

    def metrics(self) -> Sequence[Metric]:
        """Sweeps and what they saw."""
        counts = self._counts
        rows = [
            Metric("heatwatch_sweeps_total", counts["done"], "Sweeps that succeeded"),
            Metric("heatwatch_sweeps_failed_total", counts["failed"], "Sweeps that failed and were tried again"),
            Metric("heatwatch_sweeps_missed_total", counts["missed"], "Ticks that came too late to be run"),
            Metric("heatwatch_sweeps_overlapping_total", counts["overlapping"], "Ticks during a running sweep"),
            Metric("heatwatch_sweep_seconds", self._last_s, "Duration of the last sweep"),
            Metric("heatwatch_findings_recorded_total", counts["recorded"], "Findings recorded new or changed"),
        ]
        statuses = self._last.statuses if self._last else {}
        return rows + [
            Metric("heatwatch_points", count, "Room points by status at the last sweep", (("status", status),))
            for status, count in statuses.items()
        ]

    def _done(self, report: SweepReport, seconds: float) -> None:
        if self._error is not None or self._last is None:
            log.info("sweeping points=%d cold=%d", sum(report.statuses.values()), report.statuses["cold"])
        self._last, self._last_s, self._error = report, seconds, None
        self._counts["done"] += 1
        self._counts["recorded"] += report.recorded
        log.debug("sweep arrived=%d recorded=%d seconds=%.2f", report.arrived, report.recorded, seconds)

    def _fail(self, error: str, traceback: BaseException | None = None) -> None:
        self._counts["failed"] += 1
        if self._error is None or time.monotonic() - self._told_at >= TELL_EVERY_S:
            log.error("sweep failed error=%s", error, exc_info=traceback)
            self._told_at = time.monotonic()
        self._error = error

    def _noticed(self, event: JobEvent) -> None:
        kind = "missed" if event.code == EVENT_JOB_MISSED else "overlapping"
        self._counts[kind] += 1
        log.warning("sweep %s total=%d", kind, self._counts[kind])


def age_per_second(clock: Clock) -> float:
    """Return how many seconds of a clock pass in one of the machine."""
    return 1.0 / clock.real_seconds(1.0)
