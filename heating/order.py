"""Work orders (调度单), their states, clocks and history: pure, no I/O.

Contract §8; S0 dispatch post (4)(5), S2 §9. An order only changes by `apply(order, event)`::

    open → issued → contacted → on_site → resolved → followed_up → closed
      paused (from any of these but closed; `resumed` goes back)   cancelled (from any but closed)
      reopened (from resolved, followed_up, closed: back to issued, its clocks start anew)

`answered` (the station's opinion), `joined` (more homes, or one of its homes got worse), `escalated` and `note` leave
the state as it is. What happened is recorded as it happened, too late or too early as well: the clocks judge it.
A pause does not move due times: the rule (S2 §9(10)) knows none, and a clock that the company can stop proves nothing;
a paused order is only not escalated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from heating.errors import InputError
from heating.finding import Cause, Severity
from heating.site import SubjectType


class TriggerClass(StrEnum):
    """The four triggers 四为令 of S0: weather, user, equipment, emergency."""

    WEATHER = "weather"
    USER = "user"
    EQUIPMENT = "equipment"
    EMERGENCY = "emergency"


class OrderState(StrEnum):
    """States in their order; `paused` and `cancelled` carry a reason."""

    OPEN = "open"
    ISSUED = "issued"
    CONTACTED = "contacted"
    ON_SITE = "on_site"
    RESOLVED = "resolved"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an order's history, as it stands in the chain (no personal data).

    `kind` is the state reached, or `opened`, `joined` (more homes, or worse), `answered`, `resumed`, `reopened`,
    `escalated`, `note`.
    """

    order_id: str
    kind: str
    at: datetime
    by: str
    text: str = ""
    data: Mapping[str, Any] = {}


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A work order for dispatch; contact, telephone and address are put in when it is shown.

    Attributes
    ----------
    due
        Step (`issued`, `answered`, `contacted`, `on_site`, `resolved`; `followed_up` once resolved) to the instant it
        is due.
    homes, points, findings
        Ids that the order covers.
    priority
        Largest score of its homes [K].
    """

    id: str
    state: OrderState
    opened_at: datetime
    detected_at: datetime
    subject_type: SubjectType
    subject_id: str
    homes: tuple[str, ...]
    points: tuple[str, ...]
    findings: tuple[str, ...]
    cause: Cause | None
    trigger: TriggerClass
    severity: Severity
    priority: float
    content: str
    due: Mapping[str, datetime]
    reason: str | None = None
    paused_from: OrderState | None = None
    history: tuple[OrderEvent, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A message for one receiver, kept in the outbox until delivered.

    `id` is the same for every try, so that a receiver can tell a repetition; `why` says why it is sent
    (`order_opened`, `order_joined`, `step_due`, `step_late`, `order_closed`, …).
    """

    id: str
    receiver: str
    why: str
    subject: str
    created_at: datetime
    next_try: datetime
    body: Mapping[str, Any]
    attempts: int = 0


class Limit(msgspec.Struct, frozen=True):
    """How long after its start a step is due, where that differs in an emergency (a leak), and by which rule."""

    after: timedelta
    rule: str
    emergency: timedelta | None = None


ANSWERED = "answered"
# Counted from `detected_at`, the first sweep that could know.
LIMITS: Mapping[str, Limit] = {
    OrderState.ISSUED.value: Limit(timedelta(minutes=10), "S0 dispatch post (5)"),
    OrderState.CONTACTED.value: Limit(timedelta(minutes=30), "S2 §9(10)"),
    ANSWERED: Limit(timedelta(hours=1), "S2 §4(5)"),
    OrderState.ON_SITE.value: Limit(timedelta(hours=2), "S2 §9(10)", emergency=timedelta(minutes=30)),
    OrderState.RESOLVED.value: Limit(timedelta(hours=24), "S2 §9(10)"),
}
# Counted from the repair: the call is to be made then, not before ("48小时后做一次回访").
FOLLOW_UP = Limit(timedelta(hours=48), "S2 §9(11)")
# How long the call may take from then on; the rule names no end (assumption: by the same hour of the next day).
FOLLOW_UP_GRACE = timedelta(hours=24)

PATH = (
    OrderState.OPEN,
    OrderState.ISSUED,
    OrderState.CONTACTED,
    OrderState.ON_SITE,
    OrderState.RESOLVED,
    OrderState.FOLLOWED_UP,
    OrderState.CLOSED,
)
FINISHED = (OrderState.CLOSED, OrderState.CANCELLED)
_REOPENED_FROM = (OrderState.RESOLVED, OrderState.FOLLOWED_UP, OrderState.CLOSED)
_NEED_TEXT = ("paused", "cancelled", "reopened", "note")
_SEVERITIES = tuple(Severity)


def due_times(start: datetime, trigger: TriggerClass) -> dict[str, datetime]:
    """Return when each step is due for clocks that start at `start`; the follow-up is known once resolved."""
    hurry = trigger is TriggerClass.EMERGENCY
    return {
        step: start + (limit.emergency if hurry and limit.emergency else limit.after) for step, limit in LIMITS.items()
    }


def possible(order: WorkOrder) -> tuple[str, ...]:
    """Return the kinds of events that a person may record now, the next step first."""
    if order.state is OrderState.CANCELLED:
        return ("note",)
    if order.state is OrderState.CLOSED:
        return ("reopened", "note")
    if order.state is OrderState.PAUSED:
        return ("resumed", "cancelled", ANSWERED, "note")
    reopened = ("reopened",) if order.state in _REOPENED_FROM else ()
    return (_next(order.state).value, "paused", "cancelled", *reopened, ANSWERED, "note")


def apply(order: WorkOrder, event: OrderEvent) -> WorkOrder:
    """Return the order after an event, its history included.

    Raises
    ------
    InputError
        If the step is not allowed now, needs a reason and has none, or lies before the one it follows.
    """
    _check(order, event)
    return msgspec.structs.replace(_changed(order, event), history=(*order.history, event))


def _check(order: WorkOrder, event: OrderEvent) -> None:
    allowed = possible(order)
    if order.state not in FINISHED:
        allowed += ("joined", "escalated")
    if event.order_id != order.id:
        raise InputError(f"event of order {event.order_id} cannot be recorded on {order.id}")
    if event.kind not in allowed:
        raise InputError(
            f"order {order.id} is {order.state}: {event.kind} is not possible now, but {', '.join(allowed)}"
        )
    if event.kind in _NEED_TEXT and not event.text.strip():
        raise InputError(f"order {order.id}: {event.kind} needs a text that says why")
    last = step_at(order)
    if event.kind in PATH and event.at < last:
        raise InputError(f"order {order.id}: {event.kind} at {event.at} lies before its last step at {last}")


def _changed(order: WorkOrder, event: OrderEvent) -> WorkOrder:
    change = msgspec.structs.replace
    match event.kind:
        case "paused":
            return change(order, state=OrderState.PAUSED, paused_from=order.state, reason=event.text)
        case "resumed":
            return change(order, state=order.paused_from or OrderState.OPEN, paused_from=None, reason=None)
        case "cancelled":
            return change(order, state=OrderState.CANCELLED, paused_from=None, reason=event.text)
        case "reopened":
            due = {k: v for k, v in due_times(event.at, order.trigger).items() if k != OrderState.ISSUED}
            return change(order, state=OrderState.ISSUED, due={OrderState.ISSUED.value: event.at, **due})
        case "resolved":
            due = {**order.due, OrderState.FOLLOWED_UP.value: event.at + FOLLOW_UP.after}
            return change(order, state=OrderState.RESOLVED, due=due)
        case "joined":
            return _joined(order, event.data)
        case kind if kind in PATH:
            return change(order, state=OrderState(kind))
    return order


def _joined(order: WorkOrder, data: Mapping[str, Any]) -> WorkOrder:
    """Return the order with more homes; it is as urgent as its worst home and as wide as its widest place."""
    severity = max(order.severity, Severity(data.get("severity", order.severity)), key=_SEVERITIES.index)
    return msgspec.structs.replace(
        order,
        homes=_union(order.homes, data.get("homes", ())),
        points=_union(order.points, data.get("points", ())),
        findings=_union(order.findings, data.get("findings", ())),
        severity=severity,
        priority=max(order.priority, float(data.get("priority", 0.0))),
        content=data.get("content", order.content),
        cause=msgspec.convert(data["cause"], Cause) if data.get("cause") else order.cause,
        subject_type=SubjectType(data.get("subject_type", order.subject_type)),
        subject_id=data.get("subject_id", order.subject_id),
    )


def _union(old: tuple[str, ...], new: Any) -> tuple[str, ...]:
    return (*old, *(item for item in dict.fromkeys(new) if item not in old))


def _next(state: OrderState) -> OrderState:
    return PATH[PATH.index(state) + 1]


def step_at(order: WorkOrder) -> datetime:
    """Return when the order reached the step at which it stands (its opening if none)."""
    steps = (*PATH, "reopened")
    return next((e.at for e in reversed(order.history) if e.kind in steps), order.opened_at)
