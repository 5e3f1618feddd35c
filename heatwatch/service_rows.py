"""Writes what Grafana shows and only the ledger knows into the store: the extension of contract §5.

::

    store + ledger ─► Snapshot ─► dashboards/grafana/*_rows ─► only what changed ─► store.write_rollup

It is for sites whose store is InfluxDB; console and reports read the ledger themselves. All rows are keyed by place and
time: who is killed half-way writes them again. After a start the rows of what ended meanwhile are written too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dashboards.device_states import device_states
from dashboards.grafana import collector_rows, home_rows, order_rows, site_rows
from dashboards.grafana.cold_homes import ColdHomes
from dashboards.grafana.home_news import HomeNews
from dashboards.grafana.place_cells import PlaceCells
from dashboards.grafana.rows import HEARTBEAT, Changed, Row, rollup_of
from dashboards.losses import LossBook
from dashboards.newest import NewestReadings
from dashboards.snapshot import JudgingRules, Snapshot, SnapshotKeeper
from heating.clock import Clock
from heating.errors import LedgerUnavailable, StoreMisconfigured, StoreUnavailable
from heating.finding import Finding, FindingKind
from heating.instants import local_midnight, to_ms
from heating.ledger.port import Ledger
from heating.measurement import Measurement
from heating.order import FINISHED, WorkOrder
from heating.reading import KindCode, ReadingTable
from heating.register import Register
from heating.stage import Health, Metric
from heating.store.port import ReadingStore
from heating.unknown_devices import still_unknown

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
# Orders opened before that are not shown any more, unless they are unfinished; nor are losses at the broker.
KEEP_ORDERS = timedelta(days=62)
# Thirds of branches and clocks of devices.
_PROFILES_EVERY = timedelta(minutes=5)
# Hours of rooms are written by the sweep after their end.
_HOURS_SETTLE = timedelta(minutes=5)
_DAYS_AT_START = 7
# A temperature that moves less than this is not worth a row between two heartbeats [K].
_STEP_K = 0.3
# Every breach has its row among the homes: findings here are of places, causes and sensors.
_OF_ONE_HOME = (FindingKind.COLD_HOME, FindingKind.BELOW_TARGET)


@dataclass(frozen=True, slots=True)
class RowsSite:
    """What the rows are about; `metrics` gives the numbers of the stages in this process."""

    name: str
    zone: ZoneInfo
    rules: JudgingRules
    metrics: Callable[[], Sequence[Metric]] = tuple


class ServiceRowsStage:
    """Once a minute: the site as it is, into the store."""

    name = "service_rows"

    def __init__(self, store: ReadingStore, ledger: Ledger, clock: Clock, site: RowsSite) -> None:
        self._store, self._ledger, self._clock, self._site = store, ledger, clock, site
        self._changed = {
            Measurement.SITE_STATUS: Changed(Measurement.SITE_STATUS),
            Measurement.HOME_NOW: Changed(Measurement.HOME_NOW, step=_STEP_K),
            Measurement.FINDING_STATUS: Changed(Measurement.FINDING_STATUS),
            Measurement.ORDER_STATUS: Changed(Measurement.ORDER_STATUS),
            Measurement.ORDER_COUNT: Changed(Measurement.ORDER_COUNT),
            Measurement.ORDER_DAY: Changed(Measurement.ORDER_DAY, heartbeat=None),
            Measurement.INTAKE: Changed(Measurement.INTAKE),
            Measurement.LOSS: Changed(Measurement.LOSS, heartbeat=None),
            Measurement.CLOCK_COUNT: Changed(Measurement.CLOCK_COUNT),
            Measurement.DATA_DAY: Changed(Measurement.DATA_DAY, heartbeat=None),
            Measurement.POINT_PLACE: Changed(Measurement.POINT_PLACE, heartbeat=None),
            Measurement.EMPTY_STOREY: Changed(Measurement.EMPTY_STOREY, heartbeat=None),
        }
        within = timedelta(minutes=site.rules.stale_after_min)
        self._keeper = SnapshotKeeper(store, ledger, site.rules)
        self._rooms = NewestReadings(store, ledger, KindCode.ROOM, within)
        self._homes = HomeNews()
        self._losses = LossBook(ledger.chain)
        self._cold: ColdHomes | None = None
        self._places = PlaceCells(Register.of_points(()))
        self._placed: tuple[Register, datetime] | None = None
        self._orders: dict[str, WorkOrder] | None = None
        self._told: dict[str, tuple[int, int]] = {}
        self._findings: dict[str, Finding] | None = None
        self._reached: tuple[int, datetime] | None = None
        self._profiles_at: datetime | None = None
        self._day_hour: datetime | None = None
        self._done_at: datetime | None = None
        self._problem = ""
        self._rows = 0

    def run(self, stop: threading.Event) -> None:
        """Write once a minute until `stop`."""
        while not stop.is_set():
            try:
                self.write(self._clock.now())
            except (StoreUnavailable, StoreMisconfigured, LedgerUnavailable) as problem:
                self._failed(problem)
            except Exception as problem:
                self._failed(problem)
                log.exception("rows for dashboards failed")
            self._clock.wait(EVERY.total_seconds(), stop)

    def write(self, now: datetime) -> int:
        """Write what changed; return the number of rows. May raise the errors of store and ledger."""
        before = self._rows
        snapshot = self._keeper.load(now)
        if snapshot.register is not self._places.register:
            self._places = PlaceCells(snapshot.register)
        self._write_site(snapshot)
        self._write_orders(snapshot)
        self._write_findings(snapshot)
        self._put(Measurement.INTAKE, site_rows.intake(snapshot.counters, now))
        self._write_places(snapshot)
        self._write_days(snapshot)
        if self._problem:
            log.info("rows for dashboards are written again")
        self._done_at, self._problem = now, ""
        return self._rows - before

    def health(self, now: datetime) -> Health:
        """Fresh while the last round was not longer ago than five minutes."""
        if self._done_at is None:
            return Health(alive=True, fresh=not self._problem, text=self._problem or "first round under way")
        fresh = now - self._done_at < 5 * EVERY
        return Health(alive=True, fresh=fresh, text=self._problem or f"last round {self._done_at:%H:%M} UTC")

    def metrics(self) -> Sequence[Metric]:
        """Return how many rows were written."""
        return [Metric("heatwatch_dashboard_rows_total", float(self._rows), "Rows written for Grafana.")]

    def _write_site(self, snapshot: Snapshot) -> None:
        at = snapshot.at
        latest = self._rooms.read(at)
        row = site_rows.site_status(self._site.name or "-", snapshot, latest, self._flow(at, snapshot.register))
        self._put(Measurement.SITE_STATUS, [row])
        self._write_homes(snapshot, latest)
        self._put(Measurement.LOSS, collector_rows.losses(self._losses.noticed_since(at - KEEP_ORDERS)))
        if self._profiles_at is None or at - self._profiles_at >= _PROFILES_EVERY:
            within_ms = int(self._site.rules.stale_after_min * 60_000)
            entries = self._store.latest(KindCode.ENTRY, at_ms=to_ms(at), within_ms=within_ms)
            self._send(Measurement.BRANCH_PROFILE, list(site_rows.branch_profiles(snapshot, latest, entries)))
            self._write_clocks(snapshot)
            self._profiles_at = at

    def _write_clocks(self, snapshot: Snapshot) -> None:
        devices = device_states(self._ledger.journal, snapshot.register)
        self._put(Measurement.CLOCK_COUNT, collector_rows.clock_counts(devices, snapshot.at))
        rows = list(collector_rows.device_clocks(devices, self._places, snapshot.at))
        self._send(Measurement.DEVICE_CLOCK, rows)

    def _write_homes(self, snapshot: Snapshot, latest: ReadingTable) -> None:
        at = snapshot.at
        if self._cold is None:
            at_ms, before_ms = to_ms(at), to_ms(at - 2 * HEARTBEAT)
            self._cold = ColdHomes(self._store.rollup(Measurement.COLD_HOME, before_ms, at_ms + 1))
        changed = self._changed[Measurement.HOME_NOW]
        news = self._homes.of(snapshot, site_rows.newest_temperatures(latest))
        due = changed.of(self._homes.rows(news, at))
        listed = self._cold.of(due)
        # The list first: what is written twice after a failure is no harm, what is left out is.
        self._send(Measurement.COLD_HOME, listed)
        self._send(Measurement.HOME_NOW, due)
        self._cold.written(listed)
        changed.written(due)
        self._homes.written(news, due)

    def _write_places(self, snapshot: Snapshot) -> None:
        """Write where the points are, when the register or the day is another one."""
        today = local_midnight(snapshot.at.astimezone(self._site.zone).date(), self._site.zone)
        if self._placed is not None and self._placed[0] is snapshot.register and self._placed[1] == today:
            return
        points, columns = snapshot.register.points, home_rows.places_in_building(snapshot.homes)
        self._put(Measurement.POINT_PLACE, home_rows.point_places(points, columns, today))
        self._put(Measurement.EMPTY_STOREY, home_rows.bare_storeys(points, columns, today))
        self._placed = (snapshot.register, today)

    def _flow(self, at: datetime, register: Register) -> site_rows.Flow:
        reached = self._ledger.findings.reached()
        unjudged = len(self._ledger.journal.changes_after(reached))
        if self._reached is None or self._reached[0] != reached or not unjudged:
            self._reached = (reached, at)
        waiting = {metric.name: metric.value for metric in self._site.metrics()}
        return site_rows.Flow(
            newest_age_s=site_rows.newest_age_s(self._store.newest(), at),
            judge_lag_s=(at - self._reached[1]).total_seconds(),
            unjudged=unjudged,
            waiting=waiting.get("heatwatch_collector_waiting_packets"),
            strangers=len(still_unknown(self._ledger.journal.strangers(), register)),
            losses_1h=self._losses.at_broker_since(at - timedelta(hours=1)),
            losses_24h=self._losses.at_broker_since(at - timedelta(days=1)),
        )

    def _write_orders(self, snapshot: Snapshot) -> None:
        now = snapshot.at
        if self._orders is None:
            self._orders = {order.id: order for order in self._ledger.orders.between(now - KEEP_ORDERS, now)}
        unfinished = {order.id: order for order in snapshot.orders}
        gone = (self._ledger.orders.get(id_) for id_, o in self._orders.items() if id_ not in unfinished and _runs(o))
        self._orders |= {order.id: order for order in gone if order is not None} | unfinished
        orders = [o for o in self._orders.values() if o.opened_at >= now - KEEP_ORDERS or o.id in unfinished]
        recent = [order for order in orders if order.id in unfinished or now - _touched(order) < 2 * EVERY * 60]
        self._put(Measurement.ORDER_STATUS, order_rows.order_status(recent, self._places, now))
        self._put(Measurement.ORDER_COUNT, order_rows.order_counts(orders, now))
        self._put(Measurement.ORDER_DAY, order_rows.order_days(orders, now, self._site.zone))
        self._write_events(orders)

    def _write_events(self, orders: Iterable[WorkOrder]) -> None:
        """Write the events of orders that have more of them, or more homes, than when last written."""
        news = [o for o in orders if self._told.get(o.id) != (len(o.history), len(o.homes))]
        self._send(
            Measurement.ORDER_EVENT,
            [row for order in news for row in order_rows.order_events(order, self._places)],
        )
        self._told |= {order.id: (len(order.history), len(order.homes)) for order in news}

    def _write_findings(self, snapshot: Snapshot) -> None:
        now = snapshot.at
        open_ = {f.id: f for f in snapshot.findings if f.kind not in _OF_ONE_HOME or f.members}
        if self._findings is None:
            lately = self._ledger.findings.overlapping(now - timedelta(hours=2), now)
            known = {f.id: f for f in lately if f.kind not in _OF_ONE_HOME or f.members}
        else:
            known = self._findings
        ended = [self._ledger.findings.get(id_) or f for id_, f in known.items() if id_ not in open_]
        shown = [*_ended(ended, now), *open_.values()]
        rows = home_rows.finding_status(shown, self._places, now)
        self._put(Measurement.FINDING_STATUS, rows)
        self._findings = open_

    def _write_days(self, snapshot: Snapshot) -> None:
        """Write the completeness of today and yesterday once an hour; at the start of the last days."""
        until = (snapshot.at - _HOURS_SETTLE).replace(minute=0, second=0, microsecond=0)
        if self._day_hour == until:
            return
        today = snapshot.at.astimezone(self._site.zone).date()
        back = _DAYS_AT_START if self._day_hour is None else 1
        rows: list[Row] = []
        for day in (today - timedelta(days=n) for n in range(back, -1, -1)):
            found = self._day(snapshot, day, until)
            # Days before the first reading are no gaps.
            if rows or any(row.cells["hours"] for row in found):
                rows += found
        self._put(Measurement.DATA_DAY, rows)
        self._day_hour = until

    def _day(self, snapshot: Snapshot, day: date, until: datetime) -> list[Row]:
        zone = self._site.zone
        start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
        hours = self._store.rollup(Measurement.ROOM_HOUR, to_ms(start), to_ms(end))
        return list(site_rows.data_day(snapshot.register, hours, day, until, zone))

    def _put(self, measurement: Measurement, rows: Iterable[Row]) -> None:
        """Write what is due of the rows."""
        changed = self._changed[measurement]
        due = changed.of(rows)
        self._send(measurement, due)
        changed.written(due)

    def _send(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        if rows:
            self._store.write_rollup(rollup_of(measurement, rows))
            self._rows += len(rows)

    def _failed(self, problem: Exception) -> None:
        if not self._problem:
            log.warning("rows for dashboards not written error=%s", problem)
        self._problem = str(problem)


def _runs(order: WorkOrder) -> bool:
    return order.state not in FINISHED


def _touched(order: WorkOrder) -> datetime:
    return order.history[-1].at if order.history else order.opened_at


def _ended(findings: Iterable[Finding], now: datetime) -> list[Finding]:
    """Return findings that are no longer open with an end, retracted ones too."""
    return [msgspec.structs.replace(f, end=f.end or now) for f in findings]
