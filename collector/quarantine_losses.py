"""What the cap of the quarantine cost: noticed, counted, dated, and written into the ledger.

The journal counts what made room, the chain says how much of it was written down, and both are of one ledger: what lies
between them is still to be written, whoever was killed in between.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from heating.instants import rfc3339
from heating.ledger.port import Chain, Journal
from heating.loss import LOSS, Loss
from heating.stage import Metric

log = logging.getLogger(__name__)

_SUBJECT = "quarantine"
_PAGE = 1000
_AGAIN = timedelta(hours=1)  # between two entries: it goes on for as long as a device sends rubbish
_SHOWN_FOR = timedelta(days=1)


class QuarantineLosses:
    """Compares journal and chain now and then; one entry for each hour in which packets made room."""

    def __init__(self, journal: Journal, chain: Chain) -> None:
        self._journal = journal
        self._chain = chain
        self._dropped = 0
        self._written: int | None = None  # None: the chain has to say
        self._last: Loss | None = None
        self._whole_at: datetime | None = None  # when all that had made room was written down

    def look(self, now: datetime) -> None:
        """Write down what made room since the last entry; may raise `LedgerUnavailable`, then it is tried again."""
        self._dropped = self._journal.counters().get("quarantine_dropped", 0)
        if self._dropped and self._written is None:
            self._recall()
        lost = self._dropped - (self._written or 0)
        if lost <= 0:
            self._whole_at = now
        elif self._last is None or not timedelta() <= now - self._last.until < _AGAIN:
            self._write(lost, now)

    def text(self, now: datetime) -> str:
        """Return what made room last, for a day; blank if nothing did."""
        last = self._last
        if last is None or now - last.until > _SHOWN_FOR:
            return ""
        return f"; quarantine full: {last.messages} packets made room {_span(last)}"

    def metrics(self) -> Sequence[Metric]:
        """Return how many packets made room since the beginning."""
        told = "Rejected packets that made room in the quarantine for newer ones."
        return [Metric("heatwatch_collector_quarantine_dropped_total", float(self._dropped), told)]

    def _recall(self) -> None:
        written, after = 0, 0
        while page := self._chain.entries(after=after, kind=LOSS, subject=_SUBJECT, limit=_PAGE):
            told = [msgspec.convert(entry.body, Loss) for entry in page]
            written, after, self._last = written + sum(loss.messages or 0 for loss in told), page[-1].seq, told[-1]
        self._written = written

    def _write(self, lost: int, now: datetime) -> None:
        since = self._whole_at or (self._last.until if self._last else None)
        loss = Loss(what="quarantine", since=since and min(since, now), until=now, messages=lost)
        self._written = None  # an answer may get lost when the entry does not
        self._chain.append(LOSS, _SUBJECT, msgspec.to_builtins(loss), now)
        self._written, self._last, self._whole_at = self._dropped, loss, now
        log.warning("the quarantine is full, its oldest packets made room packets=%s %s", lost, _span(loss))


def _span(loss: Loss) -> str:
    since = rfc3339(loss.since) if loss.since else "unknown"
    return f"since={since} until={rfc3339(loss.until)}"
