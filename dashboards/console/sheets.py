"""Orders as they are shown: clocks, what may be done next, and on the sheet whom to call (contract §8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from dashboards.people import masked
from heating.ledger.port import Places
from heating.order import FINISHED, WorkOrder, possible
from heating.order_clocks import StepClock, clocks
from heating.site import Contact


class OrderView(WorkOrder, frozen=True, kw_only=True):
    """An order with its clocks and what a person may record now; no personal data."""

    clocks: tuple[StepClock, ...]
    overdue: bool
    possible: tuple[str, ...]

    @property
    def next_clock(self) -> StepClock | None:
        """The first step that is not done, None on a finished order."""
        if self.state in FINISHED:
            return None
        return next((clock for clock in self.clocks if clock.done is None), None)


class ToCall(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to call about a point of an order."""

    point_id: str
    home: str
    contact: Contact


class OrderSheet(OrderView, frozen=True, kw_only=True):
    """The sheet of an order (调度单): with contacts, masked for who has no need of them."""

    to_call: tuple[ToCall, ...]


def order_view(order: WorkOrder, now: datetime) -> OrderView:
    """Return an order as lists show it."""
    return OrderView(**_with_clocks(order, now))


def order_sheet(order: WorkOrder, now: datetime, places: Places, *, open_contacts: bool) -> OrderSheet:
    """Return the sheet; `open_contacts` for roles that call or visit."""
    register = places.register()
    to_call = []
    for point_id in order.points:
        point, contact = register.by_id.get(point_id), places.contact(point_id)
        shown = contact if open_contacts else masked(contact)
        to_call.append(ToCall(point_id=point_id, home=point.home_id if point else "", contact=shown))
    return OrderSheet(**_with_clocks(order, now), to_call=tuple(to_call))


def by_urgency(orders: Iterable[WorkOrder], now: datetime) -> list[OrderView]:
    """Return orders as a dispatcher takes them: overdue first, then the nearest clock, then the priority."""
    return sorted((order_view(o, now) for o in orders), key=_urgency)


def _urgency(order: OrderView) -> tuple[bool, datetime, float, str]:
    clock = order.next_clock
    return not order.overdue, clock.late_from if clock else order.opened_at, -order.priority, order.id


def _with_clocks(order: WorkOrder, now: datetime) -> dict[str, Any]:
    steps = clocks(order, now)
    return msgspec.structs.asdict(order) | {
        "clocks": steps,
        "overdue": any(clock.overdue for clock in steps),
        "possible": possible(order),
    }
