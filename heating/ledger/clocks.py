"""How well devices keep time, with what the collector needs to go on after a restart."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from heating.device_clock import ClockState, DeviceClock
from heating.instants import from_ms, to_ms
from heating.ledger import numbers, tables
from heating.ledger.codec import plain
from heating.ledger.values import ClockRecord


def note(connection: Connection, records: Sequence[ClockRecord]) -> None:
    """Put the records in the place of those of the same devices."""
    rows = [
        {
            "device_id": plain(record.clock.device_id),
            "at_ms": to_ms(record.clock.at),
            "state": record.clock.state.value,
            "skew_ms": _ms(record.clock.skew_s),
            "drift_ms_per_day": _ms(record.clock.drift_s_per_day),
            "packets": record.clock.packets,
            "missing": record.clock.missing,
            "memory": record.memory,
        }
        for record in records
    ]
    replaced = ("at_ms", "state", "skew_ms", "drift_ms_per_day", "packets", "missing", "memory")
    connection.execute(numbers.upsert(connection, tables.device_clocks, replace=replaced), rows)


def listed(connection: Connection) -> list[ClockRecord]:
    """Return all records, by device."""
    rows = connection.execute(select(tables.device_clocks).order_by(tables.device_clocks.c.device_id))
    return [
        ClockRecord(
            DeviceClock(
                device_id=row["device_id"],
                state=ClockState(row["state"]),
                skew_s=_s(row["skew_ms"]),
                drift_s_per_day=_s(row["drift_ms_per_day"]),
                packets=row["packets"],
                missing=row["missing"],
                at=from_ms(row["at_ms"]),
            ),
            row["memory"],
        )
        for row in rows.mappings()
    ]


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
