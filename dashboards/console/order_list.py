"""Orders as lists show them: with their clocks and what may be done next; no personal data (contract §8).

The sheet of one order, with whom to call, is `heating.order_sheet`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from dashboards.console.desk import Desk
from dashboards.console.users import Right, User
from heating.order import FINISHED, WorkOrder, possible
from heating.order_clocks import StepClock, clocks
from heating.order_sheet import OrderSheet, show_order
from heating.personal import masked
from heating.words import Language


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


def order_view(order: WorkOrder, now: datetime) -> OrderView:
    """Return an order as lists show it."""
    return OrderView(**_with_clocks(order, now))


def sheet_for(user: User, desk: Desk, order: WorkOrder, language: Language) -> OrderSheet:
    """Return the sheet of an order; contacts are masked for roles that neither call nor visit."""
    hide = None if user.may(Right.CONTACT) else masked
    return show_order(order, desk.ledger.places, language, desk.now(), hide=hide, register=desk.register())


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
