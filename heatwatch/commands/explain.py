"""`heatwatch explain ID`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from heating.order_sheet import step_word
from heating.words import Language, say
from heatwatch.context import Context
from heatwatch.explain import FindingTrace, OrderTrace, explain
from heatwatch.output import print_json, print_text


def register(app: typer.Typer) -> None:
    """Add `explain`."""
    app.command("explain")(explain_command)


def explain_command(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(metavar="ID")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Trace an order or finding to rule, clause, readings and decisions."""
    with Context.of(context, create=False) as opened:
        trace = explain(opened, trace_id)
        if json:
            print_json(trace)
        elif isinstance(trace, OrderTrace):
            _order(trace, opened.language, opened.zone)
        else:
            _finding(trace, opened.language, opened.zone)


def _order(trace: OrderTrace, language: Language, zone: ZoneInfo) -> None:
    order = trace.order
    print_text(f"{order.id}  {say(order.state, language)}  {order.subject_id}  {order.content}")
    for step, due in order.due.items():
        print_text(f"  {step_word(step, language)}: {_local(due, zone)}")
    for event in trace.history:
        print_text(f"  {_local(event.at, zone)} {step_word(event.kind, language)} {event.by} {event.text}")
    for finding in trace.findings:
        print_text("")
        _finding(finding, language, zone)


def _finding(trace: FindingTrace, language: Language, zone: ZoneInfo) -> None:
    found = trace.finding
    print_text(
        f"{found.id}  {say(found.kind, language)}  {found.subject.id}  {_local(found.start, zone)} .. "
        f"{_local(found.end, zone) if found.end else ''}  {say(found.severity, language)}"
    )
    if found.confirmed_at:
        print_text(f"  confirmed {_local(found.confirmed_at, zone)}")
    if found.detected_at:
        print_text(f"  first known {_local(found.detected_at, zone)}")
    if trace.rule:
        rule = trace.rule
        print_text(
            f"  rule {rule.profile} ({rule.as_of}), {rule.clause}: floor {rule.floor_day_c:g} °C at {rule.day}, "
            f"else {rule.floor_night_c:g} °C; confirmed after {rule.confirm_min:g} min, "
            f"warm from +{rule.clear_margin_k:g} K"
        )
    if found.cause:
        cause = found.cause
        words = f"{say(cause.scope, language)}, {say(cause.side, language)}"
        print_text(
            f"  cause {words}, confidence {cause.confidence:.2f}" + (f", see {found.parent}" if found.parent else "")
        )
    for name, value in found.evidence.items():
        print_text(f"  {name} = {value if isinstance(value, str) else msgspec.json.encode(value).decode()}")
    for reading in trace.readings:
        print_text(f"  {reading.ts}  {reading.temperature_c} °C  {reading.device_id}")
    for entry in trace.decisions:
        print_text(f"  decision {entry.seq} at {_local(entry.at, zone)}  {entry.hash[:16]}")
    for order in trace.orders:
        print_text(f"  order {order}")


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
