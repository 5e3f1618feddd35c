"""`heatwatch replay FILE`: publish measured readings as the devices would."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from firmware_sim.replay import Rows, replay
from heating.errors import InputError
from heatwatch.context import Context
from heatwatch.output import note, print_json, progress
from heatwatch.signals import stop_on_signals
from heatwatch.wire import broker_address


def register(app: typer.Typer) -> None:
    """Add `replay`."""
    app.command("replay")(replay_command)


def replay_command(
    context: typer.Context,
    file: Path,
    speed: Annotated[
        float | None, typer.Option("--speed", min=0.01, help="Times faster than measured; 1 unless given.")
    ] = None,
    fast: Annotated[bool, typer.Option("--as-fast-as-possible", help="As fast as the broker takes it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Publish a readings CSV to the broker, each reading with its own time."""
    if fast and speed is not None:
        raise InputError("--speed: give either --speed or --as-fast-as-possible, not both")
    with Context.of(context) as opened:
        rows = Rows.of_file(file, opened.zone)
        stop = stop_on_signals(threading.Event())
        with progress() as bar:
            task = bar.add_task("readings", total=len(rows))
            sent = replay(
                rows,
                broker_address(opened.settings),
                stop,
                speed=None if fast else (speed or 1.0),
                clock=opened.clock,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    if json:
        print_json(sent)
    note(
        f"{sent.readings} readings of {sent.devices} devices in {sent.packets} packets, "
        f"{sent.acknowledged} acknowledged"
    )
