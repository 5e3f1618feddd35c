"""The register as imported: points, the history of devices, contacts, outages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from heating.errors import InputError
from heating.instants import from_ms, to_ms
from heating.ledger import numbers, tables
from heating.ledger.chain import Draft, append, lock_head
from heating.ledger.codec import canonical
from heating.ledger.contacts import known_contacts, set_by_hand, take_over
from heating.ledger.database import Database
from heating.ledger.history import moved
from heating.ledger.port import EntryKind, ImportReport
from heating.register import Register
from heating.site import Contact, MeasurementPoint, Outage, Placement, SubjectType

_STAMP, _SITE_STAMP, _PLACEMENT_ROW = "register", "register.site", "placements.row"
_decoder = msgspec.json.Decoder(MeasurementPoint)


class SqlPlaces:
    """Port `Places`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def import_register(
        self,
        points: Sequence[MeasurementPoint],
        contacts: Mapping[str, Contact],
        at: datetime,
        *,
        stamp: str = "",
        site_file: bool = False,
    ) -> ImportReport:
        """Take over a register file and its moves of devices."""
        _refuse_twice("point", [point.point_id for point in points])
        _refuse_twice("device", [point.device_id for point in points if point.device_id is not None])
        with self._db.write() as connection:
            lock_head(connection)
            news = _import_points(connection, points)
            history = _placements(connection)
            after = moved(list(history), points, to_ms(at))
            begun, ended = _write_history(connection, history, after)
            take_over(connection, contacts)
            if news or begun or ended or stamp != numbers.mark_of(connection, _STAMP):
                body = {"act": "import_register", "stamp": stamp, "begun": begun, "ended": ended, **news}
                append(connection, [Draft(EntryKind.AUDIT.value, "register", canonical(body))], at)
            numbers.put_mark(connection, _STAMP, stamp)
            if site_file:
                numbers.put_mark(connection, _SITE_STAMP, stamp)
        return ImportReport(
            added=len(news.get("added", ())),
            changed=len(news.get("changed", ())),
            unchanged=len(points) - len(news.get("added", ())) - len(news.get("changed", ())),
            moved_devices=_moved_devices(history, after),
            retired=len(news.get("retired", ())),
        )

    def register(self) -> Register:
        """Return all points in force with the placements of all times and the retired points."""
        with self._db.read() as connection:
            rows = connection.execute(select(tables.points).order_by(tables.points.c.point_id)).all()
            history = _placements(connection)
        points = [(row.retired, _decoder.decode(row.body)) for row in rows]
        return Register(
            (point for retired, point in points if not retired),
            history,
            retired=(point for retired, point in points if retired),
        )

    def stamp(self) -> str:
        """Return the stamp of the file imported last."""
        with self._db.read() as connection:
            return numbers.mark_of(connection, _STAMP)

    def site_stamp(self) -> str:
        """Return the stamp of `site.points` as imported last."""
        with self._db.read() as connection:
            return numbers.mark_of(connection, _SITE_STAMP)

    def contact(self, point_id: str) -> Contact:
        """Return the contact of a point, blank if unknown."""
        with self._db.read() as connection:
            return known_contacts(connection, point_id).get(point_id, Contact())

    def contacts(self) -> dict[str, Contact]:
        """Return all known contacts by point."""
        with self._db.read() as connection:
            return known_contacts(connection)

    def set_contact(self, point_id: str, contact: Contact, at: datetime | None = None, *, by: str = "") -> None:
        """Correct or (blank) erase a contact."""
        act = "correct_contact" if contact else "erase_contact"
        with self._db.write() as connection:
            if at is not None:
                append(connection, [_act(act, point_id, by=by)], at)
            set_by_hand(connection, point_id, contact)

    def outages(self) -> list[Outage]:
        """Return all outages, oldest first."""
        t = tables.outages.c
        with self._db.read() as connection:
            rows = connection.execute(select(tables.outages).order_by(t.start_ms, t.outage_id)).all()
        return [
            Outage(
                outage_id=row.outage_id,
                subject_type=SubjectType(row.subject_type),
                subject_id=row.subject_id,
                start=from_ms(row.start_ms),
                end=None if row.end_ms is None else from_ms(row.end_ms),
                reason=row.reason,
            )
            for row in rows
        ]

    def add_outage(self, outage: Outage, at: datetime) -> None:
        """Register an outage; also an audit entry."""
        row = {
            "outage_id": outage.outage_id,
            "subject_type": outage.subject_type.value,
            "subject_id": outage.subject_id,
            "start_ms": to_ms(outage.start),
            "end_ms": None if outage.end is None else to_ms(outage.end),
            "reason": outage.reason,
        }
        with self._db.write() as connection:
            lock_head(connection)
            known = select(tables.outages.c.outage_id).where(tables.outages.c.outage_id == outage.outage_id)
            if connection.execute(known).first() is not None:
                raise InputError(f"outage {outage.outage_id!r} exists already")
            connection.execute(insert(tables.outages), row)
            append(connection, [_act("add_outage", outage.subject_id, **row)], at)

    def end_outage(self, outage_id: str, end: datetime, at: datetime) -> None:
        """End an outage."""
        mine = tables.outages.c.outage_id == outage_id
        with self._db.write() as connection:
            lock_head(connection)
            done = connection.execute(update(tables.outages).where(mine).values(end_ms=to_ms(end)))
            if not done.rowcount:
                raise InputError(f"there is no outage {outage_id!r}")
            append(connection, [_act("end_outage", outage_id, end_ms=to_ms(end))], at)


def _act(act: str, subject: str, **more: Any) -> Draft:
    return Draft(EntryKind.AUDIT.value, subject, canonical({"act": act, **more}))


def _refuse_twice(what: str, ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        twice = next(one for i, one in enumerate(ids) if one in ids[:i])
        raise InputError(f"{what} {twice!r} stands in two rows of the register")


def _import_points(connection: Connection, points: Sequence[MeasurementPoint]) -> dict[str, list[str]]:
    """Write what is new or different, retire what is gone; return the ids of each that has any."""
    t = tables.points.c
    stored = {row.point_id: (row.retired, row.body) for row in connection.execute(select(tables.points))}
    given = {point.point_id: canonical(point) for point in points}
    added = [point_id for point_id in given if point_id not in stored]
    changed = [p for p, body in given.items() if p in stored and stored[p] != (False, body)]
    retired = [p for p, (gone, _) in stored.items() if not gone and p not in given]
    rows = [{"point_id": p, "retired": False, "body": given[p]} for p in (*added, *changed)]
    if rows:
        connection.execute(numbers.upsert(connection, tables.points, replace=("retired", "body")), rows)
    for point_id in retired:
        connection.execute(update(tables.points).where(t.point_id == point_id).values(retired=True))
    return {name: ids for name, ids in (("added", added), ("changed", changed), ("retired", retired)) if ids}


def _placements(connection: Connection) -> dict[Placement, int]:
    """Return the history with the row of each placement, in the order in which it was written."""
    rows = connection.execute(select(tables.placements).order_by(tables.placements.c.row))
    return {Placement(row.device_id, row.point_id, row.start_ms, row.end_ms): row.row for row in rows}


def _write_history(
    connection: Connection, before: Mapping[Placement, int], after: Sequence[Placement]
) -> tuple[list[Placement], list[Placement]]:
    """Write the difference; return the placements that came and those that went."""
    begun = [place for place in after if place not in before]
    kept = set(after)
    ended = [place for place in before if place not in kept]
    for place in ended:
        connection.execute(delete(tables.placements).where(tables.placements.c.row == before[place]))
    if begun:
        first = numbers.next_of(connection, _PLACEMENT_ROW, len(begun))
        rows = [{"row": first + i, **msgspec.structs.asdict(place)} for i, place in enumerate(begun)]
        connection.execute(insert(tables.placements), rows)
    return begun, ended


def _moved_devices(before: Mapping[Placement, int], after: Sequence[Placement]) -> int:
    """Count devices that no longer sit where they sat."""
    sits = {place.device_id: place.point_id for place in after if place.end_ms is None}
    return sum(sits.get(place.device_id) != place.point_id for place in before if place.end_ms is None)
