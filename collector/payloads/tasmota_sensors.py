"""Sensors in a message of Tasmota: each an object with a temperature, some with several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from collector.payloads.fields import Probes
from collector.payloads.message import Reason, Unreadable
from collector.payloads.tree import Node, text

# Temperatures of the board itself, not of the room.
_BOARD = frozenset({"ESP32", "AXP192", "AXP2101", "BL0940", "BL0942", "ENERGY"})
# Several thermistors, or one behind a multiplexer: `ANALOG.Temperature1`.
_CHANNEL = re.compile(r"Temperature\d+")


@dataclass(frozen=True, slots=True)
class Sensor:
    """One temperature, by the names that a configuration may give it; the first is the plainest."""

    names: tuple[str, ...]
    temperature: object
    node: Node

    @property
    def is_for_air(self) -> bool:
        """Tell whether it measures humidity too."""
        return "Humidity" in self.node


def chosen(tree: Node, probes: Probes) -> Mapping[str, tuple[Sensor, str]]:
    """Return which sensor measures what: as configured, else the one of the room.

    That is the only one, or the only one that measures humidity too, which is one for air.

    Raises
    ------
    Unreadable
        If there are several and nothing says which is meant.
    """
    found = [sensor for name, node in tree.items() if isinstance(node, dict) for sensor in _inside(name, node)]
    if "Temperature" in tree:  # Sonoff SC: the board is the sensor
        found.append(Sensor(("Temperature",), tree["Temperature"], tree))
    named = {s.names[0]: (s, probes[name]) for s in found for name in s.names if name in probes}
    found = [sensor for sensor in found if sensor.names[0] not in _BOARD]
    if probes:
        # A board counts its probes anew when one fails: `DS18B20-2` becomes `DS18B20`.
        if found and not named:
            raise Unreadable(Reason.AMBIGUOUS_PROBES)
        return named
    air = [sensor for sensor in found if sensor.is_for_air]
    rooms = air if len(found) > 1 and len(air) == 1 else found
    if len(rooms) > 1:
        raise Unreadable(Reason.AMBIGUOUS_PROBES)
    return {sensor.names[0]: (sensor, "temperature_c") for sensor in rooms}


def _inside(name: str, node: Node) -> Iterator[Sensor]:
    """Yield the temperatures of an object; old firmware (before 6) has objects of probes in an object of their kind."""
    if "Temperature" in node:
        yield Sensor((name, *_ids(node)), node["Temperature"], node)
    for key, value in node.items():
        if _CHANNEL.fullmatch(key):
            yield Sensor((f"{name}.{key}",), value, node)
        elif isinstance(value, dict) and "Temperature" in value:
            yield Sensor((f"{name}.{key}", *_ids(value)), value["Temperature"], value)


def _ids(node: Node) -> list[str]:
    return [found for found in (text(node, "Id"), text(node, "Address")) if found]
