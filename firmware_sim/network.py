"""The secondary network: supply and return water by outdoor temperature, and how flow is shared along a branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from firmware_sim.estate import Buildings
from firmware_sim.weather import Climate
from heating.reading import Floats

EXPONENT = 0.3  # b of the radiator law, textbook value used in regulations.md §3.2
INDOOR_C = 18.0  # t_n of the curve
PIPE_LOSS_K_PER_KM = 2.0  # assumption


@dataclass(frozen=True, slots=True)
class Curve:
    """Heating curve of a station with radiators (patent CN102003736A, regulations.md §3.1).

    t_g, t_h = t_n + Δt_s·Q^(1/(1+b)) ± 0.5·Δt_j·Q/G with Q = (t_n − t_w)/(t_n − t_w').
    """

    design_c: float
    supply_c: float
    return_c: float
    indoor_c: float = INDOOR_C

    @classmethod
    def of(cls, climate: Climate) -> Self:
        """Take the design figures of a climate."""
        return cls(climate.design_c, climate.supply_c, climate.return_c)

    def water(self, outdoor_c: float, flow: float = 1.0) -> tuple[float, float]:
        """Return supply and return temperature [°C] at an outdoor temperature [°C] and a flow ratio."""
        load = max((self.indoor_c - outdoor_c) / (self.indoor_c - self.design_c), 0.0)
        excess = 0.5 * (self.supply_c + self.return_c - 2 * self.indoor_c) * load ** (1 / (1 + EXPONENT))
        half = 0.5 * (self.supply_c - self.return_c) * load / flow
        return self.indoor_c + excess + half, self.indoor_c + excess - half


def flow_shares(buildings: Buildings, branches: int, rng: np.random.Generator) -> Floats:
    """Return each building's flow as a share of its design flow, float64 (B,).

    Near buildings take more than their part, the end less: 1.1 falling by 0.15…0.35 over the branch (assumption;
    regulations.md §3.3 gives 0.5…0.9 at badly balanced ends, which is left to faults).
    """
    slope = rng.uniform(0.15, 0.35, size=branches)[buildings.branch]
    return 1.1 - slope * buildings.reach + rng.normal(0.0, 0.02, size=len(buildings))


def entry_supply(buildings: Buildings, station_supply_c: Floats) -> Floats:
    """Return the supply temperature [°C] at each building's entry, float64 (B,)."""
    return station_supply_c[buildings.station] - PIPE_LOSS_K_PER_KM * buildings.distance_m / 1000
