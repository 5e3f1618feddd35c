"""Which cold homes belong to one order, and what that order says. Pure.

One order per building, unless a shared cause (`parent`) reaches beyond buildings: then one order for the cause. An
order whose homes all share a cause is about the place of that cause (a riser, say), else about the building.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from alerts.words import Voice
from heating.finding import Cause, Finding, Scope, Severity, Subject
from heating.order import OrderEvent, OrderState, TriggerClass, WorkOrder, due_times
from heating.register import Register
from heating.site import MeasurementPoint, SubjectType

# Who writes what the system does by itself into histories.
SYSTEM = "heatwatch"
_WIDE = (SubjectType.BRANCH, SubjectType.STATION)
_SEVERITIES = tuple(Severity)
# From what reaches one home to what reaches all.
_REACH = (
    Scope.SENSOR, Scope.WINDOW, Scope.HOME, Scope.LOW_FLOORS, Scope.RISER, Scope.BUILDING, Scope.BRANCH_END,
    Scope.STATION,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A confirmed breach with the point where it is and the finding of its shared cause.

    `known_at` is when the first sweep could know that it is confirmed: clocks start there.
    """

    finding: Finding
    point: MeasurementPoint | None
    parent: Finding | None
    known_at: datetime | None = None

    @property
    def home(self) -> str:
        """Id of the home; a point that left the register stands for itself."""
        return self.point.home_id if self.point else self.finding.subject.id

    @property
    def score(self) -> float:
        """Priority score [K], the bare deficit where the analyzer gave none."""
        evidence = self.finding.evidence
        return float(evidence.get("score") or evidence.get("deficit_k") or 0.0)

    @property
    def place(self) -> Subject:
        """Place whose order this case belongs to."""
        if self.parent is not None and self.parent.subject.type in _WIDE:
            return self.parent.subject
        if self.point is not None and self.point.building_id:
            return Subject(SubjectType.BUILDING, self.point.building_id)
        return self.finding.subject


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order that has no number yet."""

    subject: Subject
    homes: tuple[str, ...]
    points: tuple[str, ...]
    findings: tuple[str, ...]
    cause: Cause | None
    severity: Severity
    priority: float
    content: str
    detected_at: datetime
    trigger: TriggerClass = TriggerClass.EQUIPMENT


def case_of(finding: Finding, register: Register, findings: Mapping[str, Finding]) -> Case:
    """Look up what belongs to a breach."""
    return Case(finding, register.by_id.get(finding.subject.id), findings.get(finding.parent or ""))


def place_of(order: WorkOrder, register: Register) -> Subject:
    """Return the place whose new breaches belong to an order: its wide cause, else its building."""
    subject = Subject(order.subject_type, order.subject_id)
    point = next((register.by_id[p] for p in order.points if p in register.by_id), None)
    if subject.type in _WIDE or point is None or not point.building_id:
        return subject
    return Subject(SubjectType.BUILDING, point.building_id)


def draft(cases: Sequence[Case], now: datetime, voice: Voice) -> Draft:
    """Return the order for the cases of one place; there is at least one."""
    ranked = sorted(cases, key=_urgency)
    subject = shared_subject(ranked)
    homes = _distinct(case.home for case in ranked)
    return Draft(
        subject=subject,
        homes=homes,
        points=_distinct(case.finding.subject.id for case in ranked),
        findings=tuple(case.finding.id for case in ranked),
        cause=_cause(ranked),
        severity=worst_severity(ranked),
        priority=max(case.score for case in ranked),
        content=describe(subject, len(homes), ranked, voice),
        detected_at=min((at for case in ranked if (at := case.known_at) is not None), default=now),
    )


def joining(order: WorkOrder, new: Sequence[Case], standing: Sequence[Case], voice: Voice) -> dict[str, Any]:
    """Return the data of a `joined` event: `new` cases beside those of the order that are `standing`."""
    ranked = sorted((*standing, *new), key=_urgency)
    homes = _distinct((*order.homes, *(case.home for case in new)))
    old = Subject(order.subject_type, order.subject_id)
    subject = old if old.type in _WIDE or shared_subject(ranked) == old else (*new, *ranked)[0].place
    # Who joins may show another cause; without anybody new, one once named gives way to a wider one only: it does
    # not change back and forth.
    cause = _cause(ranked)
    if cause and not new and order.cause and _REACH.index(cause.scope) <= _REACH.index(order.cause.scope):
        cause = None
    return {
        "findings": [case.finding.id for case in new],
        "homes": [case.home for case in new],
        "points": [case.finding.subject.id for case in new],
        "severity": worst_severity(ranked).value,
        "priority": max(case.score for case in ranked),
        "content": describe(subject, len(homes), ranked, voice),
        "subject_type": subject.type.value,
        "subject_id": subject.id,
        **({"cause": msgspec.to_builtins(cause)} if cause else {}),
    }


def opened(draft: Draft, order_id: str, at: datetime, *, by: str = SYSTEM) -> WorkOrder:
    """Return the order of a draft with the first event of its history."""
    due = due_times(draft.detected_at, draft.trigger)
    # As it comes back from the chain: plain JSON, no tuples and instants.
    data = msgspec.json.decode(msgspec.json.encode({**msgspec.structs.asdict(draft), "due": due}))
    event = OrderEvent(order_id=order_id, kind="opened", at=at, by=by, text=draft.content, data=data)
    return WorkOrder(
        id=order_id,
        state=OrderState.OPEN,
        opened_at=at,
        detected_at=draft.detected_at,
        subject_type=draft.subject.type,
        subject_id=draft.subject.id,
        homes=draft.homes,
        points=draft.points,
        findings=draft.findings,
        cause=draft.cause,
        trigger=draft.trigger,
        severity=draft.severity,
        priority=draft.priority,
        content=draft.content,
        due=due,
        history=(event,),
    )


def order_id(year: int, number: int) -> str:
    """Return the id of an order: `WO-2026-000012`."""
    return f"WO-{year:04d}-{number:06d}"


def worst_severity(cases: Iterable[Case]) -> Severity:
    """Return the worst severity of some cases."""
    return max((case.finding.severity for case in cases), key=_SEVERITIES.index)


def shared_subject(cases: Sequence[Case]) -> Subject:
    """Return the place of the cause that all cases share, else the place of their order."""
    parents = {case.parent.id: case.parent for case in cases if case.parent is not None}
    if len(parents) == 1 and all(case.parent is not None for case in cases):
        return next(iter(parents.values())).subject
    return cases[0].place


def describe(subject: Subject, homes: int, cases: Sequence[Case], voice: Voice) -> str:
    """Return the content of an order: where, how many, how cold, why. `cases` come worst first."""
    worst = cases[0].finding
    text = voice.say(
        "cold",
        place=voice.place(subject.type, subject.id),
        homes=homes,
        t=_number(worst.evidence.get("temperature_c")),
        floor=_number(worst.evidence.get("floor_c")),
        deficit=_number(worst.evidence.get("deficit_k")),
        point=worst.subject.id,
        start=voice.time(worst.start),
    )
    reasons = _distinct(str(reason) for case in cases for reason in case.finding.evidence.get("reasons") or ())
    if reasons:
        text += voice.say("reasons", reasons=", ".join(voice.say(reason) for reason in reasons))
    cause = _cause(cases)
    if cause is not None:
        scope, side = voice.say(cause.scope.value), voice.say(cause.side.value)
        text += voice.say("cause", scope=scope, side=side, confidence=round(cause.confidence * 100))
    return text


def _cause(cases: Sequence[Case]) -> Cause | None:
    known = (case.finding.cause or (case.parent.cause if case.parent else None) for case in cases)
    return next((cause for cause in known if cause is not None), None)


def _urgency(case: Case) -> tuple[float, datetime, str]:
    return (-case.score, case.finding.start, case.finding.subject.id)


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "–"
