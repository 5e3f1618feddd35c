"""What limits cost, as people are told: read from the chain, neighbours brought together into one.

A broker whose queue is full says every few seconds how much it has dropped: some thousand entries of the chain are one
event of one night. A quarantine that is full is told of once an hour, for as long as what is wrong goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from heating.ledger.port import Chain, Entry
from heating.loss import LOSS, Loss

# Losses of these kinds noticed within this of each other are told as one (our choice).
_ONE_EVENT = {"queue": timedelta(minutes=10), "quarantine": timedelta(hours=2)}
_PAGE = 1000


class Lost(Loss, frozen=True, kw_only=True):
    """One event: neighbouring losses of one kind together, with the entries of the chain that prove them.

    Attributes
    ----------
    noticed
        When the first of them was noticed; `until` is when the last one was.
    first_entry, last_entry
        Their seqs in the chain.
    hash
        The last one's.
    """

    noticed: datetime
    first_entry: int
    last_entry: int
    hash: str

    def at_home(self, zone: tzinfo) -> Lost:
        """Return it with its times in a zone."""
        since = None if self.since is None else self.since.astimezone(zone)
        noticed, until = self.noticed.astimezone(zone), self.until.astimezone(zone)
        return msgspec.structs.replace(self, since=since, noticed=noticed, until=until)

    @property
    def at_broker(self) -> bool:
        """Tell whether readings may be missing; what the quarantine could not keep nobody could have used."""
        return self.what != "quarantine"

    @property
    def limit(self) -> Literal["queue", "expiry", "session", "quarantine"]:
        """Return which limit forced it: of queue or quarantine, the session's time, or what the broker keeps."""
        if self.what != "session":
            return self.what
        return "expiry" if self.expired else "session"

    @property
    def expired(self) -> bool:
        """Tell whether the collector was away for longer than it had asked the broker to keep its session."""
        if self.expiry_s is None or self.since is None:
            return False
        return self.until - self.since >= timedelta(seconds=self.expiry_s)


def losses(chain: Chain, after: int = 0) -> list[Lost]:
    """Return all losses of which the chain tells behind an entry, in the order in which they were noticed."""
    return together(_lost(entry) for entry in _entries(chain, after))


def losses_within(chain: Chain, start: datetime, end: datetime) -> list[Lost]:
    """Return the losses that may lie in [start, end), in part at least."""
    return [lost for lost in losses(chain) if start < lost.until and (lost.since or lost.noticed) < end]


def together(rows: Iterable[Lost]) -> list[Lost]:
    """Bring drops that were noticed soon after each other together; lost sessions stand for themselves.

    What is lost at the broker and what the quarantine loses go on beside each other: neither divides the other.
    """
    found: list[Lost] = []
    newest: dict[bool, int] = {}  # where in `found` the last one at the broker is, and the last one of the quarantine
    for row in rows:
        place = newest.get(row.at_broker)
        if place is not None and _one_event(found[place], row):
            found[place] = _joined(found[place], row)
        else:
            newest[row.at_broker] = len(found)
            found.append(row)
    return found


class LossBook:
    """All losses of a ledger, of which each look reads only what is new; threads may share it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._lock = threading.Lock()
        self._read_until = 0
        self._known: list[Lost] = []

    def look(self) -> list[Lost]:
        """Return the losses so far, in the order in which they were noticed."""
        with self._lock:
            head = self._chain.head().seq
            if head < self._read_until:  # another ledger was put in this one's place
                self._read_until, self._known = 0, []
            if head != self._read_until:
                new = losses(self._chain, self._read_until)
                self._known = together([*self._known, *new])
                self._read_until = max([head, *(lost.last_entry for lost in new)])
            return list(self._known)

    def noticed_since(self, since: datetime) -> list[Lost]:
        """Return those of which a part at least was noticed since an instant."""
        return [lost for lost in self.look() if lost.until >= since]

    def at_broker_since(self, since: datetime) -> int:
        """Return how many of those were lost at the broker."""
        return sum(lost.at_broker for lost in self.noticed_since(since))


def _entries(chain: Chain, after: int) -> Iterator[Entry]:
    while page := chain.entries(after=after, kind=LOSS, limit=_PAGE):
        yield from page
        after = page[-1].seq


def _lost(entry: Entry) -> Lost:
    loss = msgspec.convert(entry.body, Loss)
    return Lost(
        **msgspec.structs.asdict(loss),
        noticed=loss.until,
        first_entry=entry.seq,
        last_entry=entry.seq,
        hash=entry.hash,
    )


def _one_event(one: Lost, next_: Lost) -> bool:
    within = _ONE_EVENT.get(next_.what)
    return within is not None and one.what == next_.what and next_.noticed - one.until <= within


def _joined(one: Lost, next_: Lost) -> Lost:
    many = [lost.messages for lost in (one, next_) if lost.messages is not None]
    return msgspec.structs.replace(
        one,
        until=max(one.until, next_.until),  # the clock may have been set back
        messages=sum(many) if many else None,
        last_entry=next_.last_entry,
        hash=next_.hash,
    )
