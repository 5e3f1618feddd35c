"""A simulated estate taken through the real pipeline into a store, step by step, for tests of dashboards.

What the wire adds (counters of the collector, marks, lag) is added here, since the simulator's files go without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from alerts.acts import record_event
from alerts.settings import AlertsSettings
from alerts.stage import AlertsStage
from alerts.words import Voice
from analyzer.analysis import Rules
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from dashboards.snapshot import JudgingRules
from firmware_sim.scenario import load_scenario
from firmware_sim.simulate import simulate_to_files
from heating.clock import ManualClock
from heating.device_clock import ClockState, DeviceClock
from heating.instants import from_ms, to_ms
from heating.ledger.port import Ledger
from heating.ledger.values import BatchIntent, ClockRecord, RejectedReading, Stranger
from heating.loss import LOSS, Loss
from heating.order import OrderState
from heating.reading import ReadingTable
from heating.readings_file import read_readings
from heating.register import Register
from heating.register_file import read_register
from heating.regulation import load_profile
from heating.store.port import ReadingStore
from heating.words import Language
from heatwatch.service_rows import RowsSite, ServiceRowsStage

ZONE = ZoneInfo("Asia/Shanghai")
SITE = "演示供热公司"


@dataclass(frozen=True)
class Plan:
    """What to play: `step` is the time between two sweeps."""

    homes: int = 60
    hours: float = 12.0
    step: timedelta = timedelta(minutes=10)
    end: datetime = datetime(2026, 12, 15, 2, 30, tzinfo=UTC)
    seed: int = 3


class Play:
    """Collector's book, analyzer, alerts and service rows, on one clock."""

    def __init__(self, store: ReadingStore, ledger: Ledger, folder: Path, plan: Plan) -> None:
        self.store, self.ledger, self.plan = store, ledger, plan
        self.start = plan.end - timedelta(hours=plan.hours)
        simulate_to_files(load_scenario("demo"), plan.homes, plan.seed, folder, self.start, plan.end)
        file = read_register(folder / "points.csv", ZONE)
        ledger.places.import_register(file.points, file.contacts, self.start, stamp="play")
        self.table = read_readings(folder / "readings.csv", Register.of_points(file.points), ZONE).table
        self.clock = ManualClock(self.start)
        self._rng = np.random.default_rng(plan.seed)
        rules = Rules(
            settings=AnalyzerSettings(),
            enterprise=load_profile("enterprise"),
            legal=load_profile("tianjin"),
            zone=ZONE,
            seasons=(),
            outages=(),
        )
        self._sweeper = Sweeper(rules, store, ledger)
        self._alerts = AlertsStage(
            AlertsSettings(), ledger, ledger.places.register, self.clock, self._rng, Voice(Language.ZH, ZONE)
        )
        self.rows = ServiceRowsStage(store, ledger, self.clock, RowsSite(SITE, ZONE, JudgingRules()))

    def run(self) -> None:
        """Play to the end."""
        self._note_strangers()
        self._note_losses()
        self._note_clocks()
        for now, batch in self._batches():
            self.clock.advance((now - self.clock.now()).total_seconds())
            if len(batch):
                self._collect(batch, now)
            self._sweeper.sweep(now)
            self._alerts.look()
            self._act(now)
            self.rows.write(now)

    def _batches(self) -> Iterator[tuple[datetime, ReadingTable]]:
        """Yield what came since the last step; a reading is there half a minute to three minutes after its time."""
        table = self.table
        lag_s = np.round(self._rng.gamma(2.0, 20.0, len(table)), 1)
        rssi = np.round(-70 + 8 * self._rng.standard_normal(len(table)))
        marks = np.where(self._rng.random(len(table)) < 0.01, 16, 0)
        table = dataclasses.replace(table, lag_s=lag_s, rssi_dbm=rssi, quality=marks.astype(np.int64))
        # One sensor falls silent in the middle.
        silent = (table.device == table.device[0]) & (
            table.ts_ms > to_ms(self.start + timedelta(hours=self.plan.hours / 2))
        )
        arrival = np.where(silent, to_ms(self.plan.end) + 1, table.ts_ms + (lag_s * 1000).astype(np.int64))
        now, before = self.start + self.plan.step, to_ms(self.start) - 1
        while now <= self.plan.end:
            until = to_ms(now)
            yield now, table.rows((arrival > before) & (arrival <= until))
            before, now = until, now + self.plan.step

    def _collect(self, batch: ReadingTable, now: datetime) -> None:
        written = self.store.write(batch)
        stored, late = int(written.stored.sum()), int(written.late.sum())
        keys = tuple(zip(batch.device.tolist(), batch.ts_ms.tolist(), strict=True))
        oldest, newest = int(batch.ts_ms.min()), int(batch.ts_ms.max())
        journal = self.ledger.journal
        journal.begin(BatchIntent(keys=keys, oldest_ms=oldest, newest_ms=newest), now)
        bad = [self._rejected(now, reason) for reason in ("not_json", "out_of_range")]
        counts = {
            "received": len(batch) + len(bad),
            "stored": stored,
            "late": late,
            "repeated": len(batch) - stored,
            "quarantined": len(bad),
            "quarantined.not_json": 1,
            "quarantined.out_of_range": 1,
            "packets": len(batch),
        }
        journal.finish(counts, bad, {}, now)

    def _rejected(self, now: datetime, reason: str) -> RejectedReading:
        return RejectedReading(
            received_at=now, topic="heatwatch/v1/X/readings", reason=reason, index=0, payload=b"x", length=1, sha256="0"
        )

    def _note_strangers(self) -> None:
        seen = Stranger(device_id="X-1", topic="heatwatch/v1/X-1/readings", first_seen=self.start, last_seen=self.start)
        self.ledger.journal.note_strangers([seen])

    def _note_losses(self) -> None:
        """The broker's queue was full for a quarter of an hour; then it was restarted without what it had kept.

        Meanwhile packets made room in the quarantine.
        """
        first, hour = self.start, timedelta(hours=1)
        drops = [Loss(what="queue", since=first, until=first + n * hour / 12, messages=40 * n) for n in range(1, 4)]
        gone = Loss(what="session", since=first + hour, until=first + 2 * hour, expiry_s=604_800)
        full = Loss(what="quarantine", since=first, until=first + hour, messages=70)
        for loss in (*drops, full, gone):
            self.ledger.chain.append(LOSS, "collector", msgspec.to_builtins(loss), loss.until)

    def _note_clocks(self) -> None:
        devices = sorted(set(self.table.device.tolist()))
        told = {ClockState.LOCAL_AS_UTC: 28_790.0, ClockState.AHEAD: 190.0, ClockState.BEHIND: -4_000.0}
        states = [*told, *[ClockState.GOOD] * (len(devices) - len(told))]
        self.ledger.journal.note_clocks(
            [
                ClockRecord(
                    DeviceClock(
                        device_id=device, state=state, skew_s=told.get(state, 0.4), drift_s_per_day=1.5,
                        packets=90 + n, missing=7 if n == 4 else 0, at=self.plan.end - timedelta(minutes=n % 20),
                    )
                )
                for n, (device, state) in enumerate(zip(devices, states, strict=True))
            ]
        )  # fmt: skip

    def _act(self, now: datetime) -> None:
        """People at work: each order goes one step further at every third look or so."""
        steps = {
            OrderState.OPEN: "issued",
            OrderState.ISSUED: "contacted",
            OrderState.CONTACTED: "on_site",
            OrderState.ON_SITE: "resolved",
        }
        for order in self.ledger.orders.unfinished():
            kind = steps.get(order.state)
            if kind and self._rng.random() < (0.5 if kind in ("issued", "contacted") else 0.05):
                record_event(self.ledger, order.id, kind, "dispatcher", "", now)


def newest(table: ReadingTable) -> datetime:
    return from_ms(int(table.ts_ms.max()))
