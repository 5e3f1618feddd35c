"""Delivery: each receiver has a courier of its own, so that a slow one keeps no other waiting.

due notices → fold what is over the receiver's rate into one digest → send → record. Success is recorded at once and
never repeated; a process that dies between sending and recording sends the notice again under the same id.
A failure is tried again later and later; a receiver that fails gets a rest before the next notice is tried.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import numpy as np

from alerts.notices import DIGEST, Announcer, urgency
from alerts.receivers.port import Deliverer
from alerts.settings import AlertsSettings, Receiver
from heating.clock import Clock
from heating.errors import DeliveryFailed
from heating.ledger.port import Ledger
from heating.order import Notice
from heating.site import Contact

log = logging.getLogger(__name__)

_BATCH = 500
_LEAST_TRIES = 5  # an old message is not given up at its first failure after a long stop
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Bucket:
    """Tokens for `per_minute` messages, refilled steadily; 0 = no limit."""

    per_minute: int
    _tokens: float = field(init=False)
    _at: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._tokens = float(self.per_minute)

    def room(self, now: datetime) -> int:
        """Return how many messages may be sent now."""
        if self.per_minute == 0:
            return _BATCH
        if self._at is not None:
            self._tokens += max((now - self._at) / _MINUTE, 0.0) * self.per_minute
        self._tokens = min(self._tokens, float(self.per_minute))
        self._at = now
        return int(self._tokens)

    def take(self) -> None:
        """Use one token."""
        self._tokens -= 1.0


@dataclass(slots=True)
class Retry:
    """When to try again: doubling from `first_s` to `most_s`, spread by up to a half so that failures do not march."""

    first_s: float
    most_s: float
    rng: np.random.Generator

    def wait(self, failures: int) -> timedelta:
        """Return the wait after so many failures in a row (from 1)."""
        longest = min(self.first_s * 2.0 ** min(failures - 1, 40), self.most_s)
        return timedelta(seconds=longest * float(self.rng.uniform(0.5, 1.0)))


class Courier:
    """Delivers the notices of one receiver."""

    def __init__(
        self,
        deliverer: Deliverer,
        receiver: Receiver,
        ledger: Ledger,
        announcer: Announcer,
        settings: AlertsSettings,
        rng: np.random.Generator,
    ) -> None:
        self.receiver = receiver
        self.counts: Counter[str] = Counter()
        self.last_error = ""
        self._deliverer = deliverer
        self._ledger = ledger
        self._announcer = announcer
        self._give_up = timedelta(hours=settings.give_up_h)
        self._retry = Retry(settings.retry_first_s, settings.retry_most_s, rng)
        self._bucket = Bucket(receiver.per_minute)
        self._failures = 0
        self._rest_until: datetime | None = None
        self._unrecorded: list[str] = []

    def round(self, clock: Clock, stop: threading.Event) -> int:
        """Deliver what is due and allowed now; return how many were delivered."""
        now = clock.now()
        self._record(now)
        if self._rest_until is not None and now < self._rest_until:
            return 0
        delivered = 0
        for notice in self._chosen(now):
            if stop.is_set() or not self._send(notice, clock):
                break
            delivered += 1
        return delivered

    def _chosen(self, now: datetime) -> Sequence[Notice]:
        due = sorted(self._ledger.outbox.due(now, _BATCH, receiver=self.receiver.name), key=urgency)
        room = self._bucket.room(now)
        if len(due) <= room or room == 0:
            return due[:room]
        digests = [n for n in due if n.why == DIGEST]
        single = [n for n in due if n.why != DIGEST]
        kept = max(room - 1 - len(digests), 0)
        folded = single[kept:]
        if len(folded) < 2:
            return due[:room]
        digest = self._announcer.digest(self.receiver, folded, now)
        self._ledger.outbox.put([digest], at=now, instead_of=[n.id for n in folded])
        self.counts["folded"] += len(folded)
        log.info("notices folded receiver=%s count=%d digest=%s", self.receiver.name, len(folded), digest.id)
        return [*single[:kept], *digests, digest][:room]

    def _send(self, notice: Notice, clock: Clock) -> bool:
        """Try one notice and record the outcome; return whether to go on with the next."""
        complete = self._completed(notice)
        self._bucket.take()
        try:
            self._deliverer.deliver(complete)
        except DeliveryFailed as failure:
            return self._failed(notice, str(failure), failure.permanent, clock.now())
        except Exception as bug:
            log.exception("receiver raised receiver=%s notice=%s", self.receiver.name, notice.id)
            return self._failed(notice, f"{type(bug).__name__}: {bug}", False, clock.now())
        self._unrecorded.append(notice.id)
        self._record(clock.now())
        self.counts["delivered"] += 1
        if self._failures:
            log.info("receiver answers again receiver=%s", self.receiver.name)
        self._failures, self._rest_until, self.last_error = 0, None, ""
        return True

    def _record(self, now: datetime) -> None:
        """Record what was sent; a ledger that is away just then must not make us send it again."""
        while self._unrecorded:
            self._ledger.outbox.delivered(self._unrecorded[0], now)
            self._unrecorded.pop(0)

    def _failed(self, notice: Notice, error: str, permanent: bool, now: datetime) -> bool:
        again = now + self._retry.wait(notice.attempts + 1)
        old = again - notice.created_at > self._give_up and notice.attempts >= _LEAST_TRIES
        over = permanent or old
        self._ledger.outbox.failed(notice.id, now, next_try=None if over else again, error=error)
        self.last_error = error
        self.counts["given_up" if over else "failed"] += 1
        if over:
            log.error("notice given up receiver=%s notice=%s error=%s", self.receiver.name, notice.id, error)
        if permanent:
            return True
        self._failures += 1
        self._rest_until = now + self._retry.wait(self._failures)
        if self._failures == 1:
            log.warning("receiver fails receiver=%s notice=%s error=%s", self.receiver.name, notice.id, error)
        return False

    def _completed(self, notice: Notice) -> Notice:
        """Return the notice with the contacts of its points, where the receiver may have them."""
        if not self.receiver.with_contact:
            return notice
        contacts = {str(p): self._ledger.places.contact(str(p)) for p in notice.body.get("points", ())}
        known = {point: _shown(contact) for point, contact in contacts.items() if contact}
        return msgspec.structs.replace(notice, body={**notice.body, "contacts": known})


def _shown(contact: Contact) -> dict[str, str]:
    return {"contact": contact.name, "phone": contact.phone, "address": contact.address}
