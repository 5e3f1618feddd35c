"""`heatwatch devices clocks`: which devices keep wrong time, and of which readings never came."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
import typer

from heating.device_clock import DeviceClock, clock_advice
from heating.instants import rfc3339
from heatwatch.context import Context
from heatwatch.output import print_json, print_table, print_text


class ClockRow(msgspec.Struct, frozen=True):
    """One device of the answer."""

    device_id: str
    point_id: str | None
    state: str
    skew_s: float | None
    drift_s_per_day: float | None
    missing: int
    packets: int
    at: str
    advice: str


def clocks(
    context: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Every device, not only those with something wrong.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List devices whose clock is wrong or of which sequence numbers are missing, the worst first."""
    with Context.of(context, create=False) as opened:
        seats = {p.device_id: p.point_id for p in opened.register.points if p.device_id}
        known = [r.clock for r in opened.ledger.journal.clocks() if opened.register.knows(r.clock.device_id)]
        shown = [clock for clock in known if everyone or clock.wrong or clock.missing]
        shown.sort(key=lambda clock: (not clock.wrong, -abs(clock.skew_s or 0.0), -clock.missing, clock.device_id))
        rows = [
            ClockRow(
                device_id=clock.device_id,
                point_id=seats.get(clock.device_id),
                state=clock.state.value,
                skew_s=clock.skew_s,
                drift_s_per_day=clock.drift_s_per_day,
                missing=clock.missing,
                packets=clock.packets,
                at=rfc3339(clock.at, opened.zone),
                advice=clock_advice(clock, opened.language),
            )
            for clock in shown
        ]
    if json:
        print_json(rows)
        return
    print_text(_summary(known))
    if rows:
        header = ["device", "point", "skew s", "drift s/day", "missing", "last packet", "what to do"]
        print_table("clocks of devices", header, [_cells(row) for row in rows], opened.language)


def _summary(known: list[DeviceClock]) -> str:
    states = Counter(clock.state.value for clock in known)
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    missing = sum(clock.missing for clock in known)
    return f"{len(known)} devices: {counted or 'none has sent yet'}; {missing} sequence numbers never came"


def _cells(row: ClockRow) -> list[str]:
    return [
        row.device_id,
        row.point_id or "",
        "" if row.skew_s is None else f"{row.skew_s:+.1f}",
        "" if row.drift_s_per_day is None else f"{row.drift_s_per_day:+.1f}",
        str(row.missing),
        row.at,
        row.advice,
    ]
