"""`heatwatch export` and `heatwatch import`: CSV out of and into the two states."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo

import numpy as np
import typer

from heating.errors import InputError
from heating.finding import Finding
from heating.instants import rfc3339, to_ms
from heating.order import WorkOrder
from heating.readings_file import write_readings
from heatwatch.arguments import span
from heatwatch.context import Context
from heatwatch.output import note, print_json, progress, writing
from heatwatch.reading import read_with_progress

IMPORT_ROWS = 50_000


class What(StrEnum):
    """What can be exported."""

    READINGS = "readings"
    FINDINGS = "findings"
    ORDERS = "orders"


def register(app: typer.Typer) -> None:
    """Add `export` and `import`."""
    app.command("export")(export)
    group = typer.Typer(help="Load history into the store.", no_args_is_help=True)
    group.command("readings")(import_readings)
    app.add_typer(group, name="import")


def export(
    context: typer.Context,
    what: What,
    start: Annotated[str | None, typer.Option("--from", help="Begin of the span.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the span; now unless given.")] = None,
    point: Annotated[str | None, typer.Option("--point", help="Only this measurement point.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File; stdout unless given.")] = None,
) -> None:
    """Write readings, findings or orders of a span as CSV."""
    with Context.of(context, create=False) as opened:
        first, last = span(start, end, opened.zone, opened.clock.now())
        if point is not None and point not in opened.register.by_id:
            raise InputError(f"--point: {point!r} is not in the register")
        with _writing(out) as file:
            if what is What.READINGS:
                points = [point] if point else None
                tables = opened.store.readings(to_ms(first), to_ms(last), points=points)
                count = write_readings(file, tables, opened.zone)
            elif what is What.FINDINGS:
                found = opened.ledger.findings.overlapping(first, last)
                count = _write_rows(
                    file, FINDING_COLUMNS, (_finding_row(f, opened.zone) for f in found if _about(f, point))
                )
            else:
                orders = opened.ledger.orders.between(first, last)
                count = _write_rows(
                    file,
                    ORDER_COLUMNS,
                    (_order_row(o, opened.zone) for o in orders if point is None or point in o.points),
                )
        note(f"{count} {what} written")


def import_readings(
    context: typer.Context, file: Path, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Load a readings CSV into the store; idempotent, the first one wins; ages are not tested (contract §4)."""
    with Context.of(context) as opened:
        found = read_with_progress(file, opened.register, opened.zone)
        stored = 0
        now = opened.clock.now()
        with progress() as bar:
            task = bar.add_task("import", total=len(found.table))
            for begin in range(0, len(found.table), IMPORT_ROWS):
                batch = found.table.rows(np.arange(begin, min(begin + IMPORT_ROWS, len(found.table))))
                stored += int(opened.store.write(batch).stored.sum())
                late = tuple(sorted(set(batch.point)))
                opened.ledger.journal.announce(int(batch.ts_ms.min()), int(batch.ts_ms.max()), late, now)
                bar.advance(task, len(batch))
    present = len(found.table) - stored
    if json:
        print_json({"stored": stored, "present": present, "skipped": found.skipped.total})
    else:
        note(f"{stored} readings stored, {present} were there already")


FINDING_COLUMNS = (
    "id", "kind", "subject_type", "subject_id", "start", "end", "confirmed", "severity", "cause_scope", "cause_side",
    "confidence", "parent", "members", "ended_by",
)  # fmt: skip
ORDER_COLUMNS = (
    "id", "state", "opened_at", "detected_at", "subject_type", "subject_id", "homes", "points", "findings", "trigger",
    "severity", "priority", "content", "reason",
)  # fmt: skip


def _finding_row(f: Finding, zone: ZoneInfo) -> list[str]:
    cause = (f.cause.scope, f.cause.side, str(f.cause.confidence)) if f.cause else ("", "", "")
    return [
        f.id, f.kind, f.subject.type, f.subject.id, rfc3339(f.start, zone), _when(f.end, zone),
        "yes" if f.confirmed else "no", f.severity, *cause, f.parent or "", " ".join(f.members), f.ended_by or "",
    ]  # fmt: skip


def _order_row(o: WorkOrder, zone: ZoneInfo) -> list[str]:
    return [
        o.id, o.state, rfc3339(o.opened_at, zone), rfc3339(o.detected_at, zone), o.subject_type, o.subject_id,
        " ".join(o.homes), " ".join(o.points), " ".join(o.findings), o.trigger, o.severity, f"{o.priority:g}",
        o.content, o.reason or "",
    ]  # fmt: skip


def _when(instant: datetime | None, zone: ZoneInfo) -> str:
    return rfc3339(instant, zone) if instant else ""


def _about(finding: Finding, point: str | None) -> bool:
    return point is None or finding.subject.id == point or point in finding.members


def _write_rows(file: TextIO, header: Iterable[str], rows: Iterable[list[str]]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


@contextmanager
def _writing(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    with writing("--out", out), out.open("w", encoding="utf-8", newline="") as file:
        yield file
