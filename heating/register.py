"""The register of measurement points (测温点台账) as looked up by every stage (contract §3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import inf

from heating.instants import to_ms
from heating.site import MeasurementPoint, Placement

# From [ms], to (exclusive) [ms], the point.
_Stay = tuple[float, float, MeasurementPoint | None]


class Register:
    """Points in force, with the history of which device sat where.

    A device may have sat at several points one after the other; the point of a reading is where the history has the
    device at the instant of the reading. Points that the file no longer has are `retired`: not judged any more, but
    still found by id, since late readings and old findings speak of them.
    """

    def __init__(
        self,
        points: Iterable[MeasurementPoint],
        placements: Iterable[Placement],
        *,
        retired: Iterable[MeasurementPoint] = (),
    ) -> None:
        self.points: tuple[MeasurementPoint, ...] = tuple(points)
        self.placements: tuple[Placement, ...] = tuple(placements)
        self.retired: tuple[MeasurementPoint, ...] = tuple(retired)

    @classmethod
    def of_points(cls, points: Iterable[MeasurementPoint]) -> Register:
        """Build from a register file alone: each device sits at its point from `since` or the beginning of time."""
        points = tuple(points)
        return cls(points, (Placement(p.device_id, p.point_id, _start_ms(p)) for p in points if p.device_id))

    @cached_property
    def by_id(self) -> Mapping[str, MeasurementPoint]:
        """Points by id, retired ones too; `points` has those in force."""
        return {p.point_id: p for p in (*self.retired, *self.points)}

    @cached_property
    def _stays(self) -> Mapping[str, tuple[_Stay, ...]]:
        table: dict[str, list[_Stay]] = {}
        for placement in self.placements:
            table.setdefault(placement.device_id, []).append(_stay(placement, self.by_id.get(placement.point_id)))
        return {device: tuple(stays) for device, stays in table.items()}

    def knows(self, device_id: str) -> bool:
        """Tell whether the device ever sat at a point."""
        return device_id in self._stays

    def point_at(self, device_id: str, ts_ms: int) -> MeasurementPoint | None:
        """Return the point where the device sat at `ts_ms`, None if it sat nowhere."""
        # This runs for every reading that arrives.
        for start_ms, end_ms, point in self._stays.get(device_id, ()):
            if start_ms <= ts_ms < end_ms:
                return point
        return None


def _stay(placement: Placement, point: MeasurementPoint | None) -> _Stay:
    start_ms, end_ms = placement.start_ms, placement.end_ms
    return -inf if start_ms is None else start_ms, inf if end_ms is None else end_ms, point


def _start_ms(point: MeasurementPoint) -> int | None:
    return None if point.since is None else to_ms(point.since)
