"""What the rows of a register must satisfy, alone and together, and what is derived from all of them (contract §3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from heating.site import HomeClass, PointKind

# Point ids of the template's example row, by language.
EXAMPLE_IDS = frozenset({"EXAMPLE-1", "示例-1"})
# A distance that equals the fraction in decimal must not fail by the last bit of its float.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is wrong or odd at a column; `key` and `values` make the words in `heating.register_words`."""

    column: str
    key: str
    values: dict[str, object]


@dataclass(slots=True)
class Draft:
    """A row on its way to a point: what was written, what was understood, what is wrong or odd."""

    line: int
    written: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Doubt] = field(default_factory=list)
    notes: list[Doubt] = field(default_factory=list)

    def problem(self, column: str, key: str, **values: object) -> None:
        """Record what is wrong."""
        self.problems.append(Doubt(column, key, values))

    def note(self, column: str, key: str, **values: object) -> None:
        """Record what is odd."""
        self.notes.append(Doubt(column, key, values))

    def blank(self, column: str) -> bool:
        """Tell whether a cell was left blank (a bad one was not)."""
        return column not in self.written

    @property
    def kind(self) -> PointKind:
        """What the point measures."""
        return PointKind(self.values.get("kind", PointKind.ROOM))

    @property
    def home_class(self) -> HomeClass:
        """Class of the home."""
        return HomeClass(self.values.get("home_class", HomeClass.APARTMENT))

    @property
    def station(self) -> str:
        """Station, blank if unreadable."""
        return str(self.values.get("station", ""))

    @property
    def branch(self) -> tuple[str, str]:
        """Station and branch."""
        return self.station, str(self.values.get("branch", ""))

    @property
    def building(self) -> tuple[str, str]:
        """Station and building."""
        return self.station, str(self.values.get("building", ""))

    @property
    def home(self) -> tuple[str, ...]:
        """Station, building, unit and room."""
        return (*self.building, str(self.values.get("unit", "")), str(self.values.get("room", "")))


def check_alone(draft: Draft) -> None:
    """Find what a row lacks by itself."""
    for column in ("point_id", "station"):
        if draft.blank(column):
            draft.problem(column, "required")
    if draft.kind is not PointKind.OUTDOOR and draft.blank("building"):
        draft.problem("building", "building_needed")
    unread = {"kind", "home_class"} & draft.written.keys() - draft.values.keys()
    if draft.kind is not PointKind.ROOM or unread:
        return
    if draft.home_class is HomeClass.APARTMENT and draft.blank("floor"):
        draft.problem("floor", "floor_needed")
    if draft.home_class is not HomeClass.APARTMENT and draft.blank("contract_day_c"):
        draft.problem("contract_day_c", "contract_needed")


def check_together(drafts: Iterable[Draft]) -> None:
    """Find ids that stand twice; the first row keeps them."""
    for column in ("point_id", "device_id"):
        first: dict[str, int] = {}
        for draft in drafts:
            text = draft.values.get(column)
            if text is None:
                continue
            if text in first:
                draft.problem(column, "duplicate", line=first[text])
            first.setdefault(text, draft.line)


def fill_branches(drafts: Sequence[Draft]) -> None:
    """Put the only branch of the building or station where the branch is blank; ask where there are several."""
    of_station: dict[str, set[str]] = defaultdict(set)
    of_building: dict[tuple[str, str], set[str]] = defaultdict(set)
    indoors = [draft for draft in drafts if draft.kind is not PointKind.OUTDOOR]
    for draft in indoors:
        if branch := draft.values.get("branch"):
            of_station[draft.station].add(branch)
            of_building[draft.building].add(branch)
    for draft in indoors:
        if not draft.blank("branch") or not of_station[draft.station]:
            continue
        near, all_of_station = of_building[draft.building], of_station[draft.station]
        only = next((names for names in (near, all_of_station) if len(names) == 1), None)
        if only:
            (draft.values["branch"],) = only
        else:
            draft.problem("branch", "branch_needed", station=draft.station, branches=", ".join(sorted(all_of_station)))


def find_network_ends(drafts: Iterable[Draft], fraction: float) -> None:
    """Mark the ends of the network: distance ≥ `fraction` × the largest on the branch; a written yes or no wins.

    None where all stand at one distance or it is unknown.
    """
    branches: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.kind is not PointKind.OUTDOOR and "branch_distance_m" in draft.values:
            branches[draft.branch].append(draft)
    for members in branches.values():
        distances = [draft.values["branch_distance_m"] for draft in members]
        if min(distances) == max(distances):
            continue
        limit = fraction * max(distances) * (1 - _HAIR)
        for draft, distance in zip(members, distances, strict=True):
            draft.values.setdefault("network_end", distance >= limit)


def note_doubts(drafts: Iterable[Draft]) -> None:
    """Note what is odd: the template's example, a floor above the top, rows of one place that differ."""
    buildings: dict[tuple[str, str], Draft] = {}
    homes: dict[tuple[str, ...], Draft] = {}
    for draft in drafts:
        if draft.values.get("point_id") in EXAMPLE_IDS:
            draft.note("point_id", "example")
        floor, top = draft.values.get("floor"), draft.values.get("floors_total")
        if floor is not None and top is not None and floor > top:
            draft.note("floor", "above_top", floors_total=top)
        if "branch_distance_m" in draft.values and "building" in draft.values:
            _note_distance(draft, buildings.setdefault(draft.building, draft))
        if draft.kind is PointKind.ROOM and "room" in draft.values:
            other = homes.setdefault(draft.home, draft)
            if other.home_class is not draft.home_class:
                draft.note("home_class", "class_differs", line=other.line)


def _note_distance(draft: Draft, other: Draft) -> None:
    known = other.values["branch_distance_m"]
    if draft.values["branch_distance_m"] != known:
        draft.note("branch_distance_m", "distance_differs", line=other.line, other=known)
