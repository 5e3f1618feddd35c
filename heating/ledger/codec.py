"""How values become text of the ledger: canonical JSON, the same from the same value on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import numpy as np

from heating.instants import EPOCH

T = TypeVar("T")

# Well under what SQLite (32 766) and PostgreSQL (65 535) take as parameters of one statement.
_CHUNK = 1000

_NOT_STORABLE = {0x00: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def canonical(value: Any) -> str:
    """Return the JSON of a value: keys of mappings sorted, fields of structs in their order, no blanks."""
    return _encoder.encode(value).decode()


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(text: str) -> str:
    """Return text that databases take: NUL and lone surrogates, which devices may send, are replaced."""
    return text if text.isprintable() else text.translate(_NOT_STORABLE)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces that fit into one statement."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def ceil_ms(instant: datetime) -> int:
    """Return milliseconds since 1970, fractions rounded up: an end that loses nothing to the index."""
    return -((EPOCH - instant) // _MILLISECOND)


def unique(values: Iterable[T]) -> list[T]:
    """Return the values in their order, each once."""
    return list(dict.fromkeys(values))


def _scalar(value: Any) -> Any:
    """Let numbers that come out of arrays through."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} is no value for the ledger")


_MILLISECOND = timedelta(milliseconds=1)
_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=_scalar)
