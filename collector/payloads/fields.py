"""What the decoders of all device families share: marks, probes, and what makes a sample one."""

from __future__ import annotations

from collections.abc import Mapping

from collector.payloads.message import Sample, number_or_none
from heating.reading import Quality

LOW_BATTERY = int(Quality.LOW_BATTERY)
REPLAYED = int(Quality.REPLAYED)
# Percent of charge at which we call a battery low: assumption, since families differ.
_LOW_PCT = 10.0
Probes = Mapping[str, str]


def low_battery(percent: object) -> int:
    """Return the mark of a battery that is nearly empty."""
    charge = number_or_none(percent)
    return LOW_BATTERY if charge is not None and charge <= _LOW_PCT else 0


def measures(sample: Sample) -> bool:
    """Tell whether a sample has any quantity that a point could want."""
    quantities = (sample.temperature_c, sample.supply_c, sample.return_c, sample.flow_m3h)
    return any(value is not None for value in quantities)
