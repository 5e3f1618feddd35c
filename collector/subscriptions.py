"""The list of topic filters that the broker's session holds, kept over restarts.

A session that the broker kept still has the filters of an earlier configuration; only who remembers them can
unsubscribe them.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)


class Remembered:
    """The list in a file of the state folder; without a folder nothing is remembered."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder) / "subscriptions.json" if folder else None

    def load(self) -> frozenset[str]:
        """Return the filters saved last, none if unknown."""
        if self._file is None:
            return frozenset()
        try:
            return frozenset(msgspec.json.decode(self._file.read_bytes(), type=list[str]))
        except (OSError, msgspec.DecodeError):
            return frozenset()

    def save(self, filters: frozenset[str]) -> None:
        """Keep the filters; a failure costs only that stale ones stay subscribed."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(".new")
            draft.write_bytes(msgspec.json.encode(sorted(filters)))
            os.replace(draft, self._file)
        except OSError as problem:
            log.warning("subscriptions not remembered reason=%s", problem)
