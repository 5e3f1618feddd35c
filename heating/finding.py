"""Findings: what the analyzer says of a place over an interval, with its cause and evidence (contract §6, §7)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from heating.site import SubjectType


class Status(StrEnum):
    """State of a home at an instant (contract §6)."""

    OK = "ok"
    BELOW_TARGET = "below_target"
    COLD = "cold"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"


class FindingKind(StrEnum):
    """What was found."""

    COLD_HOME = "cold_home"
    BELOW_TARGET = "below_target"
    SILENT = "silent"
    SENSOR_STUCK = "sensor_stuck"
    SENSOR_SPIKE = "sensor_spike"
    SENSOR_OFFSET = "sensor_offset"
    WINDOW_OPEN = "window_open"
    SUPPLY_LOW = "supply_low"
    OUTAGE = "outage"
    VERTICAL_IMBALANCE = "vertical_imbalance"
    HORIZONTAL_IMBALANCE = "horizontal_imbalance"


class Severity(StrEnum):
    """Our bands: minor below 1 K under the floor, major from 1 K, critical from 4 K or under 12 °C."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Scope(StrEnum):
    """How far a cause reaches."""

    STATION = "station"
    BRANCH_END = "branch_end"
    BUILDING = "building"
    RISER = "riser"
    LOW_FLOORS = "low_floors"
    HOME = "home"
    SENSOR = "sensor"
    WINDOW = "window"


class Side(StrEnum):
    """On whose side a cause lies."""

    NETWORK = "network"
    INDOOR = "indoor"
    DATA = "data"


class Subject(msgspec.Struct, frozen=True, order=True):
    """The place that a finding is about."""

    type: SubjectType
    id: str


class Cause(msgspec.Struct, frozen=True):
    """A hint at the cause; `confidence` in 0…1."""

    scope: Scope
    side: Side
    confidence: float


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One finding over [start, end); `end` None while it lasts.

    Attributes
    ----------
    confirmed_at
        The instant from which a `cold_home` counts as confirmed; None before.
    detected_at
        The first sweep that could know; clocks of orders start here. None from files.
    parent
        Id of the finding of the shared cause that this one belongs to.
    members
        Point ids under a shared cause.
    ended_by
        Why it ended when not by warming up: `floor`, `season`, `suspended`, `outage`, `cold` (a stretch below target
        became a breach), `retired` (its point left the register), `retracted` (late data: it never was).
    evidence
        Small JSON values (numbers with unit in the name, ids, instants) that back the finding.
    """

    id: str
    kind: FindingKind
    subject: Subject
    start: datetime
    end: datetime | None = None
    confirmed: bool = False
    confirmed_at: datetime | None = None
    detected_at: datetime | None = None
    severity: Severity = Severity.MINOR
    cause: Cause | None = None
    parent: str | None = None
    members: tuple[str, ...] = ()
    ended_by: str | None = None
    evidence: dict[str, Any] = {}


def derived_id(kind: FindingKind, subject: Subject, start: datetime) -> str:
    """Return the id of a finding from kind, subject and start: the same from the same data, on any machine."""
    text = f"{kind}|{subject.type}|{subject.id}|{start.isoformat(timespec='milliseconds')}"
    return "F" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def severity_of(deficit_k: float, temperature_c: float) -> Severity:
    """Return the band of a deficit [K] under the floor at a temperature [°C] (contract §7, our bands)."""
    if deficit_k >= 4.0 or temperature_c < 12.0:
        return Severity.CRITICAL
    return Severity.MAJOR if deficit_k >= 1.0 else Severity.MINOR
