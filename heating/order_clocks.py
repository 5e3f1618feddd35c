"""Clocks of an order: which step is due when, which was met, which is late (contract §8; S0 dispatch post (5), S2 §9).

Pure; read by alerts (escalation), by pages and by reports, so that all of them call the same step late.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from heating.order import ANSWERED, FINISHED, FOLLOW_UP_GRACE, PATH, OrderEvent, OrderState, WorkOrder


class ClockState(StrEnum):
    """How a step stands to its clock; `early` is a follow-up made before its 48 hours were over."""

    WAITING = "waiting"
    DUE = "due"
    LATE = "late"
    MET = "met"
    MISSED = "missed"
    EARLY = "early"
    DROPPED = "dropped"


class StepClock(msgspec.Struct, frozen=True, kw_only=True):
    """One step: due when (for the follow-up: not before, and late from `late_from`), done when, and how that stands."""

    step: str
    due: datetime
    late_from: datetime
    done: datetime | None
    state: ClockState

    @property
    def overdue(self) -> bool:
        """Tell whether the step should have been done by now and is not."""
        return self.state is ClockState.LATE


def clocks(order: WorkOrder, now: datetime) -> tuple[StepClock, ...]:
    """Return the clocks of an order, in the order in which they are due.

    A step counts as done with the first event, since the order was opened or opened again, that reached it or one
    beyond it. The clocks of a paused order run on; those left of a cancelled one are `dropped`.
    """
    return tuple(_clock(order, step, due, now) for step, due in sorted(order.due.items(), key=lambda item: item[1]))


def overdue(order: WorkOrder, now: datetime) -> bool:
    """Tell whether a step is late."""
    return any(clock.overdue for clock in clocks(order, now))


def _clock(order: WorkOrder, step: str, due: datetime, now: datetime) -> StepClock:
    follow_up = step == OrderState.FOLLOWED_UP
    late_from = due + FOLLOW_UP_GRACE if follow_up else due
    done = _done(order, step)
    if done is not None:
        in_time = ClockState.EARLY if follow_up and done < due else ClockState.MET
        state = ClockState.MISSED if done > late_from else in_time
    elif order.state in FINISHED:
        state = ClockState.DROPPED
    elif now > late_from:
        state = ClockState.LATE
    else:
        state = ClockState.DUE if follow_up and now >= due else ClockState.WAITING
    return StepClock(step=step, due=due, late_from=late_from, done=done, state=state)


def _done(order: WorkOrder, step: str) -> datetime | None:
    reaching = {ANSWERED, *_from(OrderState.CONTACTED)} if step == ANSWERED else _from(OrderState(step))
    if step == OrderState.ISSUED:
        reaching = {*reaching, "reopened"}
    return next((e.at for e in _since_opening(order) if e.kind in reaching), None)


def _since_opening(order: WorkOrder) -> tuple[OrderEvent, ...]:
    starts = [i for i, e in enumerate(order.history) if e.kind == "reopened"]
    return order.history[starts[-1] if starts else 0 :]


def _from(step: OrderState) -> set[str]:
    return set(PATH[PATH.index(step) :])
