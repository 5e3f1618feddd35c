"""A paper as data: titled sheets of columns and rows, which the writers turn into XLSX, HTML or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, overload

import msgspec

from heating.words import Language

Value = str | float | int | None


class Look(StrEnum):
    """How the values of a column are set."""

    TEXT = "text"
    CENTRE = "centre"
    DEGREES = "degrees"
    HOURS = "hours"
    COUNT = "count"
    BLANK = "blank"
    """To be filled in by hand."""


class Column(msgspec.Struct, frozen=True):
    """A column; `width` in millimetres on paper."""

    title: str
    width: float
    look: Look = Look.TEXT


class Row(msgspec.Struct, frozen=True):
    """One row; `bad` are the indices of cells that are set off, by weight and sign as well as by colour."""

    cells: tuple[Value, ...]
    bad: frozenset[int] = frozenset()


class MadeRows(Sequence[Row]):
    """Rows that are made of other things one by one, each time they are read."""

    def __init__(self, things: Sequence[Any], row: Callable[[Any], Row]) -> None:
        self._things = things
        self._row = row

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._things)

    def __iter__(self) -> Iterator[Row]:
        """Make them in order."""
        return map(self._row, self._things)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        """Make one, or give a part."""
        if isinstance(at, slice):
            return MadeRows(self._things[at], self._row)
        return self._row(self._things[at])


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One table with what stands above and below it.

    Attributes
    ----------
    name
        Short name of the tab.
    rows
        May be made while they are read, so that a long paper needs no memory for them.
    shared_rows
        Where a format has one table for all sheets: the rows in the columns of the first sheet; None where `rows`
        have those anyway.
    row_height
        Millimetres of a row, so that hands have room to write; 0 as the text needs.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    shared_rows: Sequence[Row] | None = None
    notes: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    row_height: float = 0.0


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A whole paper."""

    title: str
    language: Language
    sheets: tuple[Sheet, ...]
