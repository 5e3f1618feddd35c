"""The collector as a stage: from the wire to the store.

::

    broker ─► session ─► inbox ─► courier ─► writer: decode, judge, journal, store, journal
              (thread)            (loop of     │
                 ▲                 the stage)  └─ store away ─► spool ─► writer, later
                 └──────── acknowledge ◄──────────── durable in either
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from collector.courier import Courier
from collector.inbox import Inbox
from collector.judge import Judge
from collector.losses import Losses
from collector.patience import Patience
from collector.quarantine_losses import QuarantineLosses
from collector.routes import Routes
from collector.session import Session
from collector.settings import CollectorSettings, MqttSettings
from collector.spool import Spool
from collector.state_folder import StateFolder
from collector.subscriptions import Remembered
from collector.tally import Count
from collector.timekeeping import ClockState, DeviceClock, Timekeeper
from collector.writer import Writer
from heating.clock import Clock
from heating.errors import ConfigError, LedgerUnavailable
from heating.ledger.port import Ledger
from heating.stage import Health, Metric
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

# A turn of the loop that takes longer than the longest time-out of a store is no turn any more.
_STANDSTILL_S = 120.0
_LOSSES_AGAIN_S = 30.0  # between two tries to write down what was lost, and two looks at the quarantine


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
        mqtt, settings = setup.mqtt, setup.collector
        self._folder = StateFolder(settings.state_dir)
        self._settings = settings
        self._inbox = Inbox(2 * mqtt.receive_maximum + 1000)
        self._timekeeper = Timekeeper(setup.zone)
        judge = Judge(Routes(mqtt.topics, setup.zone), self._timekeeper)
        self._writer = Writer(judge, store, ledger, clock, setup.retention_days)
        # A whole window is one batch: the fewer transactions, the less a packet costs, and the broker's next window is
        # on its way as soon as this one is acknowledged.
        self._courier = Courier(settings, mqtt.receive_maximum, self._inbox, self._writer, _spool(settings))
        self._losses = Losses(settings.state_dir, mqtt.session_expiry_s)
        self._session = Session(mqtt, self._inbox, clock, Remembered(settings.state_dir), self._losses)
        self._quarantine_losses = QuarantineLosses(ledger.journal, ledger.chain)
        self._clock = clock
        self._chain = ledger.chain
        self._patience = Patience(np.random.default_rng())
        self._loop_at = time.monotonic()
        self._losses_at = self._quarantine_at = 0.0
        self._running = False

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop`, then write and acknowledge what is held, and leave the broker."""
        self._running = True
        self._session.start()
        try:
            while not stop.is_set():
                self._loop_at = time.monotonic()
                self._session.tend()
                self._note_losses()
                self._courier.turn(self._patience, self._session.acknowledge, stop)
            self._courier.finish(self._session.acknowledge)
            self._writer.note_devices(rest=True)
        finally:
            self._session.stop()
            self._folder.release()
            self._running = False

    def _note_losses(self) -> None:
        """Write down what was lost; a ledger that is away is not asked each turn, as its refusal may take seconds."""
        if time.monotonic() < self._losses_at:
            return
        try:
            self._losses.write(self._chain)
            self._look_at_quarantine()
        except LedgerUnavailable as problem:
            self._losses_at = time.monotonic() + _LOSSES_AGAIN_S
            log.info("losses not written yet reason=%s", problem)

    def _look_at_quarantine(self) -> None:
        if time.monotonic() >= self._quarantine_at and not self._patience.problem:  # else nothing is counted, either
            self._quarantine_losses.look(self._clock.now())
            self._quarantine_at = time.monotonic() + _LOSSES_AGAIN_S

    def health(self, now: datetime) -> Health:
        """Say how the collector is: threads alive, subscribed, writing."""
        link = self._session.link()
        turning = self._running and time.monotonic() - self._loop_at < _STANDSTILL_S
        quiet_s = self._settings.quiet_alarm_s
        quiet = bool(quiet_s) and link.idle_s > quiet_s
        fresh = link.subscribed and not self._patience.problem and not quiet
        heard = f"last packet {link.idle_s:.0f} s ago" if link.any_packet else f"no packet yet in {link.idle_s:.0f} s"
        text = self._text(turning=turning) or f"{link.text}; {heard}"
        return Health(alive=link.thread_alive and turning, fresh=fresh, text=text + self._lost(now))

    def _lost(self, now: datetime) -> str:
        """Return what was lost, which no state that is well again takes back; blank if nothing was."""
        spool = self._courier.spool
        damaged = f"; {spool.damaged_bytes} bytes of the spool are damaged" if spool and spool.damaged_bytes else ""
        return damaged + self._losses.text(now) + self._quarantine_losses.text(now)

    def _text(self, *, turning: bool) -> str:
        """Return what is wrong in the loop, blank if nothing is."""
        if not turning:
            return "loop stands still" if self._running else "not running"
        courier, patience = self._courier, self._patience
        if courier.misconfigured:
            return f"{courier.misconfigured}; readings wait in the broker"
        if not patience.problem:
            return ""
        spool = courier.spool
        kept = f"{courier.waiting} packets wait" + (f", spool {spool.size / 1e6:.1f} MB" if spool else "")
        full = ", spool full: the broker keeps what comes" if courier.spool_full else ""
        return f"{patience.problem}; {kept}{full}; since {patience.away_s:.0f} s"

    def clocks(self) -> list[DeviceClock]:
        """Return how well each device keeps time since the start of this process, the worst first."""
        return self._timekeeper.clocks()

    def metrics(self) -> Sequence[Metric]:
        """Return counters of readings and the state of session, queue and spool."""
        return [
            *_readings(dict(self._writer.totals)),
            *self._states(),
            *self._losses.metrics(),
            *self._quarantine_losses.metrics(),
            *_clocks(self.clocks()),
        ]

    def _states(self) -> list[Metric]:
        link, courier, spool = self._session.link(), self._courier, self._courier.spool
        values: list[tuple[str, float, str]] = [
            ("errors_total", courier.errors, "Turns of the loop that failed by a bug."),
            ("waiting_packets", courier.waiting, "Packets in memory, not yet durable."),
            ("write_blocked_seconds", self._patience.away_s, "For how long nothing could be written."),
            ("connected", link.connected, "1 while connected to the broker."),
            ("subscribed", link.subscribed, "1 while every subscription is granted."),
            ("idle_seconds", link.idle_s, "Since the last packet."),
            ("connections_total", link.connections, "Connections made."),
            ("session_restarts_total", link.restarts, "Restarts of the network thread."),
            ("shed_packets_total", link.shed, "Packets left to the broker for a while, inbox full."),
            ("handover_errors_total", link.stumbled, "Packets that a bug stopped on their way in, each try."),
            ("spool_bytes", spool.size if spool else 0, "Size of the spool."),
            ("spool_full", courier.spool_full, "1 while the spool takes no more."),
            ("spool_damaged_bytes", spool.damaged_bytes if spool else 0, "Bytes of the spool found unreadable."),
            ("spooled_packets_total", courier.spooled, "Packets put into the spool."),
            ("drained_packets_total", courier.drained, "Packets taken back from the spool."),
            ("deferred_packets_total", courier.deferred, "Packets beyond their device's rate, sent through the spool."),
        ]
        return [Metric(f"heatwatch_collector_{name}", float(value), text) for name, value, text in values]


def beside_ledger(ledger_url: str) -> str:
    """Return the folder for spool and subscriptions beside a SQLite ledger; blank (none) for any other."""
    kind, _, file = ledger_url.partition(":///")
    return str(Path(file).parent / "collector") if kind == "sqlite" and file else ""


def _spool(settings: CollectorSettings) -> Spool | None:
    if not settings.state_dir:
        return None
    folder = Path(settings.state_dir) / "spool"
    try:
        return Spool(folder, settings.spool_max_mb * 1_000_000)
    except OSError as problem:
        raise ConfigError(f"collector.state_dir: the spool in {str(folder)!r} cannot be used: {problem}") from problem


def _readings(totals: dict[str, int]) -> list[Metric]:
    name, text = "heatwatch_collector_readings_total", "Readings by what became of them (contract §4)."
    found = [
        Metric(name, float(totals.get(fate.value, 0)), text, (("fate", fate.value),))
        for fate in Count
        if fate not in (Count.PACKETS, Count.STATUS_PACKETS)
    ]
    for key, count in sorted(totals.items()):
        fate, _, reason = key.partition(".")
        if reason and key != Count.STATUS_PACKETS:
            name = f"heatwatch_collector_{fate}_total"
            found.append(Metric(name, float(count), "Readings that were not stored, by reason.", (("reason", reason),)))
    return [
        *found,
        Metric("heatwatch_collector_packets_total", float(totals.get(Count.PACKETS.value, 0)), "Packets taken in."),
        Metric(
            "heatwatch_collector_status_packets_total",
            float(totals.get(Count.STATUS_PACKETS.value, 0)),
            "Status messages among the packets, which carry no reading.",
        ),
    ]


def _clocks(clocks: Sequence[DeviceClock]) -> list[Metric]:
    states = Counter(clock.state for clock in clocks)
    name, text = "heatwatch_collector_devices", "Devices by the state of their clock."
    found = [Metric(name, float(states[state]), text, (("clock", state.value),)) for state in ClockState]
    missing = float(sum(clock.missing for clock in clocks))
    gaps = "Sequence numbers of devices that never came, since the start."
    return [*found, Metric("heatwatch_collector_missing_sequence_numbers", missing, gaps)]
