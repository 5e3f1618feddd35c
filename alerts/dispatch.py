"""Clocks that run out: which steps of an order have to be told about now, and drafts of outage notices. Pure.

What has been told stands in the order's history (`escalated`), so each is told once, also after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.grouping import SYSTEM
from alerts.lifecycle import Change
from alerts.settings import AlertsSettings
from alerts.words import Voice
from heating.finding import Finding, FindingKind
from heating.order import FINISHED, OrderEvent, OrderState, WorkOrder
from heating.order_clocks import ClockState, StepClock, clocks
from heating.site import Outage, SubjectType

DUE = "step_due"
LATE = "step_late"


def escalations(order: WorkOrder, now: datetime, settings: AlertsSettings, voice: Voice) -> list[Change]:
    """Return what has to be told of an order's clocks: each step once when it is due soon, once when it is late.

    A paused order is not escalated. The follow-up is announced when its time has come, not before.
    """
    if order.state in FINISHED or order.state is OrderState.PAUSED:
        return []
    told = _told(order)
    changes = []
    for clock in clocks(order, now):
        level = _level(clock, order, now, settings)
        if level is None or (clock.step, level) in told or (clock.step, LATE) in told:
            continue
        data = {"step": clock.step, "level": level, "due": clock.due.isoformat()}
        event = OrderEvent(
            order_id=order.id, kind="escalated", at=now, by=SYSTEM, text=_text(clock, level, voice), data=data
        )
        changes.append(Change(order, event, level))
    return changes


def _level(clock: StepClock, order: WorkOrder, now: datetime, settings: AlertsSettings) -> str | None:
    if clock.state is ClockState.LATE:
        return LATE
    if clock.state is ClockState.DUE:
        return DUE
    start = max(order.detected_at, _clocks_from(order))
    lead = max((clock.due - start) * settings.lead_fraction, timedelta(seconds=settings.lead_min_s))
    soon = clock.state is ClockState.WAITING and clock.step != OrderState.FOLLOWED_UP and now >= clock.due - lead
    return DUE if soon else None


def _clocks_from(order: WorkOrder) -> datetime:
    return next((e.at for e in reversed(order.history) if e.kind == "reopened"), order.detected_at)


def _told(order: WorkOrder) -> set[tuple[str, str]]:
    told: set[tuple[str, str]] = set()
    for event in order.history:
        if event.kind == "reopened":
            told.clear()
        elif event.kind == "escalated":
            told.add((str(event.data.get("step")), str(event.data.get("level"))))
    return told


def _text(clock: StepClock, level: str, voice: Voice) -> str:
    step, due = voice.say(f"step:{clock.step}"), voice.time(clock.due)
    if level == LATE:
        return voice.say("late_since", step=step, due=due)
    return voice.say("call_at" if clock.step == OrderState.FOLLOWED_UP else "due_at", step=step, due=due)


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A place without heat: registered by a person, or found by the analyzer (then no one knows yet until when)."""

    id: str
    subject_type: SubjectType
    subject_id: str
    start: datetime
    restore: datetime | None
    reason: str


def stops(outages: Iterable[Outage], findings: Iterable[Finding], voice: Voice) -> list[Stop]:
    """Return all stops on record."""
    registered = [
        Stop(
            id=o.outage_id,
            subject_type=o.subject_type,
            subject_id=o.subject_id,
            start=o.start,
            restore=o.end,
            reason=o.reason,
        )
        for o in outages
    ]
    found = [
        Stop(
            id=f.id,
            subject_type=f.subject.type,
            subject_id=f.subject.id,
            start=f.start,
            restore=None,
            reason=voice.say("fault"),
        )
        for f in findings
        if f.kind is FindingKind.OUTAGE and f.end is None
    ]
    return registered + found


def needs_notice(stop: Stop, now: datetime, least: timedelta) -> bool:
    """Tell whether people must be told of a stop (S2 §9(3)): it lasts `least` by plan, or has lasted so long."""
    if stop.restore is None:
        return now - stop.start >= least
    return now < stop.restore and stop.restore - stop.start >= least
