"""Who is visited first (contract §6; S0 四查: low floors and network ends before others)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.estate import Estate
from analyzer.floors import DECIMALS
from analyzer.settings import AnalyzerSettings
from analyzer.state import States
from heating.finding import Status
from heating.reading import Bools, Floats, Ints
from heating.site import SubjectType


@dataclass(frozen=True, slots=True)
class Priority:
    """Scores and ranks of P points.

    Attributes
    ----------
    factor
        float64 (P,): what a deficit is multiplied by.
    score
        float64 (P,) [K], NaN unless cold.
    rank
        int64 (P,), from 1; 0 where the row carries none.
    low_floor, network_end
        bool (P,): what raises the score.
    """

    factor: Floats
    score: Floats
    rank: Ints
    low_floor: Bools
    network_end: Bools

    def reasons(self, index: int) -> list[str]:
        """Return the names of what raised the score of a point."""
        raised = (("low_floor", self.low_floor), ("network_end", self.network_end))
        return [name for name, mask in raised if mask[index]]


def prioritise(estate: Estate, states: States, settings: AnalyzerSettings) -> Priority:
    """Score the cold points and rank their homes.

    Of several cold points of one home the one with the largest deficit carries the rank; ranks go by confirmed, score,
    longer breach, point id.
    """
    low = estate.low_floor(settings) & (settings.weight_low_floor > 0)
    end = estate.network_end & (settings.weight_network_end > 0)
    factor = 1 + settings.weight_low_floor * low + settings.weight_network_end * end
    score = np.round(states.deficit_k * factor, DECIMALS)
    rank = np.zeros(len(score), dtype=np.int64)
    cold = np.flatnonzero(states.are(Status.COLD))
    if len(cold):
        home = estate.grouping(SubjectType.HOME).code
        unconfirmed, since, by_id = ~states.confirmed[cold], states.since_ms[cold], estate.id_order[cold]
        worst_first = np.lexsort((by_id, since, unconfirmed, -states.deficit_k[cold], home[cold]))
        homes = home[cold][worst_first]
        leads = worst_first[np.append(True, homes[1:] != homes[:-1])]
        order = np.lexsort((by_id[leads], since[leads], -score[cold][leads], unconfirmed[leads]))
        rank[cold[leads[order]]] = np.arange(1, len(leads) + 1)
    return Priority(factor, score, rank, low, end)
