"""Tables of figures, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import msgspec
from rich.progress import Progress

Cell = str | float | int | None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison, measured in one run; `sizes` says of how much, `notes` what to know when reading it."""

    title: str
    sizes: str
    header: list[str]
    rows: list[list[Cell]]
    notes: list[str] = []

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [f"### {self.title}", "", self.sizes, "", _line(self.header), _line(["---"] * len(self.header))]
        lines += [_line([shown(cell) for cell in row]) for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]).rstrip() + "\n"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run measured."""

    machine: dict[str, str]
    tables: list[Table]

    def markdown(self) -> str:
        """Return machine and tables as Markdown."""
        machine = "\n".join(f"- {name}: {value}" for name, value in self.machine.items())
        return "\n".join([machine + "\n", *(table.markdown() for table in self.tables)])


class Steps:
    """The progress bar: every measured step moves it by one."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=0)

    def expect(self, steps: int) -> None:
        """Say that so many more steps will come."""
        task = self._progress.tasks[self._task]
        self._progress.update(self._task, total=(task.total or 0) + steps)

    def begin(self, what: str) -> None:
        """Say what is measured now."""
        self._progress.update(self._task, description=what)

    def done(self) -> None:
        """Move by one step."""
        self._progress.advance(self._task)


def middle(measure: Callable[[], float], times: int = 3) -> float:
    """Return the median of a measurement taken several times."""
    return median(measure() for _ in range(times))


def shown(cell: Cell) -> str:
    """Return a figure with three significant digits, grouped by thousands; a dash for what was not measured."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}".replace(",", " ")
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
