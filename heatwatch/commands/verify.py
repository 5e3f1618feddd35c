"""`heatwatch verify`: does the hash chain hold, and where does it break."""

from __future__ import annotations

from typing import Annotated

import typer

from heatwatch.context import Context
from heatwatch.output import print_json, print_text


def register(app: typer.Typer) -> None:
    """Add `verify`."""
    app.command()(verify)


def verify(context: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check the hash chain of the ledger; exit 1 and the place where it breaks."""
    with Context.of(context, create=False) as opened:
        verdict = opened.ledger.chain.verify()
    if json:
        print_json(verdict)
    elif verdict.broken_at is None and verdict.reason is None:
        print_text(f"the chain holds: {verdict.entries} entries")
    else:
        print_text(f"the chain breaks at entry {verdict.broken_at}: {verdict.reason}")
    if verdict.reason is not None:
        raise typer.Exit(1)
