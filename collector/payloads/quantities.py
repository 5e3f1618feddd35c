"""Numbers in the wrappings that makers put around them, in the units that we keep."""

from __future__ import annotations

import re
from math import isfinite

from collector.payloads.message import Reason, Unreadable, number

_NUMBER_TEXT = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?")
# Units of temperature without sign, `deg`, blanks; a value in any other unit is no temperature.
_UNIT_MARKS = re.compile(r"[°º\s]|deg(?:rees?)?")
_CELSIUS = frozenset({"", "c", "℃", "celsius", "cel", "centigrade"})
_FAHRENHEIT = frozenset({"f", "℉", "fahrenheit"})
_KELVIN = frozenset({"k", "kelvin"})


def celsius(value: float | None, unit: str) -> float | None:
    """Return °C of a value in °C, °F or K, by any of their names.

    Raises
    ------
    Unreadable
        If the unit is none of temperature.
    """
    name = _UNIT_MARKS.sub("", unit.lower())
    if value is None or name in _CELSIUS:
        return value
    if name in _FAHRENHEIT:
        return (value - 32.0) / 1.8
    if name in _KELVIN:
        return value - 273.15
    raise Unreadable(Reason.WRONG_TYPE)


def measured(value: object, unit: str = "") -> float | None:
    """Return °C of a measured temperature, bare or wrapped: as text, `{"value": 21.5, "unit": "°F"}`, `{"1": 27.2}`.

    Raises
    ------
    Unreadable
        If there is something, but no number or in no unit of temperature.
    """
    if isinstance(value, dict) and isinstance(named := value.get("unit"), str) and named.strip():
        unit = named
    return celsius(unwrapped(value), unit)


def measured_as(field: str, value: object, unit: str = "") -> float | None:
    """Return a measured value as a field of a sample: a temperature in °C, anything else in the unit it has.

    Raises
    ------
    Unreadable
        If there is something, but no number or in no unit of temperature where one belongs.
    """
    return measured(value, unit) if field.endswith("_c") else unwrapped(value)


def says_fahrenheit(unit: object) -> bool:
    """Tell whether something names °F."""
    return isinstance(unit, str) and _UNIT_MARKS.sub("", unit.lower()) in _FAHRENHEIT


def unwrapped(value: object) -> float | None:
    """Return the number of a measured value, bare or wrapped, in its own unit.

    Raises
    ------
    Unreadable
        If there is something, but no number.
    """
    if isinstance(value, dict):
        if "value" in value:
            value = value["value"]
        elif len(value) == 1:
            value = next(iter(value.values()))
    elif isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value.strip()):
        value = float(value)
    return number(value)


def finite_or_none(value: object) -> float | None:
    """Return a finite number, bare or wrapped, None for anything else: for what only accompanies a reading."""
    try:
        found = unwrapped(value)
    except Unreadable:
        return None
    return found if found is not None and isfinite(found) else None


def humidity(value: object) -> float | None:
    """Return a relative humidity that can be, None for anything else."""
    found = finite_or_none(value)
    return found if found is not None and 0.0 <= found <= 105.0 else None


def volts(value: object) -> float | None:
    """Return the voltage of a battery, in V or mV by magnitude; None where it is neither."""
    found = finite_or_none(value)
    if found is None:
        return None
    if 1000.0 <= found < 10_000.0:
        return found / 1000
    return found if 1.0 <= found <= 10.0 else None
