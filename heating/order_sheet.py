"""An order as it is shown: with contact, telephone and address put in, which the chain does not hold (contract §8).

S0 dispatch post (4): unit, contact, address, content. Read by pages, API and commands; nothing here is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from heating.finding import Cause, Severity, Subject
from heating.ledger.port import Places
from heating.order import OrderEvent, OrderState, TriggerClass, WorkOrder, possible
from heating.order_clocks import StepClock, clocks
from heating.register import Register
from heating.site import Contact, MeasurementPoint
from heating.words import Language, say


class SheetHome(msgspec.Struct, frozen=True, kw_only=True):
    """One home of an order with whom to call; several points of a home share its line."""

    home: str
    points: tuple[str, ...]
    place: str
    contact: Contact


class OrderSheet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that dispatch reads of an order.

    Attributes
    ----------
    unit
        Where it is, in words: station, building, unit.
    contact, address
        Whom to call and where: of the most urgent home of which one is known.
    homes
        Most urgent home first.
    due, clocks
        Steps with their due times; the clocks in the order in which they are due, with how each stands.
    possible
        Kinds of events that a person may record now, the next step first.
    """

    id: str
    state: OrderState
    reason: str | None
    unit: str
    contact: Contact
    address: str
    content: str
    subject: Subject
    homes: tuple[SheetHome, ...]
    findings: tuple[str, ...]
    cause: Cause | None
    trigger: TriggerClass
    severity: Severity
    priority: float
    opened_at: datetime
    detected_at: datetime
    due: Mapping[str, datetime]
    clocks: tuple[StepClock, ...]
    overdue: bool
    possible: tuple[str, ...]
    history: tuple[OrderEvent, ...]


def show_order(
    order: WorkOrder,
    places: Places,
    language: Language,
    now: datetime,
    *,
    hide: Callable[[Contact], Contact] | None = None,
    register: Register | None = None,
) -> OrderSheet:
    """Return the sheet of an order at `now`; a point that left the register keeps its line without a place.

    `hide` turns contacts into what may be shown to who neither calls nor visits (`heating.personal.masked`);
    the register is read unless given.
    """
    by_id = (register or places.register()).by_id
    points = {point_id: by_id.get(point_id) for point_id in order.points}
    homes = tuple(_homes(order, points, _Shown(places, language, hide)))
    contact = next((home.contact for home in homes if home.contact), Contact())
    times = clocks(order, now)
    first = next((point for point in points.values() if point is not None), None)
    return OrderSheet(
        id=order.id,
        state=order.state,
        reason=order.reason,
        unit=_unit(first, language) if first else order.subject_id,
        contact=contact,
        address=contact.address,
        content=order.content,
        subject=Subject(order.subject_type, order.subject_id),
        homes=homes,
        findings=order.findings,
        cause=order.cause,
        trigger=order.trigger,
        severity=order.severity,
        priority=order.priority,
        opened_at=order.opened_at,
        detected_at=order.detected_at,
        due=order.due,
        clocks=times,
        overdue=any(clock.overdue for clock in times),
        possible=possible(order),
        history=order.history,
    )


def sheet_lines(sheet: OrderSheet, language: Language, zone: ZoneInfo) -> list[str]:
    """Return the sheet as lines of text for a terminal."""

    def word(key: str) -> str:
        return step_word(key, language)

    def when(instant: datetime | None) -> str:
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M") if instant else "–"

    cause = f"{word(sheet.cause.scope)}, {word(sheet.cause.side)}" if sheet.cause else "–"
    return [
        f"{sheet.id}  {word(sheet.state)}  {sheet.reason or ''}".rstrip(),
        sheet.unit,
        _line(sheet.contact),
        sheet.content,
        f"{cause}  {word(sheet.trigger)}  {word(sheet.severity)}  {sheet.priority:.1f}",
        *(f"  {home.place}  {_line(home.contact)}" for home in sheet.homes),
        *(
            f"  {word(clock.step)}: {when(clock.due)}  {when(clock.done)}  {word(clock.state)}"
            for clock in sheet.clocks
        ),
        *(f"  {when(event.at)}  {word(event.kind)}  {event.by}  {event.text}".rstrip() for event in sheet.history),
    ]


def step_word(key: str, language: Language) -> str:
    """Return the word for a step or an event of an order, as its sheet has it."""
    return say(key, language, _PARTS)


def _line(contact: Contact) -> str:
    return "  ".join(part for part in (contact.name, contact.phone, contact.address) if part) or "–"


class _Shown(msgspec.Struct, frozen=True):
    """How homes are shown."""

    places: Places
    language: Language
    hide: Callable[[Contact], Contact] | None

    def contact(self, points: list[str]) -> Contact:
        """Return the first contact known of a home's points."""
        found = next((c for c in map(self.places.contact, points) if c), Contact())
        return self.hide(found) if self.hide else found


def _homes(order: WorkOrder, points: Mapping[str, MeasurementPoint | None], shown: _Shown) -> Iterator[SheetHome]:
    of_home: dict[str, list[str]] = {home: [] for home in order.homes}
    for point_id, point in points.items():
        of_home.setdefault(point.home_id if point else point_id, []).append(point_id)
    for home, ids in of_home.items():
        known = next((p for p in map(points.get, ids) if p is not None), None)
        place = _place(known, shown.language) if known else home
        yield SheetHome(home=home, points=tuple(ids), place=place, contact=shown.contact(ids))


def _unit(point: MeasurementPoint, language: Language) -> str:
    parts = [("station", point.station), ("building", point.building), ("entrance", point.unit)]
    return " ".join(_named(key, value, language) for key, value in parts if value)


def _place(point: MeasurementPoint, language: Language) -> str:
    floor = "" if point.floor is None else str(point.floor)
    parts = [("floor_no", floor), ("room_no", point.room or point.point_id)]
    return " ".join([_unit(point, language), *(_named(key, value, language) for key, value in parts if value)])


def _named(key: str, value: str, language: Language) -> str:
    return f"{say(key, language, _PARTS)} {value}"


_PARTS = {
    "entrance": ("单元", "unit"),
    "floor_no": ("楼层", "floor"),
    "room_no": ("房号", "room"),
    "answered": ("站内答复", "station answered"),
    "opened": ("生成", "opened"),
    "joined": ("并入用户", "homes joined"),
    "resumed": ("已恢复", "resumed"),
    "reopened": ("重新处理", "reopened"),
    "escalated": ("已升级上报", "escalated"),
    "note": ("备注", "note"),
    "waiting": ("未到时限", "waiting"),
    "due": ("到期应办", "due now"),
    "late": ("超时", "late"),
    "met": ("按时", "in time"),
    "missed": ("逾期完成", "done late"),
    "early": ("提前", "too early"),
    "dropped": ("不再要求", "dropped"),
}
