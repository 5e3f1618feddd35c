"""`heatwatch run`: the stages from the configuration until SIGTERM."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Annotated

import typer

from heatwatch.context import Context, PointsOption
from heatwatch.signals import stop_on_signals


class StageName(StrEnum):
    """Stages that can be named."""

    COLLECTOR = "collector"
    ANALYZER = "analyzer"
    ALERTS = "alerts"
    CONSOLE = "console"


def register(app: typer.Typer) -> None:
    """Add `run`."""
    app.command()(run)


def run(
    context: typer.Context,
    stages: Annotated[list[StageName] | None, typer.Argument(help="Stages to run; all unless named.")] = None,
    points: PointsOption = None,
) -> None:
    """Run all stages, or the named ones, until SIGTERM; then finish, acknowledge what is held, exit 0."""
    # The web server behind it takes longer to load than most commands to run.
    from heatwatch.pipeline import STAGES, run_pipeline

    stop = stop_on_signals(threading.Event())
    with Context.of(context, points=points) as opened:
        failed = run_pipeline(opened, [str(stage) for stage in stages or ()] or list(STAGES), stop)
    if failed:
        raise typer.Exit(1)
