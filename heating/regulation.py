"""Regulation profiles: floors, deadlines and refund bands as dated, cited data.

A profile is a TOML file in `heating/regulations/`; another city is another file. Trust marks say where a figure comes
from: `A` text of a regulation or official page, `B` press or a re-post that quotes the rule (confirm before a
customer sees it), `house` the customer's own document.
"""

from __future__ import annotations

import tomllib
from datetime import date, time
from enum import StrEnum
from pathlib import Path

import msgspec

from heating.errors import RegulationError
from heating.site import HomeClass

FOLDER = Path(__file__).parent / "regulations"


class Trust(StrEnum):
    """How sure the text of a clause is."""

    HOUSE = "house"
    OFFICIAL = "A"
    QUOTED = "B"


class _Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict: an unknown key in a profile is an error."""


class Clause(_Data, frozen=True):
    """Where a figure is written."""

    cite: str
    trust: Trust
    source: str = ""


class FloorRule(_Data, frozen=True):
    """The floor of some classes of homes [°C], by figure or by contract.

    Attributes
    ----------
    contract
        True: the floors are the point's `contract_day_c` and `contract_night_c`.
    target_c
        What is aimed at where it is above the floor (S2 §7(1): 18 °C at night); None means the floor itself.
    """

    home_classes: tuple[HomeClass, ...]
    clause: Clause
    contract: bool = False
    day_c: float | None = None
    night_c: float | None = None
    target_c: float | None = None


class Deadline(_Data, frozen=True):
    """A clock of the service rules: what must have happened after how many minutes."""

    name: str
    minutes: int
    clause: Clause


class RefundBand(_Data, frozen=True):
    """Share of the day's fee that goes back for a deficit up to `up_to_k` [K] inclusive; None is the last band."""

    share: float
    up_to_k: float | None = None


class Refund(_Data, frozen=True):
    """When and how much of the fee goes back; `after_h` hours low and not mended come first."""

    bands: tuple[RefundBand, ...]
    clause: Clause
    after_h: float = 0.0

    def share(self, deficit_k: float) -> float:
        """Return the share for a deficit under the legal floor [K]; none for no deficit."""
        if deficit_k <= 0:
            return 0.0
        limits = (b for b in self.bands if b.up_to_k is None or deficit_k <= b.up_to_k)
        return next(limits).share


class Profile(_Data, frozen=True):
    """One rule book.

    Attributes
    ----------
    as_of
        The day on which the figures were looked up.
    day_from, day_to
        Local times: day is `day_from` ≤ t < `day_to`, everything else night.
    """

    id: str
    name: str
    name_en: str
    as_of: date
    floors: tuple[FloorRule, ...]
    note: str = ""
    in_force: date | None = None
    day_from: time = time(6)
    day_to: time = time(21)
    deadlines: tuple[Deadline, ...] = ()
    refund: Refund | None = None

    @property
    def confirmed(self) -> bool:
        """Whether every floor rests on a text that was read, not on a quotation."""
        return all(rule.clause.trust is not Trust.QUOTED for rule in self.floors)

    def floor_rule(self, home_class: HomeClass) -> FloorRule:
        """Return the rule of a class of homes."""
        return next(rule for rule in self.floors if home_class in rule.home_classes)

    def deadline(self, name: str) -> Deadline:
        """Return a deadline by name."""
        for deadline in self.deadlines:
            if deadline.name == name:
                return deadline
        raise RegulationError(f"profile {self.id!r} has no deadline {name!r}")


def known_profiles(folder: Path | None = None) -> tuple[str, ...]:
    """Return the ids of the profiles at hand."""
    return tuple(sorted(file.stem for file in (folder or FOLDER).glob("*.toml")))


def load_profile(profile_id: str, folder: Path | None = None) -> Profile:
    """Load and check one profile.

    Raises
    ------
    RegulationError
        If there is no such profile (the text names the known ones) or its file is malformed.
    """
    known = known_profiles(folder)
    if profile_id not in known:
        raise RegulationError(f"unknown regulation profile {profile_id!r}; known are {', '.join(known)}")
    file = (folder or FOLDER) / f"{profile_id}.toml"
    try:
        profile = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Profile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise RegulationError(f"{file.name}: {error}") from error
    problem = _problem(profile, profile_id)
    if problem:
        raise RegulationError(f"{file.name}: {problem}")
    return profile


def _problem(profile: Profile, profile_id: str) -> str | None:
    if profile.id != profile_id:
        return f"id is {profile.id!r}, the file says {profile_id!r}"
    if profile.day_from >= profile.day_to:
        return f"day_from {profile.day_from} is not before day_to {profile.day_to}"
    for home_class in HomeClass:
        rules = [rule for rule in profile.floors if home_class in rule.home_classes]
        if len(rules) != 1:
            return f"{home_class} has {len(rules)} floor rules, it needs one"
    for rule in profile.floors:
        if rule.contract != (rule.day_c is None) or rule.contract != (rule.night_c is None):
            return f"{'/'.join(rule.home_classes)}: give day_c and night_c, or contract = true"
    return _refund_problem(profile.refund)


def _refund_problem(refund: Refund | None) -> str | None:
    if refund is None:
        return None
    limits = [band.up_to_k for band in refund.bands]
    bounded = [limit for limit in limits if limit is not None]
    if not limits or limits[-1] is not None or len(bounded) != len(limits) - 1 or bounded != sorted(set(bounded)):
        return "refund bands must rise by up_to_k and end with one that has none"
    return None
