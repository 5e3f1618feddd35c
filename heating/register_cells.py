"""How a cell of the register is read: text as people type it, to a value, or the reason why not."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from heating.instants import parse_instant

Parse = Callable[[str, ZoneInfo], object]
MAX_TEXT = 200

# Full-width digits and letters, and the ideographic blank: slips of a Chinese input method, never part of a name.
_HALF_WIDTH = {full: full - 0xFEE0 for r in ("０９", "ＡＺ", "ａｚ") for full in range(ord(r[0]), ord(r[1]) + 1)}
_HALF_WIDTH |= {0x3000: 0x20, 0x200B: None, 0xFEFF: None}  # type: ignore[dict-item]
_SHORTENED = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d{16,}\.0")
_WHOLE_FLOAT = re.compile(r"([+-]?\d+)\.0+")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_HOUR = re.compile(r"^(\d{4}-\d\d-\d\d[T ])(\d:)")

_YES = {"yes", "y", "true", "t", "1", "是", "有", "√", "✓"}
_NO = {"no", "n", "false", "f", "0", "否", "无", "×"}


class BadCell(ValueError):
    """A cell that cannot be used; `key` and `values` make the reason in `heating.register_words`."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def clean(text: str) -> str:
    """Return a cell without blanks around it, full-width digits and letters made half-width."""
    return text.translate(_HALF_WIDTH).strip()


def name(text: str, zone: ZoneInfo) -> str:
    """Read the name or number of a thing."""
    if _SHORTENED.fullmatch(text):
        raise BadCell("shortened")
    if not text.isprintable():
        raise BadCell("unprintable")
    if len(text) > MAX_TEXT:
        raise BadCell("too_long", limit=MAX_TEXT)
    return text


def number_name(text: str, zone: ZoneInfo) -> str:
    """Read a number that names a place: `501.0`, as spreadsheets export it, is room `501`."""
    whole = _WHOLE_FLOAT.fullmatch(text)
    return name(whole[1] if whole else text, zone)


def free_text(text: str, zone: ZoneInfo) -> str:
    """Read what people wrote, on one line."""
    return " ".join(text.split())


def whole_number(low: int, high: int) -> Parse:
    """Return a reader of whole numbers in [low, high]."""

    def parse(text: str, zone: ZoneInfo) -> int:
        value = _float(text, "integer")
        if not value.is_integer():
            raise BadCell("integer")
        return int(_inside(value, low, high))

    return parse


def number(low: float, high: float) -> Parse:
    """Return a reader of numbers in [low, high]."""

    def parse(text: str, zone: ZoneInfo) -> float:
        return _inside(_float(text, "number"), low, high)

    return parse


def yes_no(text: str, zone: ZoneInfo) -> bool:
    """Read yes or no, 是 or 否."""
    word = text.lower().removesuffix(".0")
    if word in _YES or word in _NO:
        return word in _YES
    raise BadCell("yes_no")


def choice(words: Mapping[str, StrEnum]) -> Parse:
    """Return a reader of one of some words, of which several may mean the same."""

    def parse(text: str, zone: ZoneInfo) -> StrEnum:
        try:
            return words[text.lower()]
        except KeyError:
            raise BadCell("choice", choices=", ".join(dict.fromkeys(words.values()))) from None

    return parse


def day(text: str, zone: ZoneInfo) -> date:
    """Read a date: 2026-11-01, 2026/11/1, 2026年11月1日."""
    try:
        return datetime.fromisoformat(_plain_date(text)).date()
    except ValueError:
        raise BadCell("date") from None


def instant(text: str, zone: ZoneInfo) -> datetime:
    """Read a time: RFC 3339, or local to `zone`."""
    try:
        return parse_instant(_plain_date(text), zone)
    except (ValueError, OverflowError):
        raise BadCell("instant") from None


def _plain_date(text: str) -> str:
    found = _DAY.match(text)
    if found:
        rest = text[found.end() :]
        text = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}" + (f" {rest.strip()}" if rest[:1] != "T" else rest)
    elif text.replace(".", "").isdigit() and len(text) != len("20261101"):
        raise BadCell("date")  # the bare day number of an unformatted Excel cell
    return _HOUR.sub(r"\g<1>0\2", text.strip())


def _float(text: str, wanted: str) -> float:
    try:
        value = float(unicodedata.normalize("NFKC", text))
    except ValueError:
        raise BadCell(wanted) from None
    if not math.isfinite(value) or "_" in text:
        raise BadCell(wanted)
    return value


def _inside(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise BadCell("range", low=low, high=high)
    return value
