"""Which buildings the page of all buildings shows: all of a small site, else the worst, or a station page by page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.homes import HomeRow
from heating.finding import Status

# Grids on one page: what a person can look over, and a browser can refresh every few seconds.
PER_PAGE = 60
_NUMBERS = re.compile(r"(\d+)")
_ASKS = frozenset({Status.COLD, Status.SUSPECT, Status.UNKNOWN})


@dataclass(frozen=True, slots=True)
class StationChip:
    """A station with its buildings and cold homes, to choose from."""

    id: str
    buildings: int
    cold: int


@dataclass(frozen=True, slots=True)
class Tiles:
    """Buildings of one page, by id; `station` is blank where all are meant, `page` counts from 1."""

    shown: Mapping[str, Sequence[HomeRow]]
    total: int
    stations: Sequence[StationChip]
    station: str
    page: int
    pages: int


def tiles(homes: Iterable[HomeRow], station: str, page: int) -> Tiles:
    """Return the buildings to show: without a station of a large site the worst ones, each on one page only."""
    by_building: dict[str, list[HomeRow]] = {}
    for row in homes:
        by_building.setdefault(row.building, []).append(row)
    meant = {b: rows for b, rows in by_building.items() if station in ("", rows[0].station)}
    pages = max(1, -(-len(meant) // PER_PAGE))
    page = min(max(page, 1), pages)
    worst = not station and pages > 1
    order = sorted(meant.items(), key=_badness if worst else _natural)
    cut = order[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Tiles(dict(cut), len(meant), _stations(by_building), station, page, pages)


def _stations(by_building: Mapping[str, Sequence[HomeRow]]) -> list[StationChip]:
    groups: dict[str, list[Sequence[HomeRow]]] = {}
    for rows in by_building.values():
        groups.setdefault(rows[0].station, []).append(rows)
    chips = [
        StationChip(station, len(group), sum(row.status is Status.COLD for rows in group for row in rows))
        for station, group in groups.items()
    ]
    return sorted(chips, key=lambda chip: natural(chip.id))


def _badness(item: tuple[str, Sequence[HomeRow]]) -> tuple[int, int, int, list[tuple[bool, int, str]]]:
    rows = item[1]
    confirmed = sum(row.confirmed for row in rows)
    cold = sum(row.status is Status.COLD for row in rows)
    return -confirmed, -cold, -sum(row.status in _ASKS for row in rows), _natural(item)


def _natural(item: tuple[str, Sequence[HomeRow]]) -> list[tuple[bool, int, str]]:
    return natural(item[0])


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key by which S2/9 comes before S10/1: numbers inside of names count as numbers."""
    parts = (part for part in _NUMBERS.split(name) if part)
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]
