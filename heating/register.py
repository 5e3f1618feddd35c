"""The register of measurement points (测温点台账) as looked up by every stage (contract §3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from heating.instants import to_ms
from heating.site import MeasurementPoint, Placement


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
    def _by_device(self) -> Mapping[str, tuple[Placement, ...]]:
        table: dict[str, list[Placement]] = {}
        for placement in self.placements:
            table.setdefault(placement.device_id, []).append(placement)
        return {device: tuple(rows) for device, rows in table.items()}

    def knows(self, device_id: str) -> bool:
        """Tell whether the device ever sat at a point."""
        return device_id in self._by_device

    def point_at(self, device_id: str, ts_ms: int) -> MeasurementPoint | None:
        """Return the point where the device sat at `ts_ms`, None if it sat nowhere."""
        for placement in self._by_device.get(device_id, ()):
            if placement.holds(ts_ms):
                return self.by_id.get(placement.point_id)
        return None


def _start_ms(point: MeasurementPoint) -> int | None:
    return None if point.since is None else to_ms(point.since)
