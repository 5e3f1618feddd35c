"""The room points of a site with their places as arrays, made once for many judgements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analyzer.exemption import place_id
from analyzer.settings import AnalyzerSettings
from heating.reading import Bools, Ints
from heating.register import Register
from heating.site import MeasurementPoint, PointKind, SubjectType

# Fewer storeys have no "low floors" (contract §6).
STOREYS_WITH_LOW_FLOORS = 3


@dataclass(frozen=True, slots=True)
class Grouping:
    """Places of one kind: `ids` of G places and for each point the index of its own, int64 (P,)."""

    ids: tuple[str, ...]
    code: Ints

    @classmethod
    def of(cls, names: Sequence[str]) -> Grouping:
        """Give the names numbers in order of first appearance."""
        numbers: dict[str, int] = {}
        code = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), np.int64, len(names))
        return cls(tuple(numbers), code)


class Estate:
    """P room points and E entry points, with their places."""

    def __init__(self, register: Register) -> None:
        self.rooms: tuple[MeasurementPoint, ...] = tuple(p for p in register.points if p.kind is PointKind.ROOM)
        self.entries: tuple[MeasurementPoint, ...] = tuple(p for p in register.points if p.kind is PointKind.ENTRY)
        self._by_kind: dict[SubjectType, Grouping] = {}

    def __len__(self) -> int:
        """Return P."""
        return len(self.rooms)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of the room points."""
        return tuple(p.point_id for p in self.rooms)

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each room point by its id."""
        return {point_id: index for index, point_id in enumerate(self.ids)}

    @cached_property
    def id_order(self) -> Ints:
        """Place of each point in the order of ids, int64 (P,)."""
        order = np.empty(len(self), dtype=np.int64)
        order[sorted(range(len(self)), key=self.ids.__getitem__)] = np.arange(len(self))
        return order

    @cached_property
    def network_end(self) -> Bools:
        """Points at the end of the network, bool (P,)."""
        return np.array([p.network_end for p in self.rooms], dtype=np.bool_)

    def low_floor(self, settings: AnalyzerSettings) -> Bools:
        """Points on low floors of buildings that have any, bool (P,) (S0 四查, contract §6)."""
        return np.array([_is_low(p, settings.low_floors) for p in self.rooms], dtype=np.bool_)

    def grouping(self, kind: SubjectType) -> Grouping:
        """Return the places of a kind."""
        if kind not in self._by_kind:
            self._by_kind[kind] = Grouping.of([place_id(p, kind) for p in self.rooms])
        return self._by_kind[kind]

    @cached_property
    def home_leads(self) -> Ints:
        """Index of the first point of each home, int64 (H,), in the order of the homes' grouping."""
        return np.unique(self.grouping(SubjectType.HOME).code, return_index=True)[1]

    def of_homes(self, kind: SubjectType) -> Grouping:
        """Return the places of a kind with the code of each home, int64 (H,)."""
        grouping = self.grouping(kind)
        return Grouping(grouping.ids, grouping.code[self.home_leads])


def _is_low(point: MeasurementPoint, low_floors: int) -> bool:
    if point.floor is None or point.floor > low_floors:
        return False
    return point.floors_total is None or point.floors_total >= STOREYS_WITH_LOW_FLOORS
