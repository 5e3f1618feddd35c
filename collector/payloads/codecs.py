"""What payload codecs call things, and the signs of a probe that is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from collector.payloads.fields import LOW_BATTERY, Probes, low_battery, measures
from collector.payloads.message import Reason, Sample, Unreadable
from collector.payloads.quantities import finite_or_none, humidity, measured, measured_as, says_fahrenheit, volts
from collector.payloads.tree import Node, child

# Names in lower case without punctuation, so that TempC_SHT, tempC_sht and temp-c-sht are one; the first one counts.
# Milesight, Dragino, Elsys, Netvox, MClimate, Decentlab, Cayenne LPP, The Things Stack's normalized payload.
_TEMPERATURE = (
    "temperature",
    "temperaturec",
    "temperaturecelsius",
    "tempcsht",
    "tempcsht31",
    "temp",
    "tempc",
    "airtemperature",
    "ambienttemperature",
    "roomtemperature",
    "indoortemperature",
    "internaltemperature",
    "sensortemperature",
    "temperaturesensor",
    "tempsht",
)
# Some mean the value by these, some what their display shows: where it says °F, the configuration has to tell.
_UNITS = ("temperatureunit", "tempunit", "unit")
_FAHRENHEIT = ("temperaturef", "temperaturefahrenheit", "tempf", "tempfsht")
_NUMBERED = re.compile(r"(?:temperature|tempc|temp)(\d{1,3})")
# Temperatures that are none of a room: of the board itself, limits, settings.
_NO_ROOM = re.compile(
    r"mcu|chip|cpu|board|device|alarm|alert|thresh|limit|min|max|set|target|unit|calib|offset|status|delta"
)
_HUMIDITY = (
    "humidity",
    "humiditypct",
    "humsht",
    "humsht31",
    "relativehumidity",
    "airhumidity",
    "humiditysensor",
    "rh",
    "hum",
    "humi",
)
_NUMBERED_HUMIDITY = re.compile(r"(?:relativehumidity|humidity|hum)(\d{1,3})")
_VOLTS = ("batv", "batteryv", "batteryvoltage", "batvoltage", "battvolt", "vbat", "vdd", "volt", "voltage", "bat")
# Where codecs put the values when not on top.
_INNER = ("data", "measures", "measurements", "payload", "air")
_PUNCTUATION = re.compile(r"[^0-9a-z]")

# What a probe says that is not there or was never converted: 0x7FFF in hundredths and tenths, a DS18B20 without answer.
_ABSENT = frozenset({327.67, 3276.7, -327.68, -3276.8, 6553.5, 655.35, -127.0})
# A DS18B20 that was not asked to convert says 85 (its data sheet: power-on value of the register).
_POWER_ON_C = 85.0
_LOW_STATUS = frozenset({"low", "ultra low", "ultralow"})


def codec_sample(node: Node, probes: Probes, unit: str = "") -> Sample | None:
    """Return the sample in an object that a payload codec made, None where it has no temperature.

    With `probes`, the names given there decide; without, the usual names for temperature and humidity.

    Raises
    ------
    Unreadable
        If a temperature is no number or of an uncertain unit, or there are several and nothing says which is meant.
    """
    named = _named(node)
    sample = Sample(humidity_pct=humidity(_first(named, _HUMIDITY, _NUMBERED_HUMIDITY)), battery_v=_battery_v(named))
    sample.quality = _battery_mark(named)
    if probes:
        by_name = _by_path(node)
        found = {name: measured_as(field, by_name.get(name.lower()), unit) for name, field in probes.items()}
        take_probes(sample, found, probes)
    else:
        sample.temperature_c = _temperature(named, unit)
    return sample if measures(sample) else None


def take_probes(sample: Sample, found: Mapping[str, float | None], probes: Probes) -> None:
    """Give a sample what its probes measured; a probe that is not there costs the others nothing.

    Raises
    ------
    Unreadable
        If every probe says that it is not there, so that somebody hears of it.
    """
    there = {name: value for name, value in found.items() if not _no_probe(name, value)}
    if not there and any(value is not None for value in found.values()):
        raise Unreadable(Reason.NO_VALUE)
    for name, value in there.items():
        setattr(sample, probes[name], value)


def says_battery(node: Node) -> bool:
    """Tell whether a codec says anything of the battery."""
    return any(name.startswith(("bat", "vbat", "vdd")) for name in _named(node))


def power_on(name: str, value: float | None) -> bool:
    """Tell whether a DS18B20 says what it says before its first conversion."""
    return value == _POWER_ON_C and "ds" in name.lower()


def _no_probe(name: str, value: float | None) -> bool:
    return value is None or round(value, 2) in _ABSENT or power_on(name, value)


def _by_path(node: Node) -> Node:
    """Return the values by their names as a configuration gives them: `TempC_DS`, of an inner object `data.TempC_DS`.

    What stands in an object of values counts by its own name too, as where nothing is configured.
    """
    found: Node = {}
    for name, value in node.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}".lower(): each for inner, each in value.items()}
    for part in _INNER:
        found |= {name.lower(): value for name, value in child(node, part).items()}
    return found | {name.lower(): value for name, value in node.items()}


def _named(node: Node) -> Node:
    """Return the values by their plain names, those of an inner object included."""
    inner = {_plain(key): value for part in _INNER for key, value in child(node, part).items()}
    return inner | {_plain(key): value for key, value in node.items()}


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower())


def _temperature(named: Node, unit: str) -> float | None:
    found = _first(named, _TEMPERATURE)
    if found is not None and not unit and any(says_fahrenheit(named.get(name)) for name in _UNITS):
        raise Unreadable(Reason.WRONG_TYPE)
    if found is None and (fahrenheit := _first(named, _FAHRENHEIT)) is not None:
        return measured(fahrenheit, "F")
    if found is None and (found := _only_numbered(named)) is None and _of_another_name(named):
        raise Unreadable(Reason.AMBIGUOUS_PROBES)
    if isinstance(found, dict) and len(found) > 1 and all(name.isdecimal() for name in found):
        raise Unreadable(Reason.AMBIGUOUS_PROBES)  # ChirpStack's Cayenne LPP: temperatures by channel
    return measured(found, unit)


def _only_numbered(named: Node) -> object:
    """Return the temperature of the only channel that has one: `temperature_1` (Cayenne LPP), `TempC1`."""
    numbered = {name: value for name, value in named.items() if _NUMBERED.fullmatch(name) and value is not None}
    there = {name: value for name, value in numbered.items() if not _no_probe(name, measured(value))}
    if len(there) > 1:
        raise Unreadable(Reason.AMBIGUOUS_PROBES)
    return next(iter((there or numbered).values()), None)


def _of_another_name(named: Node) -> bool:
    """Tell whether there is a temperature whose name we do not know: somebody has to say by `probes` what it is."""
    return any(
        "temp" in name and isinstance(value, int | float) and not isinstance(value, bool) and not _NO_ROOM.search(name)
        for name, value in named.items()
    )


def _first(named: Node, names: tuple[str, ...], numbered: re.Pattern[str] | None = None) -> Any:
    """Return the first value under a known name; a list of several values is none."""
    for name in names:
        value = named.get(name)
        if value is not None and not (isinstance(value, list) and len(value) != 1):
            return value
    return next((v for name, v in named.items() if numbered and numbered.fullmatch(name)), None)


def _battery_v(named: Node) -> float | None:
    for name in _VOLTS:
        if name in named:
            return volts(named[name])
    return volts(named.get("battery")) if _is_voltage(named.get("battery")) else None


def _is_voltage(value: object) -> bool:
    """Tell volts from percent under a name that serves both: percents of a charge are whole numbers up to 100."""
    found = finite_or_none(value)
    return found is not None and (found > 100.0 or (1.0 < found < 10.0 and found != int(found)))


def _battery_mark(named: Node) -> int:
    status = named.get("batstatus")
    if isinstance(status, str):
        return LOW_BATTERY if status.strip().lower() in _LOW_STATUS else 0
    if isinstance(status, (int, float)):
        return LOW_BATTERY if status <= 1 else 0
    charge = next((named[name] for name in ("batterylevel", "batterypercent", "battery") if name in named), None)
    return 0 if _is_voltage(charge) else low_battery(charge)
