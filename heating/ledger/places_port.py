"""The port of the places: the register as imported, with its history, contacts and outages.

Rules that hold for every book stand in `heating.ledger.port`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from heating.ledger.values import ImportReport
from heating.register import Register
from heating.site import Contact, MeasurementPoint, Outage


class Places(Protocol):
    """The register as imported, with the history of devices, contacts and outages."""

    def import_register(
        self,
        points: Sequence[MeasurementPoint],
        contacts: Mapping[str, Contact],
        at: datetime,
        *,
        stamp: str = "",
        site_file: bool = False,
    ) -> ImportReport:
        """Take over a register file and its moves of devices, in one transaction with an audit entry (ids only).

        A device newly at a point sits there from `since`; where that is blank, from the beginning of time if neither
        the point had a device nor the device a point before, else from `at`. From then on it sits nowhere else, and
        no other device sits there. The same device with another `since` corrects the history. Points that the file
        no longer has are retired, never deleted. Contacts that the file leaves blank are kept; corrections by hand
        stay until the file's own cells change; an erased contact stays erased while the file still has it.
        `site_file` says that the file is `site.points`, whose changes are looked for.

        Raises
        ------
        InputError
            If a point or a device stands in two rows.
        """
        ...

    def register(self) -> Register:
        """Return all points in force, by id, with the placements of all times and the retired points."""
        ...

    def stamp(self) -> str:
        """Return the stamp (digest) of the file imported last."""
        ...

    def site_stamp(self) -> str:
        """Return the stamp of `site.points` when it was imported last; blank if it never was."""
        ...

    def contact(self, point_id: str) -> Contact:
        """Return the contact of a point, blank if unknown."""
        ...

    def contacts(self) -> dict[str, Contact]:
        """Return all known contacts by point."""
        ...

    def set_contact(self, point_id: str, contact: Contact, at: datetime | None = None, *, by: str = "") -> None:
        """Correct or (blank) erase a contact; with `at` also an audit entry, which says who but not what."""
        ...

    def outages(self) -> list[Outage]:
        """Return all outages, oldest first."""
        ...

    def add_outage(self, outage: Outage, at: datetime) -> None:
        """Register an outage; also an audit entry."""
        ...

    def end_outage(self, outage_id: str, end: datetime, at: datetime) -> None:
        """End an outage; unknown ids raise `InputError`."""
        ...
