"""`heatwatch backup FILE` and `restore FILE`: both states in one archive."""

from __future__ import annotations

from pathlib import Path

import typer

from heatwatch.archive import read_archive, write_archive
from heatwatch.context import Context
from heatwatch.output import note, writing


def register(app: typer.Typer) -> None:
    """Add `backup` and `restore`."""
    app.command()(backup)
    app.command()(restore)


def backup(context: typer.Context, file: Path) -> None:
    """Write store and ledger into one archive, while they are in use."""
    with Context.of(context, create=False) as opened, writing("FILE", file):
        size = write_archive(opened, file)
    note(f"{file} written, {size / 1e6:.1f} MB")


def restore(context: typer.Context, file: Path) -> None:
    """Put an archive in the place of store and ledger; nothing may run on them. `verify` afterwards."""
    with Context.of(context) as opened:
        read_archive(opened, file)
    note("restored; run `heatwatch verify` now")
