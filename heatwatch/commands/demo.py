"""`heatwatch demo`: everything by one command."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from heating.errors import HeatwatchError
from heatwatch.arguments import duration
from heatwatch.logs import to_file
from heatwatch.output import note, print_text
from heatwatch.signals import stop_on_signals

if TYPE_CHECKING:
    from heatwatch.demo import Demo

log = logging.getLogger(__name__)
_LOOK_S = 1.0
_PLAIN_S = 5.0


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command()(demo)


def demo(
    homes: Annotated[int, typer.Option("--homes", min=1, help="Monitored homes.")] = 500,
    speed: Annotated[float, typer.Option("--speed", min=1, max=3600, help="Times faster than life.")] = 60.0,
    lasts: Annotated[
        str | None, typer.Option("--for", help="End by itself after this time, such as 60s or 2m.")
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Folder of the demonstration.")] = Path("demo-data"),
    scenario: Annotated[str, typer.Option("--scenario", help="Name or TOML file of a scenario.")] = "demo",
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same estate.")] = 1,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the web pages; 0 takes a free one.")
    ] = 0,
) -> None:
    """Show everything with a simulated estate: sensors, broker, collector, store, analyzer, alerts, web pages."""
    # All wings and a web server: loading them takes longer than most commands to run.
    from heatwatch.demo import Demo, DemoPlan
    from heatwatch.demo_view import summary

    seconds = duration("--for", lasts) if lasts else None
    stop = stop_on_signals(threading.Event())
    plan = DemoPlan(homes, speed, folder.resolve(), scenario, seed, console_port=port)
    with Demo(plan) as running:
        to_file(plan.folder / "demo.log")
        _announce(running)
        _watch(running, stop, seconds)
        for line in summary(running, running.snapshot()):
            print_text(line)
    if running.failed.is_set():
        raise HeatwatchError(f"a stage died; {plan.folder / 'demo.log'} says why")


def _announce(running: Demo) -> None:
    note(f"web pages   {running.url}")
    note(f"MQTT broker {running.opened.settings.mqtt.host}:{running.opened.settings.mqtt.port}")
    note(f"files       {running.plan.folder}")
    note(f"try         heatwatch --config {running.config} findings")


def _watch(running: Demo, stop: threading.Event, seconds: float | None) -> None:
    from heatwatch.demo_view import live_view, plain_line

    console = Console()
    ends = None if seconds is None else time.monotonic() + seconds
    if not console.is_terminal:
        while not _over(running, stop, ends, _PLAIN_S):
            print_text(plain_line(running, running.snapshot()))
        return
    with Live(live_view(running, running.snapshot()), console=console, auto_refresh=False, screen=True) as live:
        while not _over(running, stop, ends, _LOOK_S):
            live.update(live_view(running, running.snapshot()), refresh=True)


def _over(running: Demo, stop: threading.Event, ends: float | None, wait_s: float) -> bool:
    left = wait_s if ends is None else min(wait_s, ends - time.monotonic())
    return stop.wait(max(left, 0.0)) or running.failed.is_set() or (ends is not None and time.monotonic() >= ends)
