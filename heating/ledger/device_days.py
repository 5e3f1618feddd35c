"""What became of the readings of each device on each day.

A batch adds one row with all its counts to `tallies`; every so many of them are folded into `device_days`, which has
a row for each device, day and count. To fold at once would cost the collector more than the store does: a thousand
packets come from nearly as many devices. Who reads adds up both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from heating.ledger import numbers, tables
from heating.ledger.codec import plain
from heating.ledger.values import DeviceDay

# Tallies that wait to be folded at most: a page that adds them up does not notice them.
_FOLDED_AT = 64
# What becomes of a reading (contract §4): received = the sum of these.
_FATES = ("stored", "repeated", "ignored", "quarantined")

# Counts of a batch: name of the count, device, how many.
Counts = Mapping[str, Mapping[str, int]]
_decoder = msgspec.json.Decoder(dict[str, dict[str, int]])
_encoder = msgspec.json.Encoder()


def add(connection: Connection, counts: Counts, day: date) -> None:
    """Add the counts of a batch."""
    found = {name: {plain(device): n for device, n in devices.items() if n} for name, devices in counts.items()}
    found = {name: devices for name, devices in found.items() if devices}
    if not found:
        return
    connection.execute(insert(tables.tallies), {"day": day.isoformat(), "body": _encoder.encode(found).decode()})
    if connection.execute(select(func.count()).select_from(tables.tallies)).scalar_one() >= _FOLDED_AT:
        fold(connection)


def fold(connection: Connection) -> None:
    """Bring the tallies into their days: deleted as they are read, so that none can count twice."""
    t = tables.tallies
    rows = connection.execute(delete(t).returning(t.c.day, t.c.body)).all()
    added = _added_up((day, body) for day, body in rows)
    if added:
        # In the order of the key: so the pages are touched one after the other, and row locks taken in one order.
        numbers.add_many(connection, tables.device_days, [(*key, added[key]) for key in sorted(added)])


def listed(connection: Connection, first: date, last: date, device_id: str | None) -> list[DeviceDay]:
    """Return the counts of each device on each day, ordered by day, then device."""
    days, t = (first.isoformat(), last.isoformat()), tables.device_days.c
    query = select(t.day, t.device_id, t.name, t.value).where(t.day.between(*days))
    if device_id is not None:
        query = query.where(t.device_id == device_id)
    waiting = select(tables.tallies.c.day, tables.tallies.c.body).where(tables.tallies.c.day.between(*days))
    total = _added_up((day, body) for day, body in connection.execute(waiting))
    for day, device, name, value in connection.execute(query):
        total[day, device, name] += value
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (day, device, name), value in sorted(total.items()):
        if device_id in (None, device):
            found.setdefault((day, device), {})[name] = value
    return [_device_day(device, day, counts) for (day, device), counts in found.items()]


def forget(connection: Connection, before: date) -> int:
    """Drop the counts of days before `before`; return how many rows went."""
    fold(connection)
    return connection.execute(delete(tables.device_days).where(tables.device_days.c.day < before.isoformat())).rowcount


def _added_up(rows: Iterable[tuple[str, str]]) -> Counter[tuple[str, str, str]]:
    total: Counter[tuple[str, str, str]] = Counter()
    for key, value in _counts(rows):
        total[key] += value
    return total


def _counts(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str, str], int]]:
    for day, body in rows:
        for name, devices in _decoder.decode(body).items():
            for device, value in devices.items():
                yield (day, device, name), value


def _device_day(device_id: str, day: str, counts: dict[str, int]) -> DeviceDay:
    received = sum(counts.get(fate, 0) for fate in _FATES)
    return DeviceDay(device_id, date.fromisoformat(day), {**counts, "received": received} if received else counts)
