"""What a person may do with orders: record a step or a remark, and open one by hand (a call, a leak).

The roof hands these to the console and to the commands; they write to the ledger in one transaction, together with the
messages that follow when an `announcer` is given.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerts.grouping import Draft, opened, order_id
from alerts.notices import Announcer
from heating.errors import InputError, OrderChanged
from heating.finding import Severity, Subject
from heating.ledger.port import Ledger
from heating.order import FINISHED, OrderEvent, OrderState, TriggerClass, WorkOrder, apply
from heating.personal import without_phones
from heating.register import Register

_TRIES = 5


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Trouble that a person reports: where, what, by which trigger; a leak is an `emergency`."""

    subject: Subject
    points: tuple[str, ...]
    content: str
    trigger: TriggerClass = TriggerClass.USER
    severity: Severity = Severity.MAJOR


def record_event(
    ledger: Ledger,
    order_id: str,
    kind: str,
    by: str,
    text: str,
    at: datetime,
    *,
    announcer: Announcer | None = None,
) -> WorkOrder:
    """Record what a person did (`heating.order.possible` lists the kinds); return the order as it is then.

    Telephone numbers in the text are masked. An order closed while its homes are still cold says so in its history.

    Raises
    ------
    InputError
        If there is no such order, or the step is not possible now.
    OrderChanged
        If others kept changing the order; nothing is recorded.
    """
    for _ in range(_TRIES):
        order = ledger.orders.get(order_id)
        if order is None:
            raise InputError(f"order {order_id} is not known")
        event = _event(ledger, order, OrderEvent(order_id=order_id, kind=kind, at=at, by=by, text=without_phones(text)))
        changed = apply(order, event)
        why = "order_closed" if changed.state in FINISHED else "order_step"
        notices = announcer.of_event(changed, event, why) if announcer and kind != "note" else []
        try:
            ledger.orders.save(changed, [event], notices, at=at)
        except OrderChanged:
            continue
        return changed
    raise OrderChanged(f"order {order_id} is being changed by others, try again")


def open_by_hand(
    ledger: Ledger, call: Call, register: Register, by: str, at: datetime, *, announcer: Announcer | None = None
) -> WorkOrder:
    """Open an order for trouble that a person reported; its clocks start at `at` (S0 dispatch post (5))."""
    unknown = [p for p in call.points if p not in register.by_id]
    if unknown:
        raise InputError(f"point {unknown[0]} is not in the register")
    if not call.content.strip():
        raise InputError("an order needs a content: what is wrong")
    order = opened(_draft(call, register, at), _next_id(ledger, at), at, by=by)
    notices = announcer.of_event(order, order.history[0], "order_opened") if announcer else []
    ledger.orders.save(order, order.history, notices, at=at)
    return order


def _next_id(ledger: Ledger, at: datetime) -> str:
    return order_id(at.year, ledger.orders.next_number(at.year))


def _draft(call: Call, register: Register, at: datetime) -> Draft:
    return Draft(
        subject=call.subject,
        homes=tuple(dict.fromkeys(register.by_id[p].home_id for p in call.points)),
        points=call.points,
        findings=(),
        cause=None,
        severity=call.severity,
        priority=0.0,
        content=without_phones(call.content.strip()),
        detected_at=at,
        trigger=call.trigger,
    )


def _event(ledger: Ledger, order: WorkOrder, event: OrderEvent) -> OrderEvent:
    if event.kind != OrderState.CLOSED:
        return event
    known = (ledger.findings.get(finding_id) for finding_id in order.findings)
    cold = [f.id for f in known if f is not None and f.end is None]
    return msgspec.structs.replace(event, data={"still_cold": cold}) if cold else event
