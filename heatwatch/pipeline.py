"""Builds the stages in order and runs them: sinks before sources, so that nothing is received before it can be kept.

::

    console      ◄─ store, ledger      built first, stopped last
    alerts       ◄─ ledger
    analyzer     ◄─ store, ledger
    housekeeping ◄─ store, ledger      goes with the collector
    service_rows ◄─ ledger, metrics    likewise, where Grafana reads the store (InfluxDB)
    collector    ◄─ broker             built last, stopped first
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from alerts.acts import record_event
from alerts.notices import Announcer
from alerts.stage import AlertsStage
from alerts.words import Voice
from analyzer.stage import AnalyzerStage
from collector.stage import CollectorSetup, CollectorStage, beside_ledger
from dashboards.console.desk import ConsoleHooks, ConsoleSite
from dashboards.console.stage import ConsoleStage
from heating.clock import Clock
from heating.ledger.port import Ledger
from heating.register import Register
from heating.stage import Health, Metric, Stage
from heating.store import parse_address
from heating.store.address import EmbeddedAddress
from heating.store.port import ReadingStore
from heating.words import Language
from heatwatch.config import Settings
from heatwatch.context import Context
from heatwatch.exporter import MetricsExporter
from heatwatch.heartbeat import Heartbeat
from heatwatch.housekeeping import HousekeepingStage
from heatwatch.interpreter import long_turns, settled_memory
from heatwatch.judging import rules_of, words_rules
from heatwatch.runner import Runner
from heatwatch.service_rows import RowsSite, ServiceRowsStage

log = logging.getLogger(__name__)

# What a person can name, sinks before sources: the order of starting; stopping goes the other way.
STAGES = ("console", "alerts", "analyzer", "collector")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the stages share."""

    settings: Settings
    store: ReadingStore
    ledger: Ledger
    clock: Clock
    register_source: Callable[[], Register]
    rng: np.random.Generator

    @property
    def language(self) -> Language:
        """Language of what people read."""
        return Language(self.settings.site.language)


class Pipeline:
    """The stages of one process, each in its thread."""

    def __init__(self, parts: Parts, names: Sequence[str]) -> None:
        self._clock = parts.clock
        makers: dict[str, Callable[[], Sequence[Stage]]] = {
            "console": lambda: [_console(parts, self)],
            "alerts": lambda: [_alerts(parts)],
            "analyzer": lambda: [_analyzer(parts)],
            "collector": lambda: [_housekeeping(parts), *_service_rows(parts, self), _collector(parts)],
        }
        self.runners = tuple(Runner(stage) for name in STAGES if name in names for stage in makers[name]())

    def start(self, on_failure: Callable[[], None]) -> None:
        """Start the stages in order; `on_failure` is called when one dies."""
        for runner in self.runners:
            runner.start(on_failure)

    def finish(self) -> bool:
        """Stop the stages, sources first; return whether one of them had died."""
        for runner in reversed(self.runners):
            runner.finish()
        return any(runner.failure for runner in self.runners)

    def health(self, now: datetime | None = None) -> dict[str, Health]:
        """Health of every stage of this process."""
        return {runner.stage.name: runner.health(now or self._clock.now()) for runner in self.runners}

    def metrics(self) -> list[Metric]:
        """Metrics of every stage of this process."""
        return [metric for runner in self.runners for metric in runner.stage.metrics()]

    def stage(self, name: str) -> Stage | None:
        """Return a stage by its name."""
        return next((runner.stage for runner in self.runners if runner.stage.name == name), None)


def run_pipeline(opened: Context, names: Sequence[str], stop: threading.Event) -> bool:
    """Run the named stages until `stop`; return whether one of them died (then all are stopped)."""
    settings = opened.settings
    opened.register  # noqa: B018 - imports site.points; a broken register ends here with its rows
    parts = Parts(
        settings,
        opened.open_store("owner"),
        opened.ledger,
        opened.clock,
        opened.register_source,
        np.random.default_rng(),
    )
    pipeline = Pipeline(parts, names)
    with ExitStack() as around:
        if settings.metrics.port:
            address = (settings.metrics.host, settings.metrics.port)
            around.enter_context(MetricsExporter(address, pipeline.metrics, pipeline.health, parts.clock))
        around.enter_context(settled_memory())
        if pipeline.stage("console") is None:
            around.enter_context(long_turns())
        pipeline.start(stop.set)
        around.enter_context(Heartbeat(parts.ledger.stages, pipeline.health, parts.clock))
        log.info("running stages=%s", ",".join(runner.stage.name for runner in pipeline.runners))
        stop.wait()
        return pipeline.finish()


def _collector(parts: Parts) -> CollectorStage:
    settings = parts.settings
    state_dir = settings.collector.state_dir or beside_ledger(settings.ledger.url)
    setup = CollectorSetup(
        mqtt=settings.mqtt,
        collector=msgspec.structs.replace(settings.collector, state_dir=state_dir),
        zone=settings.site.zone,
        retention_days=settings.store.retention_days,
    )
    return CollectorStage(setup, parts.store, parts.ledger, parts.clock)


def _housekeeping(parts: Parts) -> HousekeepingStage:
    return HousekeepingStage(parts.store, parts.ledger, parts.clock, parts.settings.store.retention_days)


def _service_rows(parts: Parts, pipeline: Pipeline) -> list[ServiceRowsStage]:
    settings = parts.settings
    if isinstance(parse_address(settings.store.url), EmbeddedAddress):
        return []  # Grafana cannot read the embedded store
    site = RowsSite(settings.site.name, settings.site.zone, words_rules(settings), pipeline.metrics)
    return [ServiceRowsStage(parts.store, parts.ledger, parts.clock, site)]


def _analyzer(parts: Parts) -> AnalyzerStage:
    return AnalyzerStage(rules_of(parts.settings), parts.store, parts.ledger, parts.clock)


def _alerts(parts: Parts) -> AlertsStage:
    settings = parts.settings
    voice = Voice(parts.language, settings.site.zone)
    return AlertsStage(settings.alerts, parts.ledger, parts.register_source, parts.clock, parts.rng, voice)


def _console(parts: Parts, pipeline: Pipeline) -> ConsoleStage:
    settings = parts.settings

    # Its own, so that acts are announced where the alerts run in another process too: they meet in the outbox.
    announcer = Announcer(settings.alerts.receivers, Voice(parts.language, settings.site.zone))

    def act(order_id: str, kind: str, by: str, text: str, at: datetime) -> object:
        return record_event(parts.ledger, order_id, kind, by, text, at, announcer=announcer)

    rules = words_rules(settings)
    site = ConsoleSite(settings.site.name, settings.site.zone, rules, settings.store.retention_days)
    hooks = ConsoleHooks(act, pipeline.health, pipeline.metrics, STAGES)
    return ConsoleStage(settings.console, parts.store, parts.ledger, parts.clock, parts.language, site, hooks)
