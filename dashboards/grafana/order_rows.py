"""Rows of work orders for Grafana: each as it stands, its events by home, counts by state, clocks by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboards.grafana.home_rows import cause_cells
from dashboards.grafana.place_cells import PlaceCells
from dashboards.grafana.rows import Row
from dashboards.words import word
from heating.finding import Subject
from heating.instants import local_midnight, to_ms
from heating.order import ANSWERED, FINISHED, OrderState, WorkOrder
from heating.order_clocks import ClockState, StepClock, clocks, overdue
from heating.words import Language

# Steps that have a clock, in their order (contract §8).
STEPS = ("issued", "contacted", ANSWERED, "on_site", "resolved", "followed_up")


def order_status(orders: Iterable[WorkOrder], places: PlaceCells, at: datetime) -> Iterator[Row]:
    """Yield the rows of `order_status`."""
    for order in orders:
        following = _following(clocks(order, at))
        yield Row(
            to_ms(at),
            {
                "order_no": order.id,
                "unfinished": float(order.state not in FINISHED),
                "late": float(overdue(order, at)),
                "priority": order.priority,
                "homes": float(len(order.homes)),
                "opened_ms": float(to_ms(order.opened_at)),
                "due_ms": None if following is None else float(to_ms(following.late_from)),
                "state": order.state.value,
                "trigger": order.trigger.value,
                "severity": order.severity.value,
                "cause": cause_cells(order.cause)["cause"],
                "subject": order.subject_id,
                "next_step": "" if following is None else following.step,
                **places.of(Subject(order.subject_type, order.subject_id)),
            },
        )


def order_events(order: WorkOrder, places: PlaceCells) -> Iterator[Row]:
    """Yield the rows of `order_event`: one for each event and home; who acted and what was noted stay in the ledger."""
    for event in order.history:
        # Marks on a graph show a column as it is, so that each language has one.
        labels = {"label_zh": word(event.kind, Language.ZH), "label_en": word(event.kind, Language.EN)}
        for home in order.homes:
            where = {"order_no": order.id, "home": home, **places.to_home(home)}
            yield Row(to_ms(event.at), {**where, "event": event.kind, "n": 1.0, **labels})


def order_counts(orders: Iterable[WorkOrder], at: datetime) -> Iterator[Row]:
    """Yield the rows of `order_count`, one for each state, nought included."""
    orders = list(orders)
    count = Counter(order.state for order in orders)
    late = Counter(order.state for order in orders if overdue(order, at))
    for nr, state in enumerate(OrderState):
        counts = {"orders": float(count[state]), "overdue": float(late[state])}
        yield Row(to_ms(at), {"state": state.value, **counts, "nr": float(nr)})


def order_days(orders: Iterable[WorkOrder], at: datetime, zone: ZoneInfo) -> Iterator[Row]:
    """Yield the rows of `order_day`: how the clocks of the orders opened on each local day stand."""
    days: dict[tuple[date, str], Counter[ClockState]] = defaultdict(Counter)
    for order in orders:
        for clock in clocks(order, at):
            days[order.opened_at.astimezone(zone).date(), clock.step][clock.state] += 1
    for (day, step), count in sorted(days.items()):
        counts = {state.value: float(count[state]) for state in ClockState}
        yield Row(to_ms(local_midnight(day, zone)), {"step": step, **counts, "nr": float(STEPS.index(step))})


def _following(steps: tuple[StepClock, ...]) -> StepClock | None:
    """Return the clock that runs out next among the steps not done."""
    running = [step for step in steps if step.state in (ClockState.WAITING, ClockState.DUE, ClockState.LATE)]
    return min(running, key=lambda step: step.late_from, default=None)
