"""A building as people know it: floors from the top, units side by side, one cell a home. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboards.homes import HomeRow


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """One unit of a building and how many homes it has side by side."""

    unit: str
    width: int


@dataclass(frozen=True, slots=True)
class FloorRow:
    """One floor; `cells` has for each unit its homes from left to right, None where no point is."""

    floor: int | None
    cells: tuple[tuple[HomeRow | None, ...], ...]

    @property
    def bare(self) -> bool:
        """Whether no home of this floor is watched."""
        return not any(home for unit in self.cells for home in unit)


@dataclass(frozen=True, slots=True)
class BuildingGrid:
    """Floors × units."""

    units: tuple[UnitColumn, ...]
    floors: tuple[FloorRow, ...]


def building_grid(homes: Iterable[HomeRow]) -> BuildingGrid:
    """Lay the homes of one building out; homes of the same stack (501, 601 …) stand under each other.

    Floors between the lowest and the highest are shown even where no home is watched. Homes without a floor come last.
    """
    by_unit: dict[str, list[HomeRow]] = {}
    for home in homes:
        by_unit.setdefault(home.unit, []).append(home)
    units = sorted(by_unit, key=_natural)
    stacks = {unit: _stacks(by_unit[unit]) for unit in units}
    known = [h.floor for rows in by_unit.values() for h in rows if h.floor is not None]
    floors: list[int | None] = [f for f in range(max(known), min(known) - 1, -1) if f != 0] if known else []
    if any(h.floor is None for rows in by_unit.values() for h in rows):
        floors.append(None)
    return BuildingGrid(
        units=tuple(UnitColumn(unit, len(stacks[unit])) for unit in units),
        floors=tuple(FloorRow(f, tuple(_cells(by_unit[u], f, stacks[u]) for u in units)) for f in floors),
    )


def _stacks(homes: Sequence[HomeRow]) -> tuple[str, ...]:
    """Return the stacks of a unit; numbers 0, 1, 2 … where room numbers do not tell them."""
    named = [(h.floor, _stack(h.room)) for h in homes]
    if all(h.room for h in homes) and len(set(named)) == len(named):
        return tuple(sorted({stack for _, stack in named}, key=_natural))
    widest = max(sum(1 for h in homes if h.floor == floor) for floor in {h.floor for h in homes})
    return tuple(str(i) for i in range(widest))


def _cells(homes: Sequence[HomeRow], floor: int | None, stacks: Sequence[str]) -> tuple[HomeRow | None, ...]:
    here = sorted((h for h in homes if h.floor == floor), key=lambda h: _natural(h.room or h.point_id))
    by_stack = {_stack(h.room): h for h in here}
    if all(stack in stacks for stack in by_stack) and len(by_stack) == len(here):
        return tuple(by_stack.get(stack) for stack in stacks)
    return tuple(here[i] if i < len(here) else None for i in range(len(stacks)))


def _stack(room: str) -> str:
    """Return the last two signs of a room number: 501 and 1201 are of stack 01."""
    return room[-2:] if len(room) > 2 else room


def _natural(text: str) -> tuple[int, str]:
    return (int(text), text) if text.isdecimal() else (1_000_000, text)
