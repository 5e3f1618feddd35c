"""How a cell of a readings CSV is read; the reason why not is what would be right."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from heating.instants import epoch_ms, parse_instant, to_ms

_FIRST_MS = to_ms(datetime(2000, 1, 1, tzinfo=UTC))
_EPOCH = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def instant_ms(text: str, zone: ZoneInfo) -> int:
    """Read a time cell: epoch by magnitude, RFC 3339, or local to `zone`; [ms].

    Raises
    ------
    ValueError
        Saying what would be right.
    """
    text = text.strip()
    if not text:
        raise ValueError("is required and blank")
    try:
        ms = _epoch_text(text) if _EPOCH.fullmatch(text) else to_ms(parse_instant(text, zone))
    except (ValueError, OverflowError):
        raise ValueError("must be a time: an epoch, 2026-11-22T10:20:00+08:00, or local 2026-11-22 10:20") from None
    if ms < _FIRST_MS:
        raise ValueError("lies before 2000: the device's clock was not set")
    return ms


def _epoch_text(text: str) -> int:
    return epoch_ms(int(text) if text.lstrip("+-").isdigit() else float(text))


def number(text: str) -> float:
    """Read a value cell; blank is NaN.

    Raises
    ------
    ValueError
        Saying what would be right.
    """
    if not text or text.isspace():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise ValueError("must be a finite number such as 19.4, or blank")
    return value


def device_name(text: str) -> str:
    """Read a device cell.

    Raises
    ------
    ValueError
        If it is blank.
    """
    text = text.strip()
    if not text:
        raise ValueError("is required and blank")
    return text
