"""Contacts of homes: the one place of personal data, correctable and erasable."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from heating.ledger import numbers, tables
from heating.ledger.codec import canonical, digest
from heating.site import Contact

_t = tables.contacts.c
_COLUMNS = ("name", "phone", "address", "file_digest", "erased")


def known_contacts(connection: Connection, point_id: str | None = None) -> dict[str, Contact]:
    """Return the contacts that are not blank, of one point or of all."""
    query = select(_t.point_id, _t.name, _t.phone, _t.address)
    if point_id is not None:
        query = query.where(_t.point_id == point_id)
    rows = connection.execute(query)
    found = {row.point_id: Contact(row.name, row.phone, row.address) for row in rows}
    return {point: contact for point, contact in found.items() if contact}


def set_by_hand(connection: Connection, point_id: str, contact: Contact) -> None:
    """Correct or (blank) erase a contact; an erased one leaves nothing behind, no digest either."""
    query = select(_t.file_digest).where(_t.point_id == point_id)
    seen = connection.execute(query).scalar_one_or_none() or ""
    _write(connection, [_row(point_id, contact, seen if contact else "", erased=not contact)])


def take_over(connection: Connection, given: Mapping[str, Contact]) -> None:
    """Take the contacts of a register file whose cells are not those taken over before."""
    query = select(_t.point_id, _t.file_digest, _t.erased)
    stored = {row.point_id: (row.file_digest, row.erased) for row in connection.execute(query)}
    rows = []
    for point_id, contact in given.items():
        seen, erased = stored.get(point_id, ("", False))
        mine = digest(canonical(contact))
        if contact and not erased and mine != seen:
            rows.append(_row(point_id, contact, mine, erased=False))
    _write(connection, rows)
    # The file, too, has forgotten whom we were asked to forget: a new contact there is a new person.
    forgotten = [point for point, (_, erased) in stored.items() if erased and not given.get(point)]
    _write(connection, [_row(point, Contact(), "", erased=False) for point in forgotten])


def _row(point_id: str, contact: Contact, file_digest: str, *, erased: bool) -> dict[str, object]:
    return {
        "point_id": point_id,
        "name": contact.name,
        "phone": contact.phone,
        "address": contact.address,
        "file_digest": file_digest,
        "erased": erased,
    }


def _write(connection: Connection, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(numbers.upsert(connection, tables.contacts, replace=_COLUMNS), rows)
