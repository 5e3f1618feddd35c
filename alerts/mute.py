"""What keeps the system silent: homes that are exempt, and hours in which a receiver wants no message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from alerts.settings import Receiver
from heating.finding import Severity
from heating.order import TriggerClass, WorkOrder
from heating.site import HeatingState, MeasurementPoint, Outage, SubjectType


class Muter(Protocol):
    """Says why a breach at a point must not open an order now."""

    def muted(self, point: MeasurementPoint, now: datetime) -> str | None:
        """Return the reason, None if nothing keeps it silent."""
        ...


class ExemptHomes:
    """Homes without heating by right: suspended (S2 §5(5)), or under a registered outage or commissioning.

    The analyzer ends their findings; this holds in the minute in between.
    """

    def __init__(self, outages: Sequence[Outage]) -> None:
        self._outages = tuple(outages)

    def muted(self, point: MeasurementPoint, now: datetime) -> str | None:
        """Return `suspended` or the reason of the outage."""
        if point.heating_state is HeatingState.SUSPENDED:
            return "suspended"
        running = (o for o in self._outages if o.start <= now and (o.end is None or now < o.end))
        return next((o.reason or "outage" for o in running if stands_in(point, o.subject_type, o.subject_id)), None)


def stands_in(point: MeasurementPoint, kind: SubjectType, place_id: str) -> bool:
    """Tell whether a point stands in a place."""
    match kind:
        case SubjectType.POINT:
            return point.point_id == place_id
        case SubjectType.HOME:
            return point.home_id == place_id
        case SubjectType.RISER:
            return point.riser_id == place_id
        case SubjectType.BUILDING:
            return point.building_id == place_id
        case SubjectType.BRANCH:
            return point.branch_id == place_id
        case SubjectType.STATION:
            return point.station_id == place_id


def is_urgent(order: WorkOrder) -> bool:
    """Tell whether an order breaks quiet hours."""
    return order.severity is Severity.CRITICAL or order.trigger is TriggerClass.EMERGENCY


def quiet_until(receiver: Receiver, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the receiver's quiet hours if `now` lies in them; local [from, to), over midnight too."""
    if not receiver.quiet_from or not receiver.quiet_to:
        return None
    start, end = time.fromisoformat(receiver.quiet_from), time.fromisoformat(receiver.quiet_to)
    local = now.astimezone(zone)
    clock = local.time()
    if start <= end:
        quiet, day = start <= clock < end, local.date()
    else:
        quiet, day = clock >= start or clock < end, local.date() + timedelta(days=clock >= start)
    return datetime.combine(day, end, tzinfo=zone).astimezone(now.tzinfo) if quiet else None
