"""The port of the findings: what was found, as the sweep wrote it and as alerts read it.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from heating.finding import Finding, FindingKind, Subject
from heating.rolled_up import RolledUp


class FindingBook(Protocol):
    """Findings: chain entries of kind `finding` and their present state."""

    def open(self) -> list[Finding]:
        """Return the findings without an end."""
        ...

    def overlapping(
        self, start: datetime, end: datetime, *, kinds: Sequence[FindingKind] | None = None
    ) -> list[Finding]:
        """Return the findings (retracted ones left out) whose interval meets [start, end)."""
        ...

    def get(self, finding_id: str) -> Finding | None:
        """Return one finding."""
        ...

    def about(self, subject: Subject) -> list[Finding]:
        """Return the findings of a place (retracted ones left out), oldest first."""
        ...

    def record(
        self,
        findings: Sequence[Finding],
        *,
        at: datetime,
        reached: int | None = None,
        rolled_up: RolledUp | None = None,
    ) -> None:
        """Append and project findings that are new or changed, in one transaction.

        With them go the `changes` seq reached and, after that news, of which time the derived rows are complete.
        """
        ...

    def reached(self) -> int:
        """Return the seq of `changes` that the last recorded sweep had reached; 0 at the beginning."""
        ...

    def rolled_up(self) -> RolledUp | None:
        """Return of which time the derived rows were complete at `reached`; None before it was ever recorded."""
        ...

    def recorded_after(self, seq: int, limit: int = 1000) -> list[tuple[int, Finding]]:
        """Return findings as recorded, with their chain seq, in order, for readers with a cursor."""
        ...
