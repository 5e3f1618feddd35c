"""Instants at the edges: what devices, files and people write, and what we write back.

Inside, an instant is an aware `datetime` or, in arrays, an int64 of milliseconds since 1970 (UTC), named `*_ms`.
Intervals are half-open.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# The largest instant that `datetime` can hold; later epochs are no times at all.
_LAST_MS = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // _MILLISECOND


def to_ms(instant: datetime) -> int:
    """Return milliseconds since 1970 of an aware instant, fractions cut off."""
    return (instant - EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return the aware UTC instant of `ms` milliseconds since 1970."""
    return EPOCH + int(ms) * _MILLISECOND


def epoch_ms(value: float) -> int:
    """Return milliseconds of an epoch in s, ms, µs or ns, told apart by magnitude (contract §4).

    Below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.

    Raises
    ------
    ValueError
        If the value is not finite or beyond the year 9999.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("time is not finite")
    size = abs(value)
    if size < 1e11:
        # A float of seconds carries about 0.2 µs; a hair is added so that 0.62 s stays 620 ms.
        ms = math.floor(value * 1000 + 1e-3) if isinstance(value, float) else value * 1000
    elif size < 1e14:
        ms = math.floor(value)
    elif size < 1e17:
        ms = math.floor(value // 1000)
    else:
        ms = math.floor(value // 1_000_000)
    if not -_LAST_MS <= ms <= _LAST_MS:
        raise ValueError("time is beyond the year 9999")
    return ms


def parse_instant(text: str, zone: ZoneInfo | None) -> datetime:
    """Return the instant of RFC 3339 text; without an offset it is local to `zone`.

    An hour that the clocks repeat means the first; `zone` None refuses local times. A blank instead of `T`,
    a date alone (midnight) and more than six digits of seconds are understood.

    Raises
    ------
    ValueError
        If the text is no time, or has no offset where `zone` is None.
    """
    parsed = datetime.fromisoformat(text.strip().upper())  # RFC 3339 §5.6: `t` and `z` as well
    if parsed.tzinfo is None:
        if zone is None:
            raise ValueError(f"time {text!r} has no offset")
        parsed = parsed.replace(tzinfo=zone)
    return parsed.astimezone(UTC)


def rfc3339(instant: datetime, zone: ZoneInfo | None = None) -> str:
    """Write an instant with milliseconds and offset, in `zone` or UTC."""
    return instant.astimezone(zone or UTC).isoformat(timespec="milliseconds")


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which `day` begins in `zone`."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
