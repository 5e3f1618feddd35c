"""How the stages of a site were when they last said so: one mark a stage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import select

from heating.ledger import numbers, tables
from heating.ledger.codec import canonical, plain
from heating.ledger.database import Database
from heating.stage import Health, StageNote

_PREFIX = "stage."
_decoder = msgspec.json.Decoder(StageNote)


class SqlStages:
    """Port `StageBook`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def note(self, healths: Mapping[str, Health], at: datetime) -> None:
        """Keep the health of stages by name."""
        with self._db.write() as connection:
            for stage, health in sorted(healths.items()):
                told = msgspec.structs.replace(health, text=plain(health.text))
                note = StageNote(stage=stage, at=at, health=told)
                numbers.put_mark(connection, _PREFIX + stage, canonical(note))

    def notes(self) -> list[StageNote]:
        """Return the last note of every stage, by name."""
        mark = tables.marks.c
        query = select(mark.value).where(mark.name.startswith(_PREFIX, autoescape=True)).order_by(mark.name)
        with self._db.read() as connection:
            return [_decoder.decode(row.value) for row in connection.execute(query)]
