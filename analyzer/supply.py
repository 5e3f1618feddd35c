"""Supply temperatures at building entries (入户供热参数, S0 四查)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from analyzer.state import last_rows
from heating.reading import ReadingSeries
from heating.site import MeasurementPoint


@dataclass(frozen=True, slots=True)
class SupplyView:
    """Supply temperatures [°C] at one instant, by building and by station."""

    buildings: Mapping[str, float]
    stations: Mapping[str, tuple[float, ...]]

    @classmethod
    def at(cls, entries: Sequence[MeasurementPoint], supply: ReadingSeries, now_ms: int, stale_ms: int) -> SupplyView:
        """Take the reading that holds at each entry point."""
        by_building: dict[str, list[float]] = defaultdict(list)
        by_station: dict[str, list[float]] = defaultdict(list)
        for point, row in zip(entries, last_rows(supply, now_ms).tolist(), strict=True):
            if row >= 0 and now_ms - int(supply.ts_ms[row]) < stale_ms:
                by_building[point.building_id].append(float(supply.value[row]))
                by_station[point.station_id].append(float(supply.value[row]))
        return cls(
            {place: fmean(values) for place, values in by_building.items()},
            {place: tuple(values) for place, values in by_station.items()},
        )

    def measured(self, place_id: str) -> float | None:
        """Return the supply temperature of a building, or the median of a station's entries."""
        if place_id in self.stations:
            return median(self.stations[place_id])
        return self.buildings.get(place_id)

    def low(self, place_id: str, gap_k: float, min_c: float) -> bool | None:
        """Tell whether the supply of a place is low beside its station's others; None where nothing is measured."""
        value = self.measured(place_id)
        if value is None:
            return None
        others = self.stations.get(place_id.split("/")[0], ())
        beside = len(others) > 1 and place_id not in self.stations and median(others) - value >= gap_k
        return beside or value < min_c
