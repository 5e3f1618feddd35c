"""A collector stage in a thread of the test, on books in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import wait_until

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
from heating.register import Register
from heating.site import MeasurementPoint

REGISTER = Register.of_points(MeasurementPoint(point_id=f"P{i}", device_id=f"D{i}", station="S1") for i in range(10))


@dataclass
class Running:
    """The stage and its books."""

    stage: CollectorStage
    store: MemoryStore
    ledger: MemoryLedger
    stop: threading.Event
    thread: threading.Thread

    def end(self) -> None:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def health(self) -> str:
        health = self.stage.health(datetime.now(UTC))
        return "ok" if health.ok else health.text

    def metric(self, name: str) -> float:
        return next(m.value for m in self.stage.metrics() if m.name == f"heatwatch_collector_{name}")


@contextmanager
def collecting(
    port: int,
    *,
    store: MemoryStore | None = None,
    ledger: MemoryLedger | None = None,
    ready: bool = True,
    folder: str = "",
    **mqtt: object,
) -> Iterator[Running]:
    """Run a collector until the block ends; `ready` waits until it is well."""
    store, ledger = store or MemoryStore(), ledger or MemoryLedger(REGISTER)
    setup = CollectorSetup(
        mqtt=MqttSettings(port=port, **mqtt),  # type: ignore[arg-type]
        collector=CollectorSettings(batch_wait_s=0.05, state_dir=folder),
        zone=ZoneInfo("Asia/Shanghai"),
    )
    stage, stop = CollectorStage(setup, store, ledger, SystemClock()), threading.Event()
    thread = threading.Thread(target=stage.run, args=(stop,), daemon=True)
    running = Running(stage, store, ledger, stop, thread)
    thread.start()
    try:
        if ready:
            assert wait_until(lambda: running.health() == "ok", 20), running.health()
        yield running
    finally:
        running.end()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the collector warned of."""
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and "collector" in r.name]


def losses(running: Running) -> list[dict[str, object]]:
    """Return the losses in the chain."""
    return [body for kind, _, body, _ in running.ledger.chain.entries if kind == "loss"]
