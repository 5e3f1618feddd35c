"""Signed readings taken by an inspector at a home (测温记录): pure, no I/O (S2 §8).

A record is never changed; a correction is a new record that names the old one. It holds ids only: no resident's name,
telephone or address.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

# Hand-held against sensor: more than this asks for a look at the sensor (our limit, an assumption).
OFFSET_LIMIT_K = 0.5


class Outcome(StrEnum):
    """How a visit ended."""

    MEASURED = "measured"
    NOT_AT_HOME = "not_at_home"
    REFUSED = "refused"


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hand-held thermometer."""

    number: str
    calibrated_on: date | None = None


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How an official reading is taken; defaults: Tianjin 2024 for the height, Yantai 2023 for the wait."""

    height_m: float = 1.2
    height_tolerance_m: float = 0.1
    closed_min: float = 30.0


class InspectionRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit to a measurement point.

    Attributes
    ----------
    temperature_c
        Hand-held reading at the room's centre [°C].
    sensor_c
        What the sensor at the point held at `measured_at` [°C].
    closed_min
        Minutes for which doors and windows had been closed.
    opinion
        What the resident says of the heating, without names or numbers.
    corrects
        Id of the record that this one replaces, with `correction_reason`.
    """

    id: str = ""
    point_id: Annotated[str, Meta(min_length=1)]
    inspector: str = ""
    arrived_at: datetime
    outcome: Outcome = Outcome.MEASURED
    measured_at: datetime | None = None
    temperature_c: Annotated[float, Meta(ge=-30.0, le=60.0)] | None = None
    sensor_c: float | None = None
    outdoor_c: float | None = None
    height_m: float | None = None
    closed_min: float | None = None
    instrument: Instrument | None = None
    resident_signed: bool = False
    inspector_signed: bool = False
    opinion: Annotated[str, Meta(max_length=2000)] = ""
    remarks: Annotated[str, Meta(max_length=2000)] = ""
    corrects: str | None = None
    correction_reason: str = ""

    @property
    def offset_k(self) -> float | None:
        """Sensor minus hand-held [K]."""
        if self.temperature_c is None or self.sensor_c is None:
            return None
        return self.sensor_c - self.temperature_c


def shortcomings(record: InspectionRecord, conditions: Conditions) -> tuple[str, ...]:
    """Return why a measured record does not count as evidence; none for a visit without a measurement.

    `unsigned` S2 §8(7); the others are the conditions of an official reading.
    """
    if record.outcome is not Outcome.MEASURED:
        return ()
    high = record.height_m
    checks = (
        ("no_temperature", record.temperature_c is None or record.measured_at is None),
        ("unsigned", not (record.resident_signed and record.inspector_signed)),
        ("height", high is None or abs(high - conditions.height_m) > conditions.height_tolerance_m + 1e-9),
        ("not_closed", record.closed_min is None or record.closed_min < conditions.closed_min),
        ("instrument", record.instrument is None or record.instrument.calibrated_on is None),
    )
    return tuple(word for word, short in checks if short)
