"""The port of the outbox: notices on their way to people.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from heating.order import Notice


class Outbox(Protocol):
    """Notices waiting for delivery."""

    def due(self, now: datetime, limit: int = 100, *, receiver: str | None = None) -> list[Notice]:
        """Return undelivered notices whose next try is due, oldest first; of one receiver or of all."""
        ...

    def put(self, notices: Sequence[Notice], *, at: datetime, instead_of: Sequence[str] = ()) -> None:
        """Add notices that belong to no order, and mark those that they stand for as done; one transaction.

        A notice whose id is known already, delivered or not, is left as it is. A digest of a flood is put
        `instead_of` the notices that it lists.
        """
        ...

    def delivered(self, notice_id: str, at: datetime) -> None:
        """Record success: it is never sent again."""
        ...

    def failed(self, notice_id: str, at: datetime, *, next_try: datetime | None, error: str) -> None:
        """Record a failure; `next_try` None gives up for good."""
        ...

    def waiting(self) -> int:
        """Return how many are not delivered and not given up."""
        ...
