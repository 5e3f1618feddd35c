"""Traces an order or a finding back to rule, clause, readings and decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from heating.errors import InputError
from heating.finding import Finding, FindingKind
from heating.instants import from_ms, rfc3339, to_ms
from heating.ledger.port import Entry
from heating.order import OrderEvent, WorkOrder
from heating.regulation import Profile, load_profile
from heating.site import MeasurementPoint, SubjectType
from heatwatch.context import Context

_AROUND = timedelta(hours=2)
_MOST_READINGS = 60


class RuleShown(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a finding rests on."""

    profile: str
    as_of: str
    clause: str
    trust: str
    floor_day_c: float | None
    floor_night_c: float | None
    day: str
    stale_after_min: float
    confirm_min: float
    clear_margin_k: float


class ReadingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that the finding rests on."""

    ts: str
    device_id: str
    temperature_c: float | None
    lag_s: float | None


class FindingTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with everything it rests on; `decisions` are its entries in the chain."""

    finding: Finding
    point: MeasurementPoint | None
    rule: RuleShown | None
    readings: list[ReadingShown]
    parent: Finding | None
    orders: list[str]
    decisions: list[Entry]


class OrderTrace(msgspec.Struct, frozen=True, kw_only=True):
    """An order with its history and the findings behind it."""

    order: WorkOrder
    history: tuple[OrderEvent, ...]
    findings: list[FindingTrace]


def explain(opened: Context, trace_id: str) -> OrderTrace | FindingTrace:
    """Return the trace of an order or finding.

    Raises
    ------
    InputError
        If the ledger has neither under this id.
    """
    order = opened.ledger.orders.get(trace_id)
    if order is not None:
        found = [opened.ledger.findings.get(finding_id) for finding_id in order.findings]
        return OrderTrace(
            order=order, history=order.history, findings=[_finding(opened, finding) for finding in found if finding]
        )
    finding = opened.ledger.findings.get(trace_id)
    if finding is None:
        raise InputError(f"{trace_id!r} is neither an order nor a finding; `heatwatch orders` and `findings` list them")
    return _finding(opened, finding)


def _finding(opened: Context, finding: Finding) -> FindingTrace:
    point = opened.register.by_id.get(finding.subject.id) if finding.subject.type is SubjectType.POINT else None
    return FindingTrace(
        finding=finding,
        point=point,
        rule=_rule(opened, finding, point),
        readings=_readings(opened, finding) if point else [],
        parent=opened.ledger.findings.get(finding.parent) if finding.parent else None,
        orders=[order.id for order in opened.ledger.orders.covering([finding.id])],
        decisions=opened.ledger.chain.entries(kind="finding", subject=finding.id),
    )


def _rule(opened: Context, finding: Finding, point: MeasurementPoint | None) -> RuleShown | None:
    if point is None or finding.kind not in (FindingKind.COLD_HOME, FindingKind.BELOW_TARGET):
        return None
    profile: Profile = load_profile(opened.settings.regulation.enterprise)
    rule = profile.floor_rule(point.home_class)
    night = point.contract_day_c if point.contract_night_c is None else point.contract_night_c
    analyzer = opened.settings.analyzer
    return RuleShown(
        profile=profile.id,
        as_of=profile.as_of.isoformat(),
        clause=rule.clause.cite,
        trust=rule.clause.trust,
        floor_day_c=point.contract_day_c if rule.contract else rule.day_c,
        floor_night_c=night if rule.contract else rule.night_c,
        day=f"{profile.day_from:%H:%M} <= t < {profile.day_to:%H:%M}",
        stale_after_min=analyzer.stale_after_min,
        confirm_min=analyzer.confirm_min,
        clear_margin_k=analyzer.clear_margin_k,
    )


def _readings(opened: Context, finding: Finding) -> list[ReadingShown]:
    """Return the first readings of the finding, from a little before its start."""
    end = finding.end or opened.clock.now()
    shown: list[ReadingShown] = []
    for table in opened.store.readings(
        to_ms(finding.start - _AROUND), to_ms(end + _AROUND), points=[finding.subject.id]
    ):
        for index in range(len(table)):
            shown.append(
                ReadingShown(
                    ts=rfc3339(from_ms(int(table.ts_ms[index])), opened.zone),
                    device_id=str(table.device[index]),
                    temperature_c=_nullable(table.temperature_c[index]),
                    lag_s=_nullable(table.lag_s[index]),
                )
            )
            if len(shown) == _MOST_READINGS:
                return shown
    return shown


def _nullable(value: Any) -> float | None:
    return None if value != value else float(value)  # NaN is not itself
