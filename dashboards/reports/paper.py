"""A paper as data: titled sheets of columns and rows, which the writers turn into XLSX, HTML or CSV."""

from __future__ import annotations

from enum import StrEnum

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


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One table with what stands above and below it.

    Attributes
    ----------
    name
        Short name of the tab.
    row_height
        Millimetres of a row, so that hands have room to write; 0 as the text needs.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    row_height: float = 0.0


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A whole paper."""

    title: str
    language: Language
    sheets: tuple[Sheet, ...]
