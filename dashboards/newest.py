"""The newest reading of each point, kept in memory and brought up to date by what the collector announces."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from heating.instants import to_ms
from heating.ledger.port import Ledger
from heating.reading import KindCode, ReadingTable
from heating.store.port import ReadingStore


class NewestReadings:
    """As `ReadingStore.latest` over the last stretch `within`, without reading all of it each time.

    Only readings that are newer than the newest of their point matter: those since the instant read last, and those
    that were announced since, however old they are.
    """

    def __init__(self, store: ReadingStore, ledger: Ledger, kind: KindCode, within: timedelta) -> None:
        self._store, self._ledger, self._kind = store, ledger, kind
        self._within_ms = within // timedelta(milliseconds=1)
        self._table: ReadingTable | None = None
        self._reached: int | None = None
        self._at_ms = 0

    def read(self, at: datetime) -> ReadingTable:
        """Return the newest reading at or before `at` of each point that has one, ordered by point id.

        Raises what the ports raise, and is then to be called again.
        """
        at_ms = to_ms(at)
        oldest_ms = at_ms - self._within_ms
        reached = self._ledger.findings.reached() if self._reached is None else self._reached
        changes = self._ledger.journal.changes_after(reached)
        low_ms, held = oldest_ms, self._table
        if held is None or at_ms < self._at_ms or (changes and changes[0].seq != reached + 1):
            held = ReadingTable.empty()
        else:
            low_ms = max(oldest_ms, min((self._at_ms, *(change.oldest_ms for change in changes))))
        news = self._store.latest(self._kind, at_ms=at_ms, within_ms=at_ms - low_ms)
        table = _newest_of(held, news)
        self._table = table.rows(table.ts_ms >= oldest_ms)
        self._at_ms = at_ms
        self._reached = changes[-1].seq if changes else reached
        return self._table


def _newest_of(held: ReadingTable, news: ReadingTable) -> ReadingTable:
    """Return one reading a point; of two at one instant the one that the store names now."""
    if not len(held) or not len(news):
        return news if len(news) else held
    both = ReadingTable.joined([news, held])
    order = np.lexsort((np.arange(len(both)), -both.ts_ms, both.point.astype(str)))
    point = both.point[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = point[1:] != point[:-1]
    return both.rows(order[first])
