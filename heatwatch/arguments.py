"""What people type as arguments: instants, spans of time, durations."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from heating.errors import InputError
from heating.instants import local_midnight, parse_instant

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def instant(option: str, text: str, zone: ZoneInfo) -> datetime:
    """Return the instant of an option's text: RFC 3339, or local to the site when it has no offset.

    Raises
    ------
    InputError
        Naming the option, the text and what would be right.
    """
    try:
        return parse_instant(text, zone)
    except ValueError:
        right = "a time such as 2026-11-22T06:00:00+08:00 or, local, 2026-11-22T06:00"
        raise InputError(f"{option}: {text!r} is no time; give {right}") from None


def span(start: str | None, end: str | None, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return the half-open interval of --from and --to; `--to` is now unless given.

    Raises
    ------
    InputError
        If --from is missing or not before --to.
    """
    if start is None:
        raise InputError("--from: missing; give the time where the span begins")
    first = instant("--from", start, zone)
    last = instant("--to", end, zone) if end is not None else now
    if first >= last:
        raise InputError(f"--from: {start!r} is not before --to {(end or 'now')!r}")
    return first, last


def day(option: str, text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the interval of a local day.

    Raises
    ------
    InputError
        If the text is no date.
    """
    try:
        chosen = date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: {text!r} is no date; give one such as 2026-11-22") from None
    return local_midnight(chosen, zone), local_midnight(chosen + timedelta(days=1), zone)


def duration(option: str, text: str) -> float:
    """Return the seconds of `90`, `60s`, `2m`, `1h` or `1d`.

    Raises
    ------
    InputError
        If the text is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{option}: {text!r} is no duration; give one such as 60s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]
