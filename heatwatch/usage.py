"""Wrong use of the command line, told in one line: which argument, what was given, what would be right."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

# The parser's root of wrong use: typer names only this child of it.
UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]
_BOUND = re.compile(r"^Input should be ")
_OWN = re.compile(r"^Value error, ")


def one_line(wrong: typer.BadParameter, words: Sequence[str]) -> str:
    """Return the line for a person; `words` is what was typed."""
    told = wrong.format_message()
    if told.startswith("Usage:"):
        return told  # a group of commands typed alone: its help
    if isinstance(wrong, typer.BadParameter) and wrong.param is not None and wrong.message:
        told = _about_value(wrong, words)
    command = wrong.ctx.command_path if wrong.ctx is not None else "heatwatch"
    return f"heatwatch: {' '.join(told.split()).rstrip('.')}; `{command} --help` says what is right"


def _about_value(wrong: typer.BadParameter, words: Sequence[str]) -> str:
    param = wrong.param
    assert param is not None
    given = next((value for name in param.opts if (value := _following(name, words)) is not None), None)
    name = next((name for name in param.opts if name.startswith("--")), str(param.name))
    reason = _BOUND.sub("must be ", _OWN.sub("", wrong.message))
    return f"{name}: {reason}" if given is None or given in reason else f"{name}: {given!r} {reason}"


def _following(option: str, words: Sequence[str]) -> str | None:
    for index, word in enumerate(words):
        if word == option and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
    return None
