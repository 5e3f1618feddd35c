"""From findings to orders: what one pass of alerts has to do. Pure.

The decision is taken anew from the present state each time (open findings, unfinished orders, their histories), so
that a pass that was cut off anywhere is simply taken again: what is on record already is not decided twice.

- A confirmed cold home that is still open and in no order opens one, or joins the unfinished order of its home or
  the order at work on its place. A finding gets into one order in its life, also when that order has been closed.
- What is over already opens nothing, however late the data came.
- The end of a breach is noted in the history of its order and closes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.grouping import SYSTEM, Case, Draft, case_of, draft, joining, place_of
from alerts.mute import Muter
from alerts.words import Voice
from heating.finding import Finding, FindingKind, Severity, Subject
from heating.order import OrderEvent, OrderState, WorkOrder
from heating.register import Register

_AT_WORK = (OrderState.OPEN, OrderState.ISSUED, OrderState.CONTACTED, OrderState.ON_SITE, OrderState.PAUSED)
_REPAIRED = (OrderState.RESOLVED, OrderState.FOLLOWED_UP)
_SEVERITIES = tuple(Severity)
_NAMED_HOMES = 10  # homes named in one line of history; all of them are in its data


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known at `now`.

    Attributes
    ----------
    findings
        Open findings, and those of unfinished orders that have ended since that was noted there last, by id.
    orders
        Unfinished orders, oldest first.
    settled
        Ids of open findings that were in an order which is finished.
    known_at
        When the first sweep could know that a breach without an order is confirmed, by finding.
    """

    now: datetime
    findings: Mapping[str, Finding]
    orders: Sequence[WorkOrder]
    settled: frozenset[str]
    known_at: Mapping[str, datetime]
    register: Register
    muter: Muter
    voice: Voice


@dataclass(frozen=True, slots=True)
class Change:
    """An event to be recorded on an order, and why people are told; None: they are not."""

    order: WorkOrder
    event: OrderEvent
    why: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do; `muted` counts the breaches that wait because something keeps them silent."""

    openings: tuple[Draft, ...]
    changes: tuple[Change, ...]
    muted: int


def decide(picture: Picture) -> Decision:
    """Decide what has to be opened, joined and noted."""
    loose = _candidates(picture)
    audible = [case for case in loose if not _is_muted(case, picture)]
    joins, groups = _sort_out(audible, picture)
    changes = [_join(order, cases, picture) for order, cases in joins]
    joined = {order.id for order, _ in joins}
    for order in picture.orders:
        said = noted(order)
        changes += _ended(order, said, picture) + _again(order, said, picture)
        if order.id not in joined:
            changes += _worse(order, picture)
    openings = tuple(draft(cases, picture.now, picture.voice) for cases in groups)
    return Decision(openings, tuple(changes), len(loose) - len(audible))


def unordered(findings: Iterable[Finding], orders: Iterable[WorkOrder]) -> list[Finding]:
    """Return the open confirmed cold homes that are in none of the orders."""
    covered = {finding_id for order in orders for finding_id in order.findings}
    return [f for f in findings if _asks_for_order(f) and f.id not in covered]


def _asks_for_order(finding: Finding) -> bool:
    return finding.kind is FindingKind.COLD_HOME and finding.confirmed and finding.end is None


def _candidates(picture: Picture) -> list[Case]:
    silent = {f.subject for f in picture.findings.values() if f.kind is FindingKind.SILENT and f.end is None}
    # Silence ends no breach, but nobody knows whether the home is cold now: the order waits for the sensor. So a
    # backlog that arrives oldest first does not open orders for breaches that its later readings end.
    fresh = [f for f in unordered(picture.findings.values(), picture.orders) if f.subject not in silent]
    cases = (case_of(f, picture.register, picture.findings) for f in fresh if f.id not in picture.settled)
    return [replace(case, known_at=picture.known_at.get(case.finding.id)) for case in cases]


def _is_muted(case: Case, picture: Picture) -> bool:
    return case.point is not None and picture.muter.muted(case.point, picture.now) is not None


def _sort_out(cases: Sequence[Case], picture: Picture) -> tuple[list[tuple[WorkOrder, list[Case]]], list[list[Case]]]:
    """Return which cases join which order, and the groups that need orders of their own."""
    of_home = {home: order for order in picture.orders for home in order.homes}
    of_place = {place_of(o, picture.register): o for o in reversed(picture.orders) if o.state in _AT_WORK}
    joins: dict[str, tuple[WorkOrder, list[Case]]] = {}
    groups: dict[Subject, list[Case]] = {}
    for case in cases:
        order = of_home.get(case.home) or of_place.get(case.place)
        if order is not None:
            joins.setdefault(order.id, (order, []))[1].append(case)
        else:
            groups.setdefault(case.place, []).append(case)
    return list(joins.values()), list(groups.values())


def _join(order: WorkOrder, cases: Sequence[Case], picture: Picture) -> Change:
    data = joining(order, cases, _standing(order, picture), picture.voice)
    why = "cold_again" if order.state in _REPAIRED else "order_joined"
    return Change(order, _event(order, "joined", data["content"], data, picture.now), why)


def _worse(order: WorkOrder, picture: Picture) -> list[Change]:
    """Return the change of an order one of whose homes has become more severe, or whose cause is known now."""
    standing = _standing(order, picture)
    if not standing:
        return []
    data = joining(order, (), standing, picture.voice)
    worse = _SEVERITIES.index(Severity(data["severity"])) > _SEVERITIES.index(order.severity)
    if not worse and "cause" not in data:
        return []
    event = _event(order, "joined", data["content"], data, picture.now)
    return [Change(order, event, "order_worse" if worse else None)]


def _standing(order: WorkOrder, picture: Picture) -> list[Case]:
    known = (picture.findings.get(finding_id) for finding_id in order.findings)
    return [case_of(f, picture.register, picture.findings) for f in known if f is not None and f.end is None]


def _ended(order: WorkOrder, said: Mapping[str, bool], picture: Picture) -> list[Change]:
    known = [picture.findings.get(finding_id) for finding_id in order.findings]
    over = [f for f in known if f is not None and f.end is not None]
    fresh = [f for f in over if not said.get(f.id, False)]
    if not fresh:
        return []
    lines = [_ending(f, picture) for f in fresh[:_NAMED_HOMES]]
    text = picture.voice.say("warm", homes=_listed(lines, len(fresh), picture.voice))
    data = {"ended": {f.id: f.end.isoformat() for f in fresh if f.end is not None}}
    all_over = {f.id for f in fresh} | {i for i, is_over in said.items() if is_over} >= set(order.findings)
    return [Change(order, _event(order, "note", text, data, picture.now), "verify" if all_over else None)]


def _ending(finding: Finding, picture: Picture) -> str:
    home, end = _home(finding, picture), picture.voice.time(finding.end or picture.now)
    if finding.ended_by is None:
        return picture.voice.say("warm_since", home=home, end=end)
    return picture.voice.say("ended_by", home=home, end=end, why=picture.voice.say(finding.ended_by))


def _again(order: WorkOrder, said: Mapping[str, bool], picture: Picture) -> list[Change]:
    """Return the note on findings whose end was on record and that late data opened again."""
    back = [f for f in (picture.findings.get(i) for i, over in said.items() if over) if f is not None and f.end is None]
    if not back:
        return []
    homes = _listed([_home(f, picture) for f in back[:_NAMED_HOMES]], len(back), picture.voice)
    text = picture.voice.say("again", homes=homes)
    return [Change(order, _event(order, "note", text, {"again": [f.id for f in back]}, picture.now), "cold_again")]


def noted(order: WorkOrder) -> dict[str, bool]:
    """Return for each finding whose end the history speaks of whether it was noted last as over."""
    over: dict[str, bool] = {}
    for event in order.history:
        over |= dict.fromkeys(event.data.get("ended", ()), True)
        over |= dict.fromkeys(event.data.get("again", ()), False)
    return over


def _home(finding: Finding, picture: Picture) -> str:
    return case_of(finding, picture.register, {}).home


def _listed(lines: Sequence[str], count: int, voice: Voice) -> str:
    more = [voice.say("and_more", n=count - len(lines))] if count > len(lines) else []
    return "; ".join([*lines, *more])


def _event(order: WorkOrder, kind: str, text: str, data: Mapping[str, Any], now: datetime) -> OrderEvent:
    return OrderEvent(order_id=order.id, kind=kind, at=now, by=SYSTEM, text=text, data=data)
