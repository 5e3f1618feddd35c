"""Clocks of an order: the next step, when it is due, whether it is late (contract §8; S0 dispatch (5), S2 §9(10))."""

from __future__ import annotations

from datetime import datetime

import msgspec

from heating.order import OrderState, WorkOrder

STEPS = (
    OrderState.ISSUED,
    OrderState.CONTACTED,
    OrderState.ON_SITE,
    OrderState.RESOLVED,
    OrderState.FOLLOWED_UP,
)
_PATH = (OrderState.OPEN, *STEPS, OrderState.CLOSED)


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an order: when it was due, when it was done, whether it is or was late."""

    step: OrderState
    due: datetime | None
    done: datetime | None
    late: bool


def clocks(order: WorkOrder, now: datetime) -> tuple[ClockState, ...]:
    """Return every step with its clock; a step that was jumped over counts as done with the later one.

    A paused or cancelled order has no step that is late now.
    """
    reached = _PATH.index(progress(order))
    running = order.state not in (OrderState.PAUSED, OrderState.CANCELLED, OrderState.CLOSED)
    states = []
    for rank, step in enumerate(STEPS, start=1):
        due, done = order.due.get(step.value), _done_at(order, rank) if rank <= reached else None
        late = due is not None and ((done or now) > due if rank <= reached else running and now > due)
        states.append(ClockState(step=step, due=due, done=done, late=late))
    return tuple(states)


def next_clock(order: WorkOrder, now: datetime) -> ClockState | None:
    """Return the clock of the step that has to come next; None for an order that waits for nothing."""
    if order.state in (OrderState.CLOSED, OrderState.CANCELLED):
        return None
    return next((c for c in clocks(order, now)[_PATH.index(progress(order)) :]), None)


def overdue(order: WorkOrder, now: datetime) -> bool:
    """Tell whether the next step should have been done by now."""
    clock = next_clock(order, now)
    return clock is not None and clock.late


def progress(order: WorkOrder) -> OrderState:
    """Return how far an order has come, a paused one as far as it was when it was paused."""
    if order.state in _PATH:
        return order.state
    if order.paused_from is not None:
        return order.paused_from
    reached = [_PATH.index(OrderState(e.kind)) for e in order.history if e.kind in set(_PATH)]
    return _PATH[max(reached, default=0)]


def _done_at(order: WorkOrder, rank: int) -> datetime | None:
    """Return the first event that reached a step or one beyond it."""
    times = [e.at for e in order.history if e.kind in set(_PATH) and _PATH.index(OrderState(e.kind)) >= rank]
    return min(times, default=None)
