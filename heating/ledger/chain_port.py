"""The port of the chain: what was written down can only be added to, and every change of it shows.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from heating.ledger.values import Entry, Head, Verdict


class Chain(Protocol):
    """The append-only chain itself."""

    def append(self, kind: str, subject: str, body: Any, at: datetime) -> int:
        """Append one entry (no personal data) in a transaction of its own; return its seq."""
        ...

    def entries(
        self, *, after: int = 0, kind: str | None = None, subject: str | None = None, limit: int = 1000
    ) -> list[Entry]:
        """Return entries in order."""
        ...

    def head(self) -> Head:
        """Return the last entry's seq and hash (64 zeros before the first)."""
        ...

    def verify(self) -> Verdict:
        """Recompute every hash, and compare the projections with the chain."""
        ...
