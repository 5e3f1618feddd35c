"""The stage: looks at findings and clocks, writes orders, and lets the couriers deliver.

::

    findings, orders, outages ─► decide ─► save (order + events + notices in one transaction) ─► couriers ─► receivers
                                    └─ clocks ─► escalations ─┘

Every step decides from what is on record, so the process may be killed between any two of them: the next pass does
what is missing and nothing twice.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import numpy as np

from alerts.dispatch import escalations, needs_notice, stops
from alerts.grouping import opened, order_id
from alerts.lifecycle import Change, Decision, Picture, decide, noted, unordered
from alerts.mute import ExemptHomes, stands_in
from alerts.notices import Announcer
from alerts.outbox import Courier
from alerts.receivers import check, make
from alerts.settings import AlertsSettings
from alerts.words import Voice
from heating.clock import Clock
from heating.errors import LedgerUnavailable, OrderChanged
from heating.finding import Finding, FindingKind
from heating.ledger.port import EntryKind, Ledger
from heating.order import WorkOrder, apply
from heating.register import Register
from heating.stage import Health, Metric

log = logging.getLogger(__name__)

_COURIER_EVERY_S = 1.0
_EVER = timedelta(days=3650)
_JOIN_S = 5.0  # a courier that waits for a slow server is left behind; its notice stays in the outbox


class AlertsStage:
    """From findings to people (`heating.stage.Stage`)."""

    name = "alerts"

    def __init__(
        self,
        settings: AlertsSettings,
        ledger: Ledger,
        register_source: Callable[[], Register],
        clock: Clock,
        rng: np.random.Generator,
        voice: Voice,
    ) -> None:
        check(settings.receivers)
        self.announcer = Announcer(settings.receivers, voice)
        self.couriers = tuple(
            Courier(make(receiver), receiver, ledger, self.announcer, settings, own)
            for receiver, own in zip(settings.receivers, rng.spawn(len(settings.receivers)), strict=True)
        )
        self._settings = settings
        self._ledger = ledger
        self._register_source = register_source
        self._clock = clock
        self._voice = voice
        self._counts: Counter[str] = Counter()
        self._gauges: Counter[str] = Counter()
        self._last_pass: datetime | None = None
        self._trouble: dict[str, str] = {}
        self._seen = -1
        self._threads: list[threading.Thread] = []
        self._stops_told: set[str] = set()
        self._found_stops: tuple[Finding, ...] = ()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; what is not delivered then stays in the outbox."""
        self._threads = [
            threading.Thread(
                target=self._carry, args=(courier, stop), name=f"courier-{courier.receiver.name}", daemon=True
            )
            for courier in self.couriers
        ]
        for thread in self._threads:
            thread.start()
        self._guarded(self._drop_strangers)
        while not stop.is_set():
            self._guarded(self.look)
            self._clock.wait(self._settings.every_s, stop)
        for thread in self._threads:
            thread.join(_JOIN_S)

    def look(self) -> None:
        """Take one pass: orders first, then clocks, then outages."""
        now = self._clock.now()
        head = self._ledger.chain.head().seq
        # Without a new entry nothing that a decision looks at has changed, but what mutes a home may end by itself.
        if head != self._seen or self._gauges["muted"]:
            findings, register = self._ledger.findings.open(), self._register_source()
            self._do(decide(self._picture(findings, register, now)), now)
            self._found_stops = tuple(f for f in findings if f.kind is FindingKind.OUTAGE)
            self._ledger.orders.set_cursor(head)
            self._seen = head
        self._run_clocks(now)
        self._tell_stops(now)
        self._gauges["waiting"] = self._ledger.outbox.waiting()
        self._last_pass = self._clock.now()

    def deliver(self, stop: threading.Event | None = None) -> int:
        """Let every courier go once, in this thread; return how many notices were delivered."""
        return sum(courier.round(self._clock, stop or threading.Event()) for courier in self.couriers)

    def health(self, now: datetime) -> Health:
        """Alive while the couriers are; fresh after a pass not long ago."""
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        # A minute of the machine at least, however fast the clock of a demo runs.
        late = timedelta(seconds=max(3 * self._settings.every_s, 60.0 / self._clock.real_seconds(1.0)))
        trouble = sorted(set(self._trouble.copy().values()))
        fresh = self._last_pass is not None and now - self._last_pass <= late and not trouble
        failing = [f"{c.receiver.name} fails: {c.last_error}" for c in self.couriers if c.last_error]
        text = f"{self._gauges['unfinished']} unfinished orders, {self._gauges['waiting']} notices waiting"
        return Health(alive=not dead, fresh=fresh, text="; ".join([text, *trouble, *dead, *failing]))

    def metrics(self) -> Sequence[Metric]:
        """Return counts of orders, clocks and messages."""
        own = [
            Metric(f"heatwatch_alerts_{key}_total", float(self._counts[key]), text) for key, text in _COUNTERS.items()
        ]
        own += [Metric(f"heatwatch_alerts_{key}", float(self._gauges[key]), text) for key, text in _GAUGES.items()]
        for courier in self.couriers:
            label = (("receiver", courier.receiver.name),)
            own += [
                Metric(f"heatwatch_alerts_notices_{key}_total", float(courier.counts[key]), text, label)
                for key, text in _COURIER_COUNTERS.items()
            ]
        return own

    def _picture(self, findings: Sequence[Finding], register: Register, now: datetime) -> Picture:
        orders = self._ledger.orders.unfinished()
        known = {finding.id: finding for finding in findings}
        for finding_id in _to_look_up(orders, known):
            found = self._ledger.findings.get(finding_id)
            if found is not None:
                known[finding_id] = found
        loose = unordered(findings, orders)
        settled = self._settled(loose)
        return Picture(
            now=now,
            findings=known,
            orders=orders,
            settled=settled,
            known_at={f.id: self._known_at(f, now) for f in loose if f.id not in settled},
            register=register,
            muter=ExemptHomes(self._ledger.places.outages()),
            voice=self._voice,
        )

    def _settled(self, loose: Sequence[Finding]) -> frozenset[str]:
        covering = self._ledger.orders.covering([finding.id for finding in loose]) if loose else []
        return frozenset(finding_id for order in covering for finding_id in order.findings)

    def _known_at(self, finding: Finding, now: datetime) -> datetime:
        """Return when the first sweep could know that a breach is confirmed.

        `detected_at` is the first sweep that saw the breach; where it was not confirmed yet, the chain tells which
        sweep recorded it as confirmed.
        """
        seen, confirmed = finding.detected_at, finding.confirmed_at
        if seen is not None and confirmed is not None and seen >= confirmed:
            return seen
        records = self._ledger.chain.entries(kind=EntryKind.FINDING, subject=finding.id)
        return next((entry.at for entry in records if entry.body.get("confirmed")), now)

    def _do(self, decision: Decision, now: datetime) -> None:
        self._gauges["muted"] = decision.muted
        for group in decision.openings:
            year = now.astimezone(self._voice.zone).year
            order = opened(group, order_id(year, self._ledger.orders.next_number(year)), now)
            notices = self.announcer.of_event(order, order.history[0], "order_opened")
            self._ledger.orders.save(order, order.history, notices, at=now)
            self._counts["orders_opened"] += 1
            log.info("order opened order=%s place=%s homes=%d", order.id, order.subject_id, len(order.homes))
        self._save(decision.changes, now)

    def _run_clocks(self, now: datetime) -> None:
        orders = self._ledger.orders.unfinished()
        self._gauges["unfinished"] = len(orders)
        changes = [c for order in orders for c in escalations(order, now, self._settings, self._voice)]
        self._save(changes, now)
        self._counts["escalations"] += len(changes)

    def _save(self, changes: Sequence[Change], now: datetime) -> None:
        by_order: dict[str, list[Change]] = {}
        for change in changes:
            by_order.setdefault(change.order.id, []).append(change)
        for group in by_order.values():
            # Someone else was faster: the next pass decides anew from what is on record then.
            with suppress(OrderChanged):
                self._save_one(group, now)

    def _save_one(self, changes: Sequence[Change], now: datetime) -> None:
        order = changes[0].order
        for change in changes:
            order = apply(order, change.event)
        told = [(c.event, c.why) for c in changes if c.why is not None]
        notices = [n for event, why in told for n in self.announcer.of_event(order, event, why)]
        self._ledger.orders.save(order, [c.event for c in changes], notices, at=now)
        for change in changes:
            log.info("order event order=%s kind=%s why=%s", order.id, change.event.kind, change.why)

    def _tell_stops(self, now: datetime) -> None:
        least = timedelta(hours=self._settings.outage_notice_h)
        for stop in stops(self._ledger.places.outages(), self._found_stops, self._voice):
            key = f"{stop.id} {stop.restore}"
            if key in self._stops_told or not needs_notice(stop, now, least):
                continue
            points = (p for p in self._register_source().points if stands_in(p, stop.subject_type, stop.subject_id))
            homes = list(dict.fromkeys(p.home_id for p in points if p.building))
            self._ledger.outbox.put(self.announcer.of_stop(stop, homes, now), at=now)
            self._stops_told.add(key)

    def _drop_strangers(self) -> None:
        """Give up what waits for receivers that are no longer configured."""
        names = {courier.receiver.name for courier in self.couriers}
        now = self._clock.now()
        for notice in self._ledger.outbox.due(now + _EVER, 1_000_000):
            if notice.receiver not in names:
                self._ledger.outbox.failed(notice.id, now, next_try=None, error="receiver is no longer configured")
                log.warning("notice given up receiver=%s notice=%s error=not configured", notice.receiver, notice.id)

    def _carry(self, courier: Courier, stop: threading.Event) -> None:
        while not stop.is_set():
            self._guarded(lambda: courier.round(self._clock, stop))
            # Couriers look once a real second, also when the clock of a demo runs fast.
            stop.wait(_COURIER_EVERY_S)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Run one step of a loop: an unavailable ledger and a bug are logged once, counted, and tried again."""
        try:
            work()
        except LedgerUnavailable as wrong:
            self._note_trouble(f"ledger unavailable: {wrong}")
        except Exception as bug:
            if self._note_trouble(f"{type(bug).__name__}: {bug}"):
                log.exception("alerts pass failed")
        else:
            self._trouble.pop(threading.current_thread().name, None)

    def _note_trouble(self, text: str) -> bool:
        self._counts["errors"] += 1
        thread = threading.current_thread().name
        is_new = text != self._trouble.get(thread)
        self._trouble[thread] = text
        if is_new:
            log.warning("alerts trouble error=%s", text)
        return is_new


def _to_look_up(orders: Sequence[WorkOrder], known: dict[str, Finding]) -> list[str]:
    """Return the findings of orders that are not open and whose end is not noted yet."""
    missing = []
    for order in orders:
        said = noted(order)
        missing += [i for i in order.findings if i not in known and not said.get(i, False)]
    return missing


_COUNTERS = {
    "orders_opened": "Work orders opened",
    "escalations": "Steps told as due soon or late",
    "errors": "Passes that failed",
}
_GAUGES = {
    "unfinished": "Orders neither closed nor cancelled",
    "waiting": "Notices not delivered yet",
    "muted": "Confirmed cold homes without an order because they are exempt now",
}
_COURIER_COUNTERS = {
    "delivered": "Notices delivered",
    "failed": "Tries that failed and are repeated",
    "given_up": "Notices given up for good",
    "folded": "Notices told in a digest",
}
