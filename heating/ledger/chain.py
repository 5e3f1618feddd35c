"""The hash chain: append-only rows, each bound to the one before it.

The hash of an entry is the SHA-256, in hexadecimal digits, of six netstrings (decimal length in bytes, `:`, the bytes
in UTF-8, `,`) in this order: seq, instant [ms since 1970], kind, subject, body (JSON text as stored), hash of the
entry before. The first entry, seq 1, follows `GENESIS`, 64 zeros. `chain_head` holds seq and hash of the last one: a
tail that was cut off is noticed, and its row lock lets one writer append at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from heating.instants import to_ms
from heating.ledger import tables
from heating.ledger.port import Head

GENESIS = "0" * 64


class Draft(msgspec.Struct, frozen=True):
    """An entry to be: kind, subject, body as JSON text."""

    kind: str
    subject: str
    body: str


def entry_hash(seq: int, at_ms: int, kind: str, subject: str, body: str, prev_hash: str) -> str:
    """Return the hash of an entry (see the module)."""
    fields = [text.encode() for text in (str(seq), str(at_ms), kind, subject, body, prev_hash)]
    return hashlib.sha256(b"".join(b"%d:%b," % (len(field), field) for field in fields)).hexdigest()


def lock_head(connection: Connection) -> Head:
    """Take the chain for this transaction: the first thing that a transaction with entries does."""
    query = select(tables.chain_head.c.seq, tables.chain_head.c.hash).with_for_update()
    seq, last = connection.execute(query).one()
    return Head(seq, last)


def append(connection: Connection, drafts: Sequence[Draft], at: datetime) -> list[int]:
    """Append entries inside a transaction; return their seqs."""
    if not drafts:
        return []
    head = lock_head(connection)
    rows, at_ms, last = [], to_ms(at), head.hash
    for seq, draft in enumerate(drafts, head.seq + 1):
        link = entry_hash(seq, at_ms, draft.kind, draft.subject, draft.body, last)
        rows.append(
            {
                "seq": seq,
                "at_ms": at_ms,
                "kind": draft.kind,
                "subject": draft.subject,
                "body": draft.body,
                "prev_hash": last,
                "hash": link,
            }
        )
        last = link
    connection.execute(insert(tables.chain), rows)
    connection.execute(update(tables.chain_head).values(seq=head.seq + len(rows), hash=last))
    return [head.seq + 1 + i for i in range(len(rows))]
