"""Which device sat at which point from when to when: how a new register file changes that history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from heating.instants import to_ms
from heating.site import MeasurementPoint, Placement


def moved(history: Sequence[Placement], points: Sequence[MeasurementPoint], at_ms: int) -> list[Placement]:
    """Return the history after the import of a file at `at_ms` (port `Places.import_register` states the rules).

    Points and devices stand at most once in `points`: so the moves of one file do not meet each other, and their
    order does not matter.
    """
    sitting = {place.point_id: place for place in history if place.end_ms is None}
    wanted = {point.point_id: point.device_id for point in points}
    arrivals = _arrivals(history, sitting, points, at_ms)
    empty = {point_id: at_ms for point_id in sitting if wanted.get(point_id) is None}
    by_point = {**empty, **{place.point_id: place.start_ms for place in arrivals}}
    by_device = {place.device_id: place.start_ms for place in arrivals}
    left = (_cut(_cut(place, by_point, place.point_id), by_device, place.device_id) for place in history)
    return [*(place for place in left if place is not None), *arrivals]


def _arrivals(
    history: Sequence[Placement], sitting: Mapping[str, Placement], points: Sequence[MeasurementPoint], at_ms: int
) -> list[Placement]:
    """Return the placements that a file begins: a device new at its point, or since another instant than thought."""
    used = {place.point_id for place in history}
    placed = {place.device_id for place in history}
    begun = []
    for point in points:
        if point.device_id is None:
            continue
        since = None if point.since is None else to_ms(point.since)
        now = sitting.get(point.point_id)
        if now is not None and now.device_id == point.device_id:
            start = now.start_ms if since is None else since
            if start == now.start_ms:
                continue
        elif since is not None:
            start = since
        else:
            start = at_ms if point.point_id in used or point.device_id in placed else None
        begun.append(Placement(point.device_id, point.point_id, start))
    return begun


def _cut(place: Placement | None, from_ms: Mapping[str, int | None], key: str) -> Placement | None:
    """Return what is left of a placement that ends at `from_ms[key]` at the latest; None there is always."""
    if place is None or key not in from_ms:
        return place
    end = from_ms[key]
    if end is None or (place.start_ms is not None and place.start_ms >= end):
        return None
    if place.end_ms is not None and place.end_ms <= end:
        return place
    return msgspec.structs.replace(place, end_ms=end)
