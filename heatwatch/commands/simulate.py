"""`heatwatch simulate`: a simulated estate, published to the broker or written to files."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from firmware_sim.fleet import SimulatedFleet
from firmware_sim.scenario import Scenario, load_scenario
from firmware_sim.simulate import simulate_to_files
from heating.clock import ScaledClock
from heating.errors import InputError
from heatwatch.arguments import instant
from heatwatch.context import Context
from heatwatch.output import note, print_json, progress, writing
from heatwatch.signals import stop_on_signals
from heatwatch.wire import broker_address


def register(app: typer.Typer) -> None:
    """Add `simulate`."""
    app.command()(simulate)


def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Option("--scenario", help="Name or TOML file of a scenario.")] = "demo",
    homes: Annotated[int, typer.Option("--homes", min=1, help="Monitored homes.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same estate.")] = 1,
    speed: Annotated[float, typer.Option("--speed", min=0.01, help="Times faster than life.")] = 1.0,
    fast: Annotated[bool, typer.Option("--as-fast-as-possible", help="Publish the history and end.")] = False,
    history_h: Annotated[float | None, typer.Option("--history", min=0, help="Hours of history.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write points.csv, readings.csv, truth.csv here.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Begin of the files.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the files.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Publish a simulated estate to the broker (history first, then live), or write it to files with --out."""
    if fast and speed != 1.0:
        raise InputError("--speed: give either --speed or --as-fast-as-possible, not both")
    with Context.of(context) as opened:
        chosen = load_scenario(scenario)
        if out is not None:
            _to_files(opened, chosen, (homes, seed), out, (start, end), json=json)
            return
        if start is not None or end is not None:
            raise InputError(f"{'--from' if start else '--to'}: only with --out; live, the history ends now")
        _to_broker(opened, chosen, (homes, seed), (speed, fast, history_h), json=json)


def _to_files(
    opened: Context,
    scenario: Scenario,
    size: tuple[int, int],
    out: Path,
    span: tuple[str | None, str | None],
    *,
    json: bool,
) -> None:
    start, end = (instant(o, t, opened.zone) if t else None for o, t in zip(("--from", "--to"), span, strict=True))
    with writing("--out", out), progress() as bar:
        task = bar.add_task("hours simulated", total=None)
        try:
            made = simulate_to_files(
                scenario, *size, out, start, end, lambda done, total: bar.update(task, completed=done, total=total)
            )
        except ValueError as wrong:
            raise InputError(f"--to: {wrong}") from None
    if json:
        print_json(
            {"homes": made.homes, "points": made.points, "readings": made.readings, "from": made.start, "to": made.end}
        )
    note(
        f"{out}: {made.points} points, {made.readings} readings from {made.start.isoformat()} to {made.end.isoformat()}"
    )


def _to_broker(
    opened: Context, scenario: Scenario, size: tuple[int, int], pace: tuple[float, bool, float | None], *, json: bool
) -> None:
    speed, fast, history_h = pace
    now = opened.clock.now()
    clock = ScaledClock(now, speed) if speed != 1.0 else opened.clock
    fleet = SimulatedFleet(scenario, *size, clock, broker_address(opened.settings), history_h=history_h)
    stop = stop_on_signals(threading.Event())
    with progress() as bar:
        task = bar.add_task("history", total=None)
        fleet.run(
            stop,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            until=now if fast else None,
        )
    if json:
        print_json(fleet.stats)
    note(f"{fleet.stats.readings} readings in {fleet.stats.packets} packets, {fleet.stats.acknowledged} acknowledged")
