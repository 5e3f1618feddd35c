"""What people are shown of devices: clocks, gaps in the sequence of readings, devices that are in no register."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from heating.device_clock import DeviceClock
from heating.ledger.port import Journal, Stranger
from heating.register import Register
from heating.site import MeasurementPoint
from heating.unknown_devices import still_unknown

MOST = 200


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device with something wrong, and where it sits."""

    clock: DeviceClock
    point: MeasurementPoint | None


@dataclass(frozen=True, slots=True)
class DeviceStates:
    """The devices of the site.

    Attributes
    ----------
    states
        How many devices are in which state of their clock.
    missing
        Sequence numbers that never came, of all devices.
    wrong
        Those with a wrong clock, the worst first; then those with gaps. At most `MOST`, of `wrong_total`.
    unknown
        Those in no register, the one seen last first. At most `MOST`, of `unknown_total`.
    """

    states: dict[str, int]
    missing: int
    wrong: list[DeviceRow]
    wrong_total: int
    unknown: list[Stranger]
    unknown_total: int


def device_states(journal: Journal, register: Register) -> DeviceStates:
    """Return what is known of the devices of the register, and of those that are in none."""
    seats = {point.device_id: point for point in register.points if point.device_id}
    known = [record.clock for record in journal.clocks() if record.clock.device_id in seats]
    wrong = sorted((clock for clock in known if clock.wrong or clock.missing), key=_urgency)
    unknown = still_unknown(journal.strangers(), register)
    return DeviceStates(
        states=dict(Counter(clock.state.value for clock in known)),
        missing=sum(clock.missing for clock in known),
        wrong=[DeviceRow(clock, seats.get(clock.device_id)) for clock in wrong[:MOST]],
        wrong_total=len(wrong),
        unknown=unknown[:MOST],
        unknown_total=len(unknown),
    )


def _urgency(clock: DeviceClock) -> tuple[bool, float, int, str]:
    return not clock.wrong, -abs(clock.skew_s or 0.0), -clock.missing, clock.device_id
