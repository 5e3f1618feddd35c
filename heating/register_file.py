"""The register of measurement points as a file: CSV or Excel, read strictly, every bad row reported (contract §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from heating.errors import InputError, RegisterError
from heating.register import Register
from heating.register_cells import BadCell, clean
from heating.register_columns import COLUMNS, PERSONAL, Column, column_of
from heating.register_rules import Draft, check_alone, check_together, fill_branches, find_network_ends, note_doubts
from heating.register_words import reason
from heating.row_problem import RowProblem
from heating.site import Contact, MeasurementPoint
from heating.table_file import Row, Table, read_table
from heating.words import Language


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """What a register file holds.

    Attributes
    ----------
    form
        What the file is, such as `CSV, GB18030` or `Excel, sheet 测温点台账`.
    points
        Points of the good rows, in the order of the file; contacts apart, by point id.
    problems
        Bad rows; none of them is among the points.
    bad_ids
        Point ids of the bad rows as far as they can be read and no good row has them.
    notes
        What is worth a look but not wrong.
    ignored_columns
        Headers that are not the register's.
    stamp
        Digest of the file and of what the reading of it depended on.
    """

    path: Path
    form: str
    points: tuple[MeasurementPoint, ...]
    contacts: Mapping[str, Contact]
    problems: tuple[RowProblem, ...]
    bad_ids: frozenset[str]
    notes: tuple[RowProblem, ...]
    ignored_columns: tuple[str, ...]
    stamp: str

    def require_good(self) -> None:
        """Refuse a file with bad rows.

        Raises
        ------
        RegisterError
            With all problems; its text names the first.
        """
        if self.problems:
            more = f" (and {len(self.problems) - 1} more; `heatwatch points check` lists them)"
            first = f"{self.path}: {self.problems[0]}"
            raise RegisterError(first + (more if len(self.problems) > 1 else ""), self.problems)

    def register(self) -> Register:
        """Return the register as if this file were imported alone, each device at its point from `since` on."""
        return Register.of_points(self.points)


def read_register(
    path: Path, zone: ZoneInfo, network_end_fraction: float = 0.8, language: Language = Language.EN
) -> RegisterFile:
    """Read a register file; reasons of problems come in `language`.

    Raises
    ------
    InputError
        If the file as a whole cannot be used: missing, no table, required columns missing or headers doubled.
    """
    table = read_table(path, column_of)
    columns, ignored = _header(path, table)
    if not table.rows:
        raise InputError(f"{path}: has a header but no measurement points")
    drafts = [_draft(row, columns, zone) for row in table.rows]
    for draft, row in zip(drafts, table.rows, strict=True):
        check_alone(draft)
        if any(cell.strip() for cell in row.cells[len(table.header.cells) :]):
            draft.problem("row", "ragged", cells=len(row.cells), columns=len(table.header.cells))
    fill_branches(drafts)
    check_together(drafts)
    note_doubts(drafts)
    good = [draft for draft in drafts if not draft.problems]
    find_network_ends(good, network_end_fraction)
    return RegisterFile(
        path=path,
        form=table.form,
        points=tuple(_point(draft) for draft in good),
        contacts={draft.values["point_id"]: contact for draft in good if (contact := _contact(draft))},
        problems=_told(drafts, "problems", language),
        bad_ids=_ids(draft for draft in drafts if draft.problems) - _ids(good),
        notes=_told(drafts, "notes", language),
        ignored_columns=ignored,
        stamp=hashlib.sha256(f"{table.digest} {zone.key} {network_end_fraction}".encode()).hexdigest(),
    )


def _header(path: Path, table: Table) -> tuple[list[tuple[int, Column]], tuple[str, ...]]:
    columns: list[tuple[int, Column]] = []
    ignored: list[str] = []
    written: dict[str, str] = {}
    for index, header in enumerate(table.header.cells):
        column = column_of(header)
        if column is None:
            ignored.extend([header.strip()] if header.strip() else [])
        elif column.name in written:
            raise InputError(
                f"{path}: line {table.header.line}: headers {written[column.name]!r} and {header.strip()!r} "
                f"both mean {column.name}: leave one"
            )
        else:
            written[column.name] = header.strip()
            columns.append((index, column))
    missing = [f"{c.name} ({c.chinese})" for c in COLUMNS if c.required and c.name not in written]
    if missing:
        raise InputError(f"{path}: line {table.header.line}: the header has no column {', '.join(missing)}")
    return columns, tuple(ignored)


def _draft(row: Row, columns: list[tuple[int, Column]], zone: ZoneInfo) -> Draft:
    draft = Draft(row.line)
    width = len(row.cells)
    for index, column in columns:
        text = clean(row.cells[index]) if index < width else ""
        if not text:
            continue
        draft.written[column.name] = text
        try:
            draft.values[column.name] = column.parse(text, zone)
        except BadCell as bad:
            draft.problem(column.name, bad.key, **bad.values)
    return draft


def _point(draft: Draft) -> MeasurementPoint:
    values: dict[str, Any] = {name: value for name, value in draft.values.items() if name not in PERSONAL}
    if values.get("contract_night_c") is None:
        values["contract_night_c"] = values.get("contract_day_c")
    return MeasurementPoint(**values)


def _ids(drafts: Iterable[Draft]) -> frozenset[str]:
    return frozenset(draft.values["point_id"] for draft in drafts if "point_id" in draft.values)


def _contact(draft: Draft) -> Contact:
    values = draft.values
    return Contact(values.get("contact", ""), values.get("phone", ""), values.get("address", ""))


def _told(drafts: Iterable[Draft], which: str, language: Language) -> tuple[RowProblem, ...]:
    return tuple(
        RowProblem(
            draft.line, doubt.column, draft.written.get(doubt.column, ""), reason(doubt.key, language, **doubt.values)
        )
        for draft in drafts
        for doubt in getattr(draft, which)
    )
