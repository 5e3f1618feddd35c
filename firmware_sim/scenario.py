"""Scenarios: strict TOML files that say what happens in a simulated estate.

Times count in hours from the scenario's *now*: negative lies in the history. A live run puts that instant at its
start; files put it `history_h` after their beginning.
"""

from __future__ import annotations

from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from firmware_sim.faults import FaultSpec
from firmware_sim.layout import EstateMix
from firmware_sim.weather import CLIMATES, WeatherSpec
from heating.errors import InputError
from heating.instants import parse_instant


class NodeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sensor nodes behave; defaults as the Weifang deployment (regulations.md §2)."""

    sample_min: Annotated[float, msgspec.Meta(ge=1, le=240)] = 20.0
    upload_min: Annotated[float, msgspec.Meta(ge=1, le=1440)] = 60.0
    noise_k: Annotated[float, msgspec.Meta(ge=0)] = 0.07
    offset_k: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    quantum_k: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    readings_per_packet: Annotated[int, msgspec.Meta(ge=1, le=64)] = 3
    keep_readings: Annotated[int, msgspec.Meta(ge=1)] = 1008


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One scenario.

    Attributes
    ----------
    start
        Beginning of the files where the command names none; local to `timezone`.
    days
        Length of the files [d].
    history_h
        Hours before the scenario's now.
    """

    name: str
    description: str
    timezone: str = "Asia/Shanghai"
    start: str = "2027-01-11T00:00"
    days: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    history_h: Annotated[float, msgspec.Meta(ge=0)] = 24.0
    estate: EstateMix = EstateMix()
    nodes: NodeSpec = NodeSpec()
    weather: WeatherSpec = WeatherSpec()
    faults: tuple[FaultSpec, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the estate."""
        return ZoneInfo(self.timezone)

    def default_start(self) -> datetime:
        """Return `start` as an instant."""
        return parse_instant(self.start, self.zone)


def scenario_names() -> tuple[str, ...]:
    """Return the names of the scenarios that come with heatwatch."""
    folder = resources.files("firmware_sim").joinpath("scenarios")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_scenario(name_or_file: str) -> Scenario:
    """Load a scenario by name, or from a TOML file.

    Raises
    ------
    InputError
        If there is none, or a key or value in it is wrong; one line that names it.
    """
    if name_or_file in scenario_names():
        entry = resources.files("firmware_sim").joinpath("scenarios", f"{name_or_file}.toml")
        return _decode(entry.read_bytes(), name_or_file)
    path = Path(name_or_file)
    if not path.is_file():
        raise InputError(f"scenario {name_or_file!r}: no such file; built in are {', '.join(scenario_names())}")
    return _decode(path.read_bytes(), name_or_file)


def _decode(raw: bytes, source: str) -> Scenario:
    try:
        scenario = msgspec.toml.decode(raw, type=Scenario)
        _ = scenario.zone, scenario.default_start()
    except (msgspec.DecodeError, ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise InputError(f"scenario {source!r}: {error}") from error
    if scenario.weather.climate not in CLIMATES:
        known = ", ".join(CLIMATES)
        raise InputError(f"scenario {source!r}: climate {scenario.weather.climate!r}; known are {known}")
    return scenario
