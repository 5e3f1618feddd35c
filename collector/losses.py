"""What the broker could not keep for us: noticed, counted, dated, and written into the ledger.

Behind a full spool the broker keeps what comes, within limits that an operator set: how long it keeps a session,
whether over a restart, how many messages. What is beyond them is gone before we can see it, which must not be silent.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from heating.instants import rfc3339
from heating.ledger.port import Chain
from heating.loss import LOSS, Loss
from heating.stage import Metric

log = logging.getLogger(__name__)

# Where mosquitto publishes how many messages it has dropped since its start, for any client (man mosquitto(8)).
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
_NOTE_EVERY = timedelta(seconds=30)
_SHOWN_FOR = timedelta(days=1)


class _Known(msgspec.Struct, kw_only=True):
    """What must outlive the process to tell a loss from a first start."""

    seen_at: datetime | None = None
    dropped: int | None = None
    last: Loss | None = None
    unwritten: list[Loss] = []


class Losses:
    """Notes of the session, kept in a file of the state folder; without a folder only for this process.

    The network thread and the loop of the stage share it. `expiry_s` is for how long the broker is asked to keep the
    session [s].
    """

    def __init__(self, folder: str, expiry_s: int | None = None) -> None:
        self._expiry_s = expiry_s
        self._file = Path(folder) / "broker.json" if folder else None
        self._known = self._read()
        self._lock = threading.Lock()
        self._sessions = self._messages = 0
        self._counted_at: datetime | None = None  # when the broker had certainly not dropped these

    def connected(self, now: datetime, *, kept: bool) -> None:
        """Note a new connection, and whether the broker had kept our session."""
        with self._lock:
            since = self._counted_at = _not_after(now, self._known.seen_at)
            if since is not None and not kept:
                self._sessions += 1
                self._note(Loss(what="session", since=since, until=now, expiry_s=self._expiry_s))
                log.critical(
                    "the broker kept no session of ours, what was published meanwhile is lost since=%s until=%s",
                    rfc3339(since),
                    rfc3339(now),
                )

    def alive(self, now: datetime) -> None:
        """Note that we are subscribed."""
        with self._lock:
            before = self._known.seen_at
            self._known.seen_at = now
            if before is None or not timedelta() <= now - before < _NOTE_EVERY:
                self._save()

    def dropped(self, payload: bytes, now: datetime) -> None:
        """Take over how many messages the broker says to have dropped since it started."""
        if not payload.isdigit():
            return
        with self._lock:
            total, before = int(payload), self._known.dropped
            self._known.dropped = total
            lost = total if before is None or total < before else total - before
            if lost and before is not None:
                self._messages += lost
                since = _not_after(now, self._counted_at)
                self._note(Loss(what="queue", since=since, until=now, messages=lost))
                log.critical(
                    "the broker dropped messages, some of them may be ours messages=%s at=%s", lost, rfc3339(now)
                )
                self._counted_at = now  # not before: the broker tells it late, and first what it was
            elif total != before:
                self._save()

    def write(self, chain: Chain) -> None:
        """Write what was noticed into the ledger; may raise `LedgerUnavailable`, then it is tried again."""
        while self._known.unwritten:
            loss = self._known.unwritten[0]
            chain.append(LOSS, "collector", msgspec.to_builtins(loss), loss.until)
            with self._lock:
                self._known.unwritten.pop(0)
                self._save()

    def text(self, now: datetime) -> str:
        """Return what was lost last, for a day; blank if nothing."""
        last = self._known.last
        if last is None or now - last.until > _SHOWN_FOR:
            return ""
        many = f"{last.messages} messages" if last.messages else "readings"
        since = rfc3339(last.since) if last.since else "unknown"
        return f"; the broker lost {many} ({last.what}) since {since}, seen {rfc3339(last.until)}"

    def metrics(self) -> Sequence[Metric]:
        """Return counters and the instant of the last loss."""
        last = self._known.last
        at = last.until.timestamp() if last else 0.0
        values = (
            ("sessions_lost_total", self._sessions, "Connections at which the broker had lost our session."),
            ("broker_dropped_total", self._messages, "Messages that the broker says it dropped, for any client."),
            ("last_loss_timestamp_seconds", at, "When the last of these was noticed; 0 = never."),
        )
        return [Metric(f"heatwatch_collector_{name}", float(value), text) for name, value, text in values]

    def _note(self, loss: Loss) -> None:
        self._known.unwritten.append(loss)  # saved first: who is killed now still writes it
        self._known.last = loss
        self._save()

    def _read(self) -> _Known:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Known) if self._file else _Known()
        except (OSError, msgspec.DecodeError):
            return _Known()

    def _save(self) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(".new")
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(self._known))
                file.flush()
                os.fsync(file.fileno())  # else a power cut may leave an empty file, which knows of no loss
            os.replace(draft, self._file)
        except OSError as problem:
            log.info("notes on the broker not kept reason=%s", problem)


def _not_after(now: datetime, then: datetime | None) -> datetime | None:
    """Return an instant noted earlier, which is no later than now, though the clock may have been set back since."""
    return None if then is None else min(then, now)
