"""Messages about orders: who is told what, in words and as JSON with a fixed form. Pure.

A message carries ids and places. Contacts are put in when it is sent, and only for a receiver that may have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from alerts.dispatch import Stop
from alerts.grouping import SYSTEM
from alerts.mute import is_urgent, quiet_until
from alerts.settings import Receiver
from alerts.words import Voice
from heating.finding import Severity
from heating.instants import rfc3339
from heating.order import Notice, OrderEvent, WorkOrder

SCHEMA = 1
DIGEST = "digest"
_DIGEST_LINES = 20  # lines of a digest's text; its JSON has all
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Announcer:
    """Writes the notices of what happens, one for each receiver."""

    receivers: tuple[Receiver, ...]
    voice: Voice

    def of_event(self, order: WorkOrder, event: OrderEvent, why: str) -> list[Notice]:
        """Return the notices of an event that `order` has in its history.

        Ids come from the place of the event in the history: the same for every try, never used again.
        """
        number = max(i for i, known in enumerate(order.history, start=1) if known == event)
        body = self._body(order, event, why)
        return [self._notice(r, f"{order.id}.{number}", body, order, event.at) for r in self.receivers]

    def of_stop(self, stop: Stop, homes: Sequence[str], now: datetime) -> list[Notice]:
        """Return the drafts of an outage notice; a new time of return gives a new one."""
        restore = self.voice.time(stop.restore) if stop.restore else self.voice.say("restore_unknown")
        text = self.voice.say(
            "outage_text",
            place=self.voice.place(stop.subject_type, stop.subject_id),
            start=self.voice.time(stop.start),
            reason=stop.reason,
            homes=len(homes),
            restore=restore,
        )
        body = {
            "schema": SCHEMA,
            "why": "outage_notice",
            "at": self._time(now),
            "subject": {"type": stop.subject_type.value, "id": stop.subject_id},
            "start": self._time(stop.start),
            "expected_restore": self._time(stop.restore) if stop.restore else None,
            "homes": list(homes),
            "severity": Severity.MAJOR.value,
            "text": f"[{self.voice.say('outage_notice')}] {text}",
        }
        key = f"{stop.id}.{int(stop.restore.timestamp()) if stop.restore else 'open'}"
        return [self._notice(r, key, body, None, now) for r in self.receivers]

    def digest(self, receiver: Receiver, folded: Sequence[Notice], now: datetime) -> Notice:
        """Return the one message that stands for many."""
        lines = [str(n.body.get("text", n.why)) for n in folded]
        more = len(lines) - _DIGEST_LINES
        tail = [self.voice.say("and_more", n=more)] if more > 0 else []
        head = f"[{self.voice.say(DIGEST)}] {self.voice.say('more', n=len(folded))}"
        body = {
            "schema": SCHEMA,
            "why": DIGEST,
            "at": self._time(now),
            "counts": dict(sorted(Counter(n.why for n in folded).items())),
            "severity": max((severity_of(n) for n in folded), key=_SEVERITIES.index).value,
            "notices": [{k: n.body.get(k) for k in ("id", "why", "order", "severity", "text")} for n in folded],
            "text": "\n".join([head, *lines[:_DIGEST_LINES], *tail]),
        }
        key = "digest." + blake2b("\n".join(n.id for n in folded).encode(), digest_size=8).hexdigest()
        return self._notice(receiver, key, body, None, now)

    def _notice(
        self, receiver: Receiver, key: str, body: Mapping[str, Any], order: WorkOrder | None, now: datetime
    ) -> Notice:
        urgent = order is not None and is_urgent(order)
        later = None if urgent else quiet_until(receiver, now, self.voice.zone)
        notice_id = f"{key}.{receiver.name}"
        return Notice(
            id=notice_id,
            receiver=receiver.name,
            why=str(body["why"]),
            subject=order.id if order else key,
            created_at=now,
            next_try=later or now,
            body={"schema": body["schema"], "id": notice_id, **body},
        )

    def _body(self, order: WorkOrder, event: OrderEvent, why: str) -> dict[str, Any]:
        # What a person wrote stays in the ledger: it may speak of people.
        detail = event.text if event.by == SYSTEM else self.voice.say(order.state.value)
        return {
            "schema": SCHEMA,
            "why": why,
            "at": self._time(event.at),
            "order": order.id,
            "state": order.state.value,
            "event": event.kind,
            "subject": {"type": order.subject_type.value, "id": order.subject_id},
            "homes": list(order.homes),
            "points": list(order.points),
            "cause": msgspec.to_builtins(order.cause),
            "trigger": order.trigger.value,
            "severity": order.severity.value,
            "priority": order.priority,
            "content": order.content,
            "due": {step: self._time(at) for step, at in order.due.items()},
            "step": event.data.get("step"),
            "text": f"[{self.voice.say(why)}] {order.id} {self.voice.say(order.severity.value)} {detail}",
        }

    def _time(self, instant: datetime) -> str:
        return rfc3339(instant, self.voice.zone)


def severity_of(notice: Notice) -> Severity:
    """Return the severity that a notice speaks of."""
    return Severity(notice.body.get("severity", Severity.MINOR.value))


def urgency(notice: Notice) -> tuple[int, datetime]:
    """Return the key by which the most urgent notice is sent first."""
    return (-_SEVERITIES.index(severity_of(notice)), notice.created_at)
