"""What a push did, thing by thing; light to import, as everything but the push itself should be."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Change(StrEnum):
    """What a push did to one thing."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Pushed(msgspec.Struct, frozen=True):
    """One thing in Grafana and what the push did to it."""

    kind: str
    name: str
    change: Change
