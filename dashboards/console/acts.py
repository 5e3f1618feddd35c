"""What people do at the console: steps of orders, records of visits."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from dashboards.console.desk import Desk
from dashboards.console.users import User
from heating.errors import InputError
from heating.inspection import Conditions, InspectionRecord, shortcomings
from heating.instants import to_ms
from heating.order import WorkOrder, possible
from heating.personal import without_phones
from heating.reading import KindCode

INSPECTION = "inspection"
_FUTURE = timedelta(minutes=5)
# What people write in their own words; the chain keeps no telephone number (contract §8).
_FREE_TEXTS = ("opinion", "remarks", "correction_reason")


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that a person reports of an order; `by` counts only in open mode, else the user's name does."""

    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    text: Annotated[str, Meta(max_length=2000)] = ""
    by: Annotated[str, Meta(max_length=80)] = ""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as entered, with its place in the chain and why it does not count as evidence (none: it does)."""

    seq: int
    record: InspectionRecord
    shortcomings: tuple[str, ...]
    offset_k: float | None


def act(desk: Desk, order_id: str, wanted: Act, user: User) -> WorkOrder | None:
    """Enter a step of an order and return the order; None if there is no such order.

    Raises
    ------
    InputError
        If the console may only read, or the order's state does not allow the step.
    """
    order = desk.ledger.orders.get(order_id)
    if order is None:
        return None
    if desk.hooks.record_event is None:
        raise InputError("this console only reads: no stage takes acts on orders here")
    if wanted.kind not in possible(order):
        raise InputError(
            f"order {order.id} is {order.state}: {wanted.kind} is not possible, but {', '.join(possible(order))}"
        )
    desk.hooks.record_event(order_id, wanted.kind, signer(desk, user, wanted.by), wanted.text.strip(), desk.now())
    desk.forget()
    return desk.ledger.orders.get(order_id)


def signer(desk: Desk, user: User, claimed: str) -> str:
    """Return under whose name an act is entered; only in open mode people say it themselves."""
    return (claimed.strip() or user.name) if desk.users is None else user.name


def record_visit(desk: Desk, visit: InspectionRecord, user: User) -> Recorded:
    """Append a visit to the chain, beside what the sensor held at the moment of the hand-held reading.

    Nothing is ever changed (S2 §8(3)): a correction names the record that it replaces, and why.

    Raises
    ------
    InputError
        If the point is unknown, a time lies in the future, or a correction gives no reason or no known record.
    """
    _check(desk, visit)
    now = desk.now()
    sensor = _sensor(desk, visit)
    record = msgspec.structs.replace(
        visit,
        id=f"V{secrets.token_hex(8)}",
        inspector=signer(desk, user, visit.inspector),
        sensor_c=sensor,
        **{name: without_phones(getattr(visit, name)) for name in _FREE_TEXTS},
    )
    seq = desk.ledger.chain.append(INSPECTION, record.point_id, msgspec.to_builtins(record), now)
    return _recorded(seq, record)


def visits(desk: Desk, *, after: int, point_id: str | None, limit: int) -> list[Recorded]:
    """Return visits in the order in which they were entered."""
    entries = desk.ledger.chain.entries(after=after, kind=INSPECTION, subject=point_id, limit=limit)
    return [_recorded(e.seq, msgspec.convert(e.body, InspectionRecord)) for e in entries]


def _recorded(seq: int, record: InspectionRecord) -> Recorded:
    return Recorded(seq=seq, record=record, shortcomings=shortcomings(record, Conditions()), offset_k=record.offset_k)


def _check(desk: Desk, visit: InspectionRecord) -> None:
    limit = desk.now() + _FUTURE
    if visit.point_id not in desk.register().by_id:
        raise InputError(f"point_id = {visit.point_id!r}: no such measurement point")
    for name, instant in (("arrived_at", visit.arrived_at), ("measured_at", visit.measured_at)):
        if instant is not None and (instant.tzinfo is None or instant > limit):
            raise InputError(f"{name} = {instant}: wants an instant with offset that is not in the future")
    if visit.corrects is not None:
        if not visit.correction_reason.strip():
            raise InputError("correction_reason is missing: a correction says why")
        earlier = visits(desk, after=0, point_id=visit.point_id, limit=100_000)
        if all(r.record.id != visit.corrects for r in earlier):
            raise InputError(f"corrects = {visit.corrects!r}: no such record of this point")


def _sensor(desk: Desk, visit: InspectionRecord) -> float | None:
    """Return what the sensor held at the hand-held reading, None when it was silent (contract §6)."""
    if visit.measured_at is None:
        return None
    within = int(desk.site.rules.stale_after_min * 60_000) - 1
    held = desk.store.latest(KindCode.ROOM, at_ms=to_ms(visit.measured_at), points=[visit.point_id], within_ms=within)
    return float(held.temperature_c[0]) if len(held) else None
