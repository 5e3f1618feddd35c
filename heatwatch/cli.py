"""The `heatwatch` command (contract §1): global options, the list of commands, exit codes.

Exit 0 done · 1 `check`, `points check` or `verify` found a problem · 2 wrong use, configuration or input, in one line.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Annotated

import typer

from heating.errors import HeatwatchError, NotThere
from heatwatch import logs
from heatwatch.commands import (
    analyze,
    backup,
    check,
    dashboards,
    demo,
    devices,
    explain,
    history,
    listing,
    outage,
    points,
    replay,
    report,
    run,
    simulate,
    users,
    verify,
)
from heatwatch.context import Context, PointsOption
from heatwatch.guard import check_names
from heatwatch.output import print_text
from heatwatch.usage import UsageError, one_line

app = typer.Typer(
    name="heatwatch",
    help="Room-temperature monitoring for district-heating companies.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _show_version(asked: bool) -> None:
    if asked:
        print_text(f"heatwatch {importlib.metadata.version('heatwatch')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Configuration file; else ./heatwatch.toml if there is one.")
    ] = None,
    points_file: PointsOption = None,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
    log_format: Annotated[str, typer.Option("--log-format", help="text or json.")] = "text",
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Room-temperature monitoring for district-heating companies."""
    logs.configure(log_level, log_format)
    context.obj = Context(config, points_file)


for part in (run, check, simulate, replay, analyze, history, outage, report, listing, explain, verify, backup):
    part.register(app)
demo.register(app)
app.add_typer(points.app, name="points")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(devices.app, name="devices")
app.add_typer(users.app, name="users")


def main() -> None:
    """Run the command; what a person did wrong becomes one line on stderr and exit 2, never a traceback."""
    try:
        check_names()
        sys.exit(app(standalone_mode=False))
    except UsageError as wrong:
        sys.stderr.write(f"{one_line(wrong, sys.argv[1:])}\n")
        sys.exit(2)
    except NotThere as wrong:
        sys.stderr.write(f"heatwatch: {wrong}; `heatwatch run` creates it, and so does an import\n")
        sys.exit(2)
    except HeatwatchError as wrong:
        sys.stderr.write(f"heatwatch: {wrong}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe went away: nothing left to say
        sys.exit(0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
