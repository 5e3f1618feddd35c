"""The collector as a stage: from the wire to the store.

::

    broker ─► session ─► inbox ─► writer: decode, judge, journal, store, journal ─► acknowledge
              (thread)            (loop of the stage)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from collector.batch import Batch, Judge, Step
from collector.inbox import Inbox
from collector.patience import Patience
from collector.routes import Routes
from collector.session import Session
from collector.settings import CollectorSettings, MqttSettings
from collector.subscriptions import Remembered
from collector.tally import Count
from collector.writer import Writer
from heating.clock import Clock
from heating.errors import LedgerUnavailable, StoreMisconfigured, StoreUnavailable
from heating.ledger.port import Ledger
from heating.stage import Health, Metric
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

_TURN_S = 0.25  # longest wait of one turn of the loop
_REGISTER_S = 5.0  # between two looks at the stamp of the register


class CollectorSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector needs to know of the configuration.

    Attributes
    ----------
    zone
        `site.timezone`, for devices that write local times.
    retention_days
        `store.retention_days`; older readings are refused, 0 keeps all.
    """

    mqtt: MqttSettings
    collector: CollectorSettings = CollectorSettings()
    zone: ZoneInfo
    retention_days: float = 0


class CollectorStage:
    """Stage `collector`.

    Raises
    ------
    ConfigError
        If the configuration names a decoder, filter, zone or file that is none.
    """

    name = "collector"

    def __init__(self, setup: CollectorSetup, store: ReadingStore, ledger: Ledger, clock: Clock) -> None:
        window = setup.mqtt.receive_maximum
        self._setup = setup
        # Two batches share the window: one is written while the broker sends the next.
        self._batch_size = max(1, window // 2)
        self._inbox = Inbox(2 * window + 1000)
        self._writer = Writer(Judge(Routes(setup.mqtt.topics, setup.zone)), store, ledger, clock, setup.retention_days)
        self._session = Session(setup.mqtt, self._inbox, clock, Remembered(setup.collector.state_dir))
        self._patience = Patience(np.random.default_rng())
        self._held: Batch | None = None
        self._register_seen_at = 0.0
        self._misconfigured = ""
        self._errors = 0
        self._loop_at = time.monotonic()
        self._running = False

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop`, then write and acknowledge what is held, and leave the broker."""
        self._running = True
        self._session.start()
        try:
            while not stop.is_set():
                self._guarded_turn(stop)
            self._finish()
        finally:
            self._session.stop()
            self._running = False

    def _guarded_turn(self, stop: threading.Event) -> None:
        self._loop_at = time.monotonic()
        try:
            self._turn(stop)
        except (StoreUnavailable, LedgerUnavailable) as problem:
            self._misconfigured = ""
            self._patience.failed(problem)
        except StoreMisconfigured as problem:
            self._misconfigured = str(problem)
            self._patience.failed(problem)
        except Exception as problem:
            self._errors += 1
            log.exception("turn failed")
            self._patience.failed(problem)

    def _turn(self, stop: threading.Event) -> None:
        self._session.tend()
        if (wait_s := self._patience.wait_s) > 0:
            stop.wait(min(wait_s, _TURN_S))
            return
        if not self._writer.recovered:
            self._writer.recover()
        self._look_at_register()
        if self._held is None:
            packets = self._inbox.gather(self._batch_size, first_s=_TURN_S, batch_s=self._setup.collector.batch_wait_s)
            self._held = Batch(packets) if packets else None
        self._write_held()

    def _write_held(self) -> None:
        batch = self._held
        if batch is None:
            return
        self._writer.push(batch)
        self._held = None
        self._misconfigured = ""
        self._patience.succeeded()
        self._session.acknowledge(batch.packets)

    def _look_at_register(self) -> None:
        if time.monotonic() - self._register_seen_at >= _REGISTER_S:
            self._writer.reload_register()
            self._register_seen_at = time.monotonic()

    def _finish(self) -> None:
        """Write what is held; what cannot be written now stays unacknowledged in the broker."""
        self._inbox.close()
        try:
            self._write_held()
            while packets := self._inbox.gather(self._batch_size, first_s=0.0, batch_s=0.0):
                self._held = Batch(packets)
                self._write_held()
        except Exception as problem:  # noqa: BLE001 - going down: the broker keeps what is not acknowledged
            log.error("left in the broker packets=%s problem=%s", self._waiting, problem)

    @property
    def _waiting(self) -> int:
        held = self._held
        return len(self._inbox) + (len(held.packets) if held is not None and held.step < Step.DONE else 0)

    def health(self, now: datetime) -> Health:
        """Say how the collector is: threads alive, subscribed, writing."""
        link = self._session.link()
        turning = self._running and time.monotonic() - self._loop_at < 60.0
        quiet_s = self._setup.collector.quiet_alarm_s
        quiet = bool(quiet_s) and link.idle_s > quiet_s
        fresh = link.subscribed and not self._patience.problem and not quiet
        return Health(
            alive=link.thread_alive and turning, fresh=fresh, text=self._text(link.text, link.idle_s, turning)
        )

    def _text(self, link: str, idle_s: float, turning: bool) -> str:
        if not turning:
            return "loop stands still" if self._running else "not running"
        if self._misconfigured:
            return f"{self._misconfigured}; readings wait in the broker"
        if self._patience.problem:
            return f"{self._patience.problem}; {self._waiting} packets wait since {self._patience.away_s:.0f} s"
        return f"{link}; last packet {idle_s:.0f} s ago"

    def metrics(self) -> Sequence[Metric]:
        """Return counters of readings and the state of session and queue."""
        totals, link = dict(self._writer.totals), self._session.link()
        numbers = [
            Metric("heatwatch_collector_readings_total", float(totals.get(fate.value, 0)), _READINGS, _fate(fate.value))
            for fate in Count
            if fate is not Count.PACKETS
        ]
        for name, count in sorted(totals.items()):
            fate, _, reason = name.partition(".")
            if reason:
                numbers.append(
                    Metric(f"heatwatch_collector_{fate}_total", float(count), _REASONS, (("reason", reason),))
                )
        numbers += [
            Metric("heatwatch_collector_packets_total", float(totals.get(Count.PACKETS.value, 0)), "Packets taken in."),
            Metric("heatwatch_collector_errors_total", float(self._errors), "Turns of the loop that failed by a bug."),
            Metric("heatwatch_collector_waiting_packets", float(self._waiting), "Packets held, not yet written."),
            Metric(
                "heatwatch_collector_write_blocked_seconds", self._patience.away_s, "For how long nothing is written."
            ),
            Metric("heatwatch_collector_connected", float(link.connected), "1 while connected to the broker."),
            Metric("heatwatch_collector_subscribed", float(link.subscribed), "1 while every subscription is granted."),
            Metric("heatwatch_collector_idle_seconds", link.idle_s, "Since the last packet."),
            Metric("heatwatch_collector_connections_total", float(link.generation), "Changes of the connection."),
            Metric(
                "heatwatch_collector_session_restarts_total", float(link.restarts), "Restarts of the network thread."
            ),
            Metric(
                "heatwatch_collector_shed_packets_total", float(link.shed), "Packets left to the broker, inbox full."
            ),
        ]
        return numbers


_READINGS = "Readings by what became of them; received = stored + repeated + ignored + quarantined."
_REASONS = "Readings that were not stored, by reason."


def _fate(name: str) -> tuple[tuple[str, str], ...]:
    return (("fate", name),)
