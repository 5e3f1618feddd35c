"""How commands print: JSON alone on stdout with --json, tables for people otherwise, notes on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from heating.errors import InputError
from heating.words import Language
from heatwatch.words import heading

_WIDE = 400  # characters: more than any table of ours


def print_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def print_text(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Write a line for the person to stderr, so that stdout stays the result."""
    sys.stderr.write(f"{text}\n")


@contextmanager
def writing(option: str, out: Path) -> Iterator[None]:
    """Tell in one line that a file or folder which a person named cannot be written.

    Raises
    ------
    InputError
        Naming the option or argument, the file and why.
    """
    try:
        yield
    except OSError as wrong:
        raise InputError(f"{option}: cannot write {out}: {wrong.strerror}") from None


def print_table(title: str, header: list[str], rows: list[list[str]], language: Language) -> None:
    """Write a table; wide as the terminal, and as it needs to be when stdout is a file. No id is ever cut."""
    table = Table(title=heading(title, language), title_justify="left")
    for name in header:
        table.add_column(heading(name, language), overflow="fold")
    for row in rows:
        table.add_row(*row)
    show_table(table)


def show_table(table: Table) -> None:
    """Write a table that was made elsewhere."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDE)).print(table)


def progress() -> Progress:
    """Return a progress bar on stderr that disappears when done and is silent without a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
