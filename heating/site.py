"""Places of a heating site: station, branch, building, riser, home, measurement point (contract §3)."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class PointKind(StrEnum):
    """What a measurement point measures."""

    ROOM = "room"
    ENTRY = "entry"
    OUTDOOR = "outdoor"


class HomeClass(StrEnum):
    """How a home's floor temperature is fixed (S2 §7)."""

    APARTMENT = "apartment"
    BUNGALOW = "bungalow"
    NONRESIDENTIAL = "nonresidential"


class HeatingState(StrEnum):
    """Whether a home is heated at all (S2 §5(5)); `partial` is judged as on."""

    ON = "on"
    SUSPENDED = "suspended"
    PARTIAL = "partial"


class SubjectType(StrEnum):
    """Kinds of places that a finding, an outage or an order can be about."""

    POINT = "point"
    HOME = "home"
    RISER = "riser"
    BUILDING = "building"
    BRANCH = "branch"
    STATION = "station"


class MeasurementPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A designated measurement point (测温点): one row of the register, without personal data.

    Attributes
    ----------
    network_end
        Said by the register, else derived there (`heating.register`); True means end of the network.
    since
        From when `device_id` sits here; None as contract §3 says for a blank cell.
    """

    point_id: str
    device_id: str | None = None
    kind: PointKind = PointKind.ROOM
    station: str
    branch: str = ""
    branch_distance_m: float | None = None
    network_end: bool = False
    building: str = ""
    unit: str = ""
    riser: str = ""
    floor: int | None = None
    floors_total: int | None = None
    room: str = ""
    space: str = ""
    corner: bool | None = None
    area_m2: float | None = None
    home_class: HomeClass = HomeClass.APARTMENT
    contract_day_c: float | None = None
    contract_night_c: float | None = None
    heating_state: HeatingState = HeatingState.ON
    since: datetime | None = None
    installed_on: date | None = None
    height_m: float | None = None
    wall: str = ""

    @property
    def station_id(self) -> str:
        """Id of the heat-exchange station, `S1`."""
        return _part(self.station)

    @property
    def branch_id(self) -> str:
        """Id of the branch, `S1/B`; a station with an unnamed only branch gives `S1/`."""
        return f"{self.station_id}/{_part(self.branch)}"

    @property
    def building_id(self) -> str:
        """Id of the building, `S1/3`; blank for an outdoor point without a building."""
        return f"{self.station_id}/{_part(self.building)}" if self.building else ""

    @property
    def riser_id(self) -> str:
        """Id of the riser: (building, unit) unless the register names one, `S1/3/1`."""
        return f"{self.building_id}/{_part(self.riser or self.unit)}" if self.building else ""

    @property
    def home_id(self) -> str:
        """Id of the home, `S1/3/1/501`; without a room number each point is a home of its own."""
        if self.room:
            return f"{self.building_id}/{_part(self.unit)}/{_part(self.room)}"
        return f"{self.building_id}/{_part(self.unit)}/{_part(self.point_id)}"


class Contact(msgspec.Struct, frozen=True):
    """Personal data of a home: kept apart, correctable, erasable, masked except on orders and forms."""

    name: str = ""
    phone: str = ""
    address: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything is known."""
        return bool(self.name or self.phone or self.address)


class Placement(msgspec.Struct, frozen=True):
    """Which device sat at which point from when (inclusive) to when (exclusive).

    `start_ms` None means from the beginning of time, `end_ms` None until further notice.
    """

    device_id: str
    point_id: str
    start_ms: int | None = None
    end_ms: int | None = None

    def holds(self, ts_ms: int) -> bool:
        """Tell whether the device sat there at `ts_ms`."""
        after_start = self.start_ms is None or self.start_ms <= ts_ms
        return after_start and (self.end_ms is None or ts_ms < self.end_ms)


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A registered outage or commissioning period: homes under `place` are exempt in [start, end)."""

    outage_id: str
    subject_type: SubjectType
    subject_id: str
    start: datetime
    end: datetime | None
    reason: str


def _part(name: str) -> str:
    return name.replace("/", "%2F")
