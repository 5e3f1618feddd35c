r"""Heat balance of all rooms at once: three nodes a room, per m² of floor.

::

    supply ──► water ──(radiator)──► air ──(windows, leakage)──► outdoors
                          └────────► mass ──(walls)────────────► outdoors
                                      │ └─(floors, partitions)─► the building's other homes
                                     air

The air node is fast (half an hour), the mass node slow (the time constant of the building); two time scales are what
heavy masonry needs (regulations.md §3.1). Radiators with their water are the third node: heat fades, it does not stop.
Conductances in W/(m²·K), capacities in Wh/(m²·K), temperatures in °C, time in hours; all arrays float64 (Z,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from firmware_sim.estate import Estate
from firmware_sim.network import EXPONENT, Curve
from heating.reading import Floats

STEP_H = 1 / 12
FAST_SHARE = 0.4  # of the loss, straight from the air (windows, leakage); assumption
RADIANT_SHARE = 0.4  # of the radiator's heat, to the mass; textbook
AIR_TO_MASS = 15.0  # surface exchange; textbook
AIR_CAPACITY = 8.0  # air and furniture; assumption
WATER_CAPACITY = 1.5  # radiators and their pipes; assumption
MEAN_GAIN = 3.0  # people and appliances, W/m²; assumption
SUN_GAIN = 9.0  # south rooms at noon under a clear sky, W/m²; assumption
OFF_NEIGHBOUR_C = 12.0  # a home next door whose heating is off; assumption
REFERENCE_C = 0.0  # outdoor temperature at which radiators are sized
TARGET_C = 21.4  # what an average room reaches; homes lie at 19…24 °C (regulations.md §3.1)


@dataclass(frozen=True, slots=True)
class Physics:
    """Constants of Z rooms.

    Attributes
    ----------
    loss
        Heat loss to outdoors.
    mass
        Capacity of the mass node.
    neighbour, off_neighbour
        Exchange with the building's homes, and with a neighbour whose heating is off.
    radiator
        Coefficient k of q = k·(t_water − t_air)^(1+b).
    flow
        Heat capacity of the design flow.
    sun
        1 for rooms to the south, else 0.
    target
        Air temperature that each room reaches at the reference with design flow [°C].
    """

    loss: Floats
    mass: Floats
    neighbour: Floats
    off_neighbour: Floats
    radiator: Floats
    flow: Floats
    sun: Floats
    target: Floats

    @classmethod
    def draw(cls, estate: Estate, curve: Curve, rng: np.random.Generator) -> Self:
        """Draw the constants of an estate's rooms and size their radiators to the targets."""
        rooms, z = estate.rooms, len(estate.rooms)
        old = estate.buildings.old
        per_building = np.where(old, rng.uniform(1.0, 1.25, len(old)), rng.uniform(0.55, 0.75, len(old)))
        # 30–60 h for old, 60–120 h for insulated buildings (regulations.md §3.2; the second is an assumption).
        constant_h = np.where(old, rng.uniform(30, 60, len(old)), rng.uniform(60, 120, len(old)))
        exposure = np.where(rooms.corner, 1.12, 1.0) * np.where(rooms.top | rooms.bottom, 1.125, 1.0)
        base = per_building[rooms.building]
        target = TARGET_C + rng.normal(0, 0.2, len(old))[rooms.building] + rng.normal(0, 0.25, z)
        target -= _offset(rooms.bottom, 0.3, 0.9, rng) + _offset(rooms.top, 0.3, 0.9, rng)
        target -= _offset(rooms.corner, 0.2, 0.7, rng)
        loss = base * exposure
        sun = rooms.south.astype(np.float64)
        gain = MEAN_GAIN + sun * SUN_GAIN * 0.6 * 0.21  # mean clearness × mean of the sun's daily course
        heat = loss * (target - REFERENCE_C) - gain
        supply, back = curve.water(REFERENCE_C)
        return cls(
            loss=loss,
            mass=np.maximum(constant_h[rooms.building] * base - AIR_CAPACITY, 10.0),
            # Floors and partitions, 2–2.5 W/(m²·K) on more than a square metre a square metre; assumption.
            neighbour=rng.uniform(2.0, 3.2, z),
            off_neighbour=np.where(rooms.off_neighbour, rng.uniform(0.15, 0.5, z), 0.0),
            radiator=heat / (0.5 * (supply + back) - target) ** (1 + EXPONENT),
            flow=heat / (supply - back),
            sun=sun,
            target=target,
        )


def _offset(where: np.ndarray, low: float, high: float, rng: np.random.Generator) -> Floats:
    """Return a drawn offset [K] where the position has one (spreads of regulations.md §3.3, assumptions)."""
    return np.where(where, rng.uniform(low, high, len(where)), 0.0)


@dataclass(slots=True)
class State:
    """Temperatures of the three nodes; replaced step by step."""

    air: Floats
    mass: Floats
    water: Floats

    @classmethod
    def steady(cls, physics: Physics, curve: Curve) -> Self:
        """Start from the balance at the reference; a few days of running in removes the rest."""
        supply, back = curve.water(REFERENCE_C)
        return cls(physics.target.copy(), physics.target - 0.3, np.full(len(physics.target), 0.5 * (supply + back)))


@dataclass(frozen=True, slots=True)
class Drive:
    """What acts on the rooms during a step.

    Attributes
    ----------
    outdoor_c
        Outdoor temperature [°C].
    supply
        Supply water at the building's entry [°C].
    flow
        Flow as a share of the design flow; 0 is a shut valve.
    vent
        Conductance of opened windows, zero where shut.
    gain
        Heat of people, appliances and sun [W/m²].
    around
        Air temperature of the homes next door [°C].
    """

    outdoor_c: float
    supply: Floats
    flow: Floats
    vent: Floats
    gain: Floats
    around: Floats


def step(state: State, physics: Physics, drive: Drive, hours: float = STEP_H) -> Floats:
    """Advance the state in place by `hours` (≤ 1/6); return the water temperature leaving each room [°C]."""
    air, mass, water = state.air, state.mass, state.water
    heat = physics.radiator * np.maximum(water - air, 0.0) ** (1 + EXPONENT)
    # Water cannot leave colder than the room: caps what a trickle can give.
    given = np.minimum(2 * (drive.supply - water), np.maximum(drive.supply - air, 0.0))
    back = drive.supply - given
    exchange = AIR_TO_MASS * (air - mass)
    state.water = water + hours / WATER_CAPACITY * (physics.flow * drive.flow * given - heat)
    to_air = (1 - RADIANT_SHARE) * heat + drive.gain - exchange
    to_air -= (FAST_SHARE * physics.loss + drive.vent) * (air - drive.outdoor_c)
    to_mass = RADIANT_SHARE * heat + exchange - (1 - FAST_SHARE) * physics.loss * (mass - drive.outdoor_c)
    to_mass += physics.neighbour * (drive.around - mass) + physics.off_neighbour * (OFF_NEIGHBOUR_C - mass)
    state.air = air + hours / AIR_CAPACITY * to_air
    state.mass = mass + hours / physics.mass * to_mass
    return back
