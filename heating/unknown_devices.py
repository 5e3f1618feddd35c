"""Devices that send and are in no register, and how an id of a server is found in the register."""

from __future__ import annotations

from collections.abc import Iterable

from heating.ledger.values import Stranger
from heating.register import Register

_EUI_DIGITS = 16


def as_registered(device_id: str, register: Register) -> str:
    """Return an EUI in the case in which the register has it: labels and servers differ. Other ids stay."""
    if len(device_id) == _EUI_DIGITS and not register.knows(device_id):
        for spelled in (device_id.lower(), device_id.upper()):
            if register.knows(spelled):
                return spelled
    return device_id


def still_unknown(seen: Iterable[Stranger], register: Register) -> list[Stranger]:
    """Return those that the register does not know by now, in order."""
    return [one for one in seen if not register.knows(as_registered(one.device_id, register))]
