"""The port of the work orders: what dispatch was told to do, and did.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from heating.order import Notice, OrderEvent, WorkOrder


class OrderBook(Protocol):
    """Work orders: chain entries of kind `order` (their events) and their present state."""

    def save(
        self,
        order: WorkOrder,
        events: Sequence[OrderEvent],
        notices: Sequence[Notice],
        *,
        at: datetime,
        cursor: int | None = None,
    ) -> None:
        """Append events, project the order, fill the outbox, move the cursor of alerts; one transaction.

        The history of an order is what was appended here; to save the very same again changes nothing.
        `order` has the events applied. Alerts and people write to the same order: where the stored history is not
        the given one without `events` (another writer was faster), nothing is written and `OrderChanged` is raised.
        """
        ...

    def get(self, order_id: str) -> WorkOrder | None:
        """Return one order."""
        ...

    def covering(self, finding_ids: Sequence[str]) -> list[WorkOrder]:
        """Return the orders of any state that cover one of the findings, oldest first."""
        ...

    def unfinished(self) -> list[WorkOrder]:
        """Return the orders that are neither closed nor cancelled, oldest first."""
        ...

    def between(self, start: datetime, end: datetime) -> list[WorkOrder]:
        """Return the orders opened in [start, end)."""
        ...

    def cursor(self) -> int:
        """Return the chain seq that alerts have dealt with."""
        ...

    def set_cursor(self, seq: int) -> None:
        """Move the cursor where nothing had to be saved."""
        ...

    def next_number(self, year: int) -> int:
        """Return the next number of an order in a year, from 1, never twice."""
        ...
