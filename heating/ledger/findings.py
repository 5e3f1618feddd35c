"""Findings: entries of the chain, and their present state as rows with the columns that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from heating.finding import Finding, FindingKind, Subject
from heating.instants import to_ms
from heating.ledger import numbers, tables
from heating.ledger.chain import Draft, append, lock_head
from heating.ledger.codec import canonical, ceil_ms, chunks, unique
from heating.ledger.database import Database
from heating.ledger.port import EntryKind
from heating.rolled_up import RolledUp

_REACHED, _ROLLED_UP = "findings.reached", "findings.rolled_up"
_t = tables.findings.c
_decoder = msgspec.json.Decoder(Finding)
_rolled_up = msgspec.json.Decoder(RolledUp)


def finding_row(finding: Finding, seq: int, body: str) -> dict[str, Any]:
    """Return the projected row of a finding as recorded by the entry `seq`."""
    return {
        "id": finding.id,
        "seq": seq,
        "kind": finding.kind.value,
        "subject_type": finding.subject.type.value,
        "subject_id": finding.subject.id,
        "start_ms": to_ms(finding.start),
        "end_ms": tables.FOREVER if finding.end is None else ceil_ms(finding.end),
        "retracted": finding.ended_by == "retracted",
        "body": body,
    }


class SqlFindings:
    """Port `FindingBook`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def open(self) -> list[Finding]:
        """Return the findings without an end."""
        return self._found(_standing().where(_t.end_ms == tables.FOREVER))

    def overlapping(
        self, start: datetime, end: datetime, *, kinds: Sequence[FindingKind] | None = None
    ) -> list[Finding]:
        """Return the findings whose interval meets [start, end)."""
        query = _standing().where(_t.end_ms >= to_ms(start), _t.start_ms <= to_ms(end))
        if kinds is not None:
            query = query.where(_t.kind.in_([kind.value for kind in kinds]))
        # The columns are whole milliseconds, a hair wider than the interval itself.
        return [f for f in self._found(query) if f.start < end and (f.end is None or f.end > start)]

    def get(self, finding_id: str) -> Finding | None:
        """Return one finding."""
        found = self._found(select(_t.body).where(_t.id == finding_id))
        return found[0] if found else None

    def about(self, subject: Subject) -> list[Finding]:
        """Return the findings of a place, oldest first."""
        return self._found(_standing().where(_t.subject_id == subject.id, _t.subject_type == subject.type.value))

    def record(
        self,
        findings: Sequence[Finding],
        *,
        at: datetime,
        reached: int | None = None,
        rolled_up: RolledUp | None = None,
    ) -> None:
        """Append and project findings that are new or changed, with what the sweep has reached."""
        given = [(finding, canonical(finding)) for finding in findings]
        with self._db.read() as connection:
            # Compared once before writing, so that a sweep without news does not hold up other writers.
            news = _changed(given, _bodies(connection, [finding.id for finding, _ in given]))
            old = numbers.value_of(connection, _REACHED), numbers.mark_of(connection, _ROLLED_UP)
        mark = old[1] if rolled_up is None else canonical(rolled_up)
        if not news and (old[0] if reached is None else reached, mark) == old:
            return
        with self._db.write() as connection:
            lock_head(connection)
            _write(connection, _changed(news, _bodies(connection, [finding.id for finding, _ in news])), at)
            if reached is not None:
                numbers.put(connection, _REACHED, reached)
            if rolled_up is not None:
                numbers.put_mark(connection, _ROLLED_UP, mark)

    def reached(self) -> int:
        """Return the seq of `changes` that the last recorded sweep had reached."""
        with self._db.read() as connection:
            return numbers.value_of(connection, _REACHED)

    def rolled_up(self) -> RolledUp | None:
        """Return of which time the derived rows were complete at `reached`."""
        with self._db.read() as connection:
            mark = numbers.mark_of(connection, _ROLLED_UP)
        return _rolled_up.decode(mark) if mark else None

    def recorded_after(self, seq: int, limit: int = 1000) -> list[tuple[int, Finding]]:
        """Return findings as recorded, with their chain seq, in order."""
        entry = tables.chain.c
        query = (
            select(entry.seq, entry.body)
            .where(entry.kind == EntryKind.FINDING.value, entry.seq > seq)
            .order_by(entry.seq)
            .limit(limit)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return [(row.seq, _decoder.decode(row.body)) for row in rows]

    def _found(self, query: Select[str]) -> list[Finding]:
        with self._db.read() as connection:
            bodies = connection.execute(query.order_by(_t.start_ms, _t.id)).scalars().all()
        return [_decoder.decode(body) for body in bodies]


def _standing() -> Select[str]:
    return select(_t.body).where(_t.retracted.is_(False))


def _bodies(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the stored text of findings by id."""
    stored: dict[str, str] = {}
    for some in chunks(unique(ids)):
        rows = connection.execute(select(_t.id, _t.body).where(_t.id.in_(some)))
        stored.update((row.id, row.body) for row in rows)
    return stored


def _changed(given: Sequence[tuple[Finding, str]], stored: dict[str, str]) -> list[tuple[Finding, str]]:
    """Return what differs from the stored text, or from the same finding earlier in the list."""
    news = []
    for finding, body in given:
        if stored.get(finding.id) != body:
            stored[finding.id] = body
            news.append((finding, body))
    return news


def _write(connection: Connection, news: Sequence[tuple[Finding, str]], at: datetime) -> None:
    if not news:
        return
    seqs = append(connection, [Draft(EntryKind.FINDING.value, finding.id, body) for finding, body in news], at)
    rows = [finding_row(finding, seq, body) for seq, (finding, body) in zip(seqs, news, strict=True)]
    columns = [column.name for column in tables.findings.columns if not column.primary_key]
    connection.execute(numbers.upsert(connection, tables.findings, replace=columns), rows)
