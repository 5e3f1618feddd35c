"""The `heatwatch` command (contract §1): global options, the list of commands, exit codes.

Exit 0 done · 1 `check`, `points check` or `verify` found a problem · 2 wrong use, configuration or input, in one line.
"""

from __future__ import annotations

import errno
import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

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


class _Commands(TyperGroup):
    """The commands; whoever reads no more of what they print (`| head`) ends them in peace."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's context is the one it gets
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # typer would take it for a failure
            _print_no_more()
            return 0


def _print_no_more() -> None:
    """Send what is left in the buffer nowhere: it cannot be written, and Python would complain of that at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="heatwatch",
    cls=_Commands,
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
        code = app(standalone_mode=False)
        sys.stdout.flush()  # what is left in the buffer finds its disk full here, not when Python ends
        sys.exit(code)
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
        _print_no_more()
        sys.exit(0)
    except OSError as wrong:
        if wrong.errno != errno.ENOSPC or wrong.filename is not None:
            raise
        _print_no_more()
        sys.stderr.write(f"heatwatch: what it prints cannot be written: {wrong.strerror}\n")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
