"""The collector's book: intents, counters, changes, quarantine, packets without a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from heating.instants import to_ms
from heating.ledger import clocks, device_days, numbers, quarantine, tables
from heating.ledger.codec import canonical, chunks, unique
from heating.ledger.database import Database
from heating.ledger.port import BatchIntent, Change, ClockRecord, DeviceDay, RejectedReading, Stranger
from heating.ledger.quarantine import QuarantineCap

# Contract §4: the same packet without a usable time again within 10 min is a repeat.
CLOCKLESS_MS = timedelta(minutes=10) // timedelta(milliseconds=1)

_CHANGES, _LAST_COMMIT = "changes", "collector.last_commit_ms"
_ONE = 1
_decoder = msgspec.json.Decoder(BatchIntent)
_points = msgspec.json.Decoder(tuple[str, ...])


class SqlJournal:
    """Port `Journal`."""

    def __init__(self, database: Database, cap: QuarantineCap) -> None:
        self._db = database
        self._cap = cap
        self._resumed = False

    def begin(self, intent: BatchIntent, at: datetime) -> None:
        """Commit the intent."""
        with self._db.write() as connection:
            self._commit_time(connection, at)
            wide = _widened(_intent(connection), intent)
            row = {"id": _ONE, "body": canonical(wide)}
            connection.execute(numbers.upsert(connection, tables.intent, replace=("body",)), row)
            _remember(connection, intent.clockless, to_ms(at))
        self._resumed = True

    def finish(
        self,
        counts: Mapping[str, int],
        rejected: Sequence[RejectedReading],
        devices: Mapping[str, Mapping[str, int]],
        at: datetime,
        *,
        day: date | None = None,
    ) -> None:
        """Commit counters, per-device counters, quarantine rows; turn the intent into a change."""
        with self._db.write() as connection:
            self._commit_time(connection, at)
            dropped = quarantine.add(connection, rejected, self._cap)
            _count(connection, {**counts, "quarantine_dropped": counts.get("quarantine_dropped", 0) + dropped})
            device_days.add(connection, devices, day or at.astimezone(UTC).date())
            intent = _intent(connection)
            if intent is not None:
                connection.execute(delete(tables.intent))
                if intent.keys:
                    _add_change(connection, intent.oldest_ms, intent.newest_ms, intent.late_points, to_ms(at))
        self._resumed = True

    def unfinished(self) -> BatchIntent | None:
        """Return the intent that a killed process left behind."""
        with self._db.read() as connection:
            return _intent(connection)

    def counters(self) -> dict[str, int]:
        """Return the totals."""
        query = select(tables.counters.c.name, tables.counters.c.value).order_by(tables.counters.c.name)
        with self._db.read() as connection:
            return {row.name: row.value for row in connection.execute(query)}

    def device_days(self, first: date, last: date, *, device_id: str | None = None) -> list[DeviceDay]:
        """Return the counts of each device on each day, both ends inclusive.

        `received` is what the fates add up to; the collector leaves it out, which halves the rows of a batch.
        """
        with self._db.read() as connection:
            return device_days.listed(connection, first, last, device_id)

    def forget_device_days(self, before: date) -> int:
        """Drop the counts of days before `before`; return how many rows went."""
        with self._db.write() as connection:
            return device_days.forget(connection, before)

    def announce(self, oldest_ms: int, newest_ms: int, late_points: Sequence[str], at: datetime) -> int:
        """Commit a change that came without an intent."""
        with self._db.write() as connection:
            return _add_change(connection, oldest_ms, newest_ms, late_points, to_ms(at))

    def changes_after(self, seq: int) -> list[Change]:
        """Return the changes with a larger seq, in order."""
        t = tables.changes.c
        query = select(t.seq, t.oldest_ms, t.newest_ms, t.late_points).where(t.seq > seq)
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(t.seq)).all()
        return [Change(row.seq, row.oldest_ms, row.newest_ms, _points.decode(row.late_points)) for row in rows]

    def forget_changes(self, before: datetime) -> None:
        """Drop changes older than an instant, but the last one."""
        t = tables.changes.c
        with self._db.write() as connection:
            last = numbers.value_of(connection, _CHANGES)
            connection.execute(delete(tables.changes).where(t.at_ms < to_ms(before), t.seq < last))

    def clockless(self, digests: Sequence[str], now: datetime) -> dict[str, int]:
        """Return the receive time [ms] remembered for digests."""
        if not self._resumed:
            with self._db.write() as connection:
                self._commit_time(connection, now)
            self._resumed = True
        t, now_ms = tables.clockless.c, to_ms(now)
        fresh = t.seen_ms.between(now_ms - CLOCKLESS_MS, now_ms + CLOCKLESS_MS)
        found: dict[str, int] = {}
        with self._db.read() as connection:
            for some in chunks(unique(digests)):
                rows = connection.execute(select(t.digest, t.received_ms).where(t.digest.in_(some), fresh))
                found.update((row.digest, row.received_ms) for row in rows)
        return found

    def quarantined(self, *, limit: int = 100) -> list[tuple[int, RejectedReading]]:
        """Return the newest rows of the quarantine, oldest first, with their number."""
        with self._db.read() as connection:
            return quarantine.listed(connection, limit=limit)

    def was_quarantined(self, topic: str, sha256: str, index: int | None, since: datetime) -> bool:
        """Tell whether this very rejection is on record since an instant."""
        with self._db.read() as connection:
            return quarantine.holds(connection, topic, sha256, index, since)

    def note_strangers(self, seen: Sequence[Stranger]) -> None:
        """Remember devices that the register does not know."""
        if seen:
            with self._db.write() as connection:
                quarantine.note_strangers(connection, seen)

    def strangers(self) -> list[Stranger]:
        """Return the unknown devices, the one seen last first."""
        with self._db.read() as connection:
            return quarantine.strangers(connection)

    def forget_strangers(self, device_ids: Sequence[str]) -> None:
        """Drop devices from the list."""
        with self._db.write() as connection:
            quarantine.forget_strangers(connection, device_ids)

    def note_clocks(self, records: Sequence[ClockRecord]) -> None:
        """Put what is known of the devices' clocks in the place of what was known before."""
        if records:
            with self._db.write() as connection:
                clocks.note(connection, records)

    def clocks(self) -> list[ClockRecord]:
        """Return what is known of the devices' clocks, by device."""
        with self._db.read() as connection:
            return clocks.listed(connection)

    def _commit_time(self, connection: Connection, at: datetime) -> None:
        """Note when the collector was last alive; first shift its memory over the time when it was not."""
        now_ms = to_ms(at)
        if not self._resumed:
            last_ms = numbers.value_of(connection, _LAST_COMMIT)
            if last_ms and now_ms > last_ms:
                seen = tables.clockless.c.seen_ms
                connection.execute(update(tables.clockless).values(seen_ms=seen + (now_ms - last_ms)))
        numbers.put(connection, _LAST_COMMIT, now_ms)


def _intent(connection: Connection) -> BatchIntent | None:
    body = connection.execute(select(tables.intent.c.body)).scalar_one_or_none()
    return None if body is None else _decoder.decode(body)


def _widened(old: BatchIntent | None, new: BatchIntent) -> BatchIntent:
    """Return an intent that covers both: the keys of either may be in the store already."""
    if old is None or not old.keys:
        return new if old is None else msgspec.structs.replace(new, clockless={**old.clockless, **new.clockless})
    late = {old.keys[i] for i in old.late_keys} | {new.keys[i] for i in new.late_keys}
    keys = tuple(unique((*old.keys, *new.keys)))
    return BatchIntent(
        keys=keys,
        oldest_ms=min(old.oldest_ms, new.oldest_ms) if new.keys else old.oldest_ms,
        newest_ms=max(old.newest_ms, new.newest_ms) if new.keys else old.newest_ms,
        late_points=tuple(unique((*old.late_points, *new.late_points))),
        clockless={**old.clockless, **new.clockless},
        late_keys=tuple(i for i, key in enumerate(keys) if key in late),
    )


def _add_change(connection: Connection, oldest_ms: int, newest_ms: int, late_points: Sequence[str], at_ms: int) -> int:
    seq = numbers.next_of(connection, _CHANGES)
    row = {
        "seq": seq,
        "at_ms": at_ms,
        "oldest_ms": oldest_ms,
        "newest_ms": newest_ms,
        "late_points": canonical(list(late_points)),
    }
    connection.execute(insert(tables.changes), row)
    return seq


def _remember(connection: Connection, clockless: Mapping[str, int], at_ms: int) -> None:
    """Remember packets without a clock, and forget those that are too old to matter."""
    connection.execute(delete(tables.clockless).where(tables.clockless.c.seen_ms < at_ms - CLOCKLESS_MS))
    rows = [{"digest": digest, "received_ms": ms, "seen_ms": at_ms} for digest, ms in sorted(clockless.items())]
    if rows:
        connection.execute(numbers.upsert(connection, tables.clockless, replace=("received_ms", "seen_ms")), rows)


def _count(connection: Connection, counts: Mapping[str, int]) -> None:
    # Sorted, so that two writers on PostgreSQL take the row locks in one order.
    rows = [(name, value) for name, value in sorted(counts.items()) if value]
    if rows:
        numbers.add_many(connection, tables.counters, rows)
