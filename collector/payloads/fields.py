"""Finding temperatures in what strangers call them: names, units, probes, signs of a missing probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.payloads.message import Reason, Sample, Unreadable, number, number_or_none
from collector.payloads.tree import Node
from heating.reading import Quality

# Keys of decoded LoRaWAN payloads, in lower case: Milesight, Dragino, Elsys, Cayenne LPP and plain names.
_TEMPERATURE = ("temperature", "temperature_c", "tempc_sht", "temp", "tempc", "air_temperature", "temperaturesensor")
_HUMIDITY = ("humidity", "humidity_pct", "hum_sht", "rh", "air_humidity", "relativehumidity", "humiditysensor")
_BATTERY_V = ("batv", "battery_v", "battery_voltage", "vbat")

LOW_BATTERY = int(Quality.LOW_BATTERY)
REPLAYED = int(Quality.REPLAYED)
# Percent of charge at which we call a battery low: assumption, since families differ.
_LOW_PCT = 10.0
# What Dragino devices send for a probe that is not there (0x7FFF / 100), and a DS18B20 after power-up never converted.
_NO_PROBE_C = 327.67

Probes = Mapping[str, str]


def celsius(value: float | None, unit: str) -> float | None:
    """Return °C of a value in °C or °F."""
    if value is None or unit.upper() != "F":
        return value
    return (value - 32.0) / 1.8


def probe(value: object) -> float | None:
    """Return what a probe measured, None where it says that it is not there."""
    measured = number(value)
    return None if measured is not None and abs(measured - _NO_PROBE_C) < 1e-6 else measured


def low_battery(percent: object) -> int:
    """Return the mark of a battery that is nearly empty."""
    charge = number_or_none(percent)
    return LOW_BATTERY if charge is not None and charge <= _LOW_PCT else 0


def named_sample(node: Node, probes: Probes) -> Sample | None:
    """Return the sample in a flat object of a decoded payload, None where it has no temperature.

    With `probes`, the names given there decide; without, the usual names for temperature and humidity.

    Raises
    ------
    Unreadable
        If a temperature is no number.
    """
    keys = {key.lower(): value for key, value in node.items()}
    sample = Sample(
        temperature_c=None if probes else _first(keys, _TEMPERATURE),
        humidity_pct=number_or_none(_plain(next((keys[k] for k in _HUMIDITY if k in keys), None))),
        battery_v=number_or_none(next((keys[k] for k in _BATTERY_V if k in keys), None)),
        quality=low_battery(keys.get("battery")),
    )
    for name, quantity in probes.items():
        if name.lower() in keys:
            setattr(sample, quantity, probe(_plain(keys[name.lower()])))
    return sample if measures(sample) else None


def measures(sample: Sample) -> bool:
    """Tell whether a sample has any quantity that a point could want."""
    quantities = (sample.temperature_c, sample.supply_c, sample.return_c, sample.flow_m3h)
    return any(value is not None for value in quantities)


def _first(keys: Node, names: tuple[str, ...]) -> float | None:
    for name in names:
        if name in keys:
            value = _plain(keys[name])
            if isinstance(value, (dict, list)):
                raise Unreadable(Reason.WRONG_TYPE)
            return number(value)
    return None


def _plain(value: Any) -> Any:
    """Return the value of a channel where a codec numbers its channels: `{"1": 27.2}` (Cayenne LPP)."""
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.values()))
    return value
