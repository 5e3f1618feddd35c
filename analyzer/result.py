"""What one pass says, in the words of contract §7."""

from __future__ import annotations

from datetime import datetime

import msgspec

from heating.finding import Finding, Status


class HomeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One room point at the end of the pass; temperatures in °C, differences in K."""

    point_id: str
    home: str
    status: Status
    confirmed: bool
    temperature_c: float | None
    measured_at: datetime | None
    window: str
    floor_c: float | None
    target_c: float | None
    deficit_k: float | None
    since: datetime | None
    legal_status: Status
    rank: int | None
    score: float | None
    reasons: list[str]
    why: str | None


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one pass over [start, to]."""

    schema: int = 1
    start: datetime = msgspec.field(name="from")
    to: datetime
    profile: str
    legal: str
    homes: list[HomeRow]
    findings: list[Finding]
