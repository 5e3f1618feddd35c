"""`heatwatch findings`, `orders` and `quarantine`: lists."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from heating.errors import InputError
from heating.instants import rfc3339
from heating.ledger.port import RejectedReading
from heating.order_sheet import sheet_lines, show_order
from heating.words import say
from heatwatch.arguments import span
from heatwatch.context import Context
from heatwatch.output import print_json, print_table, print_text

_SHOWN, _ALL = 1000, 1 << 62
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
From = Annotated[str | None, typer.Option("--from", help="Begin of the span.")]
To = Annotated[str | None, typer.Option("--to", help="End of the span; now unless given.")]


def register(app: typer.Typer) -> None:
    """Add the three lists."""
    app.command()(findings)
    app.command()(orders)
    app.command()(quarantine)


def findings(context: typer.Context, start: From = None, end: To = None, json: Json = False) -> None:
    """List the findings that are open, or those of a span."""
    with Context.of(context, create=False) as opened:
        book = opened.ledger.findings
        found = book.overlapping(*span(start, end, opened.zone, opened.clock.now())) if start or end else book.open()
        if json:
            print_json(found)
            return
        words = opened.language
        rows = [
            [f.id, say(f.kind, words), f.subject.id, _local(f.start, opened.zone), _local(f.end, opened.zone),
             say("confirmed", words) if f.confirmed else "", say(f.severity, words),
             say(f.cause.scope, words) if f.cause else ""]
            for f in found
        ]  # fmt: skip
        print_table("findings", ["id", "kind", "place", "start", "end", "confirmed", "severity", "cause"], rows, words)


def orders(
    context: typer.Context,
    start: From = None,
    end: To = None,
    order_id: Annotated[
        str | None, typer.Option("--id", help="The whole sheet of one order, with contacts; lists have none.")
    ] = None,
    json: Json = False,
) -> None:
    """List the unfinished orders, or those opened in a span; with --id show one whole."""
    with Context.of(context, create=False) as opened:
        if order_id is not None:
            _order(opened, order_id, json=json)
            return
        book = opened.ledger.orders
        found = book.between(*span(start, end, opened.zone, opened.clock.now())) if start or end else book.unfinished()
        if json:
            print_json(found)
            return
        rows = [
            [o.id, say(o.state, opened.language), o.subject_id, str(len(o.homes)), say(o.severity, opened.language),
             _local(o.opened_at, opened.zone), o.content]
            for o in found
        ]  # fmt: skip
        print_table("orders", ["id", "state", "place", "homes", "severity", "opened", "content"], rows, opened.language)


def _order(opened: Context, order_id: str, *, json: bool) -> None:
    order = opened.ledger.orders.get(order_id)
    if order is None:
        raise InputError(f"--id: {order_id!r} is no order; `heatwatch orders` lists them")
    sheet = show_order(order, opened.ledger.places, opened.language, opened.clock.now())
    if json:
        print_json(sheet)
        return
    for line in sheet_lines(sheet, opened.language, opened.zone):
        print_text(line)


def quarantine(
    context: typer.Context,
    json: Json = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="The newest so many rows; 1000, with --json all.")
    ] = None,
) -> None:
    """List the rejected readings with their reason, oldest first."""
    with Context.of(context, create=False) as opened:
        kept = opened.ledger.journal.quarantined(limit=limit or (_ALL if json else _SHOWN))
        if json:
            print_json([_as_json(row) for _, row in kept])
            return
        rows = [
            [str(n), _local(r.received_at, opened.zone), r.topic, r.reason, "" if r.index is None else str(r.index),
             str(r.length)]
            for n, r in kept
        ]  # fmt: skip
        print_table("quarantine", ["row", "received", "topic", "reason", "index", "bytes"], rows, opened.language)


def _as_json(row: RejectedReading) -> dict[str, object]:
    return {
        "received_at": rfc3339(row.received_at),
        "topic": row.topic,
        "reason": row.reason,
        "index": row.index,
        "payload_b64": base64.b64encode(row.payload).decode(),
        "length": row.length,
        "sha256": row.sha256,
    }


def _local(instant: datetime | None, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%m-%d %H:%M") if instant else ""
