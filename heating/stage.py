"""What the roof asks of every stage: run until told to stop, say how it is, count what it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """State of a stage: alive (its loops run) and fresh (it did its work lately); `text` says it in one line."""

    alive: bool
    fresh: bool
    text: str

    @property
    def ok(self) -> bool:
        """Alive and fresh."""
        return self.alive and self.fresh


class StageNote(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage was when its process last said so: what the processes of a site know of each other."""

    stage: str
    at: datetime
    health: Health


class StageBook(Protocol):
    """The notes of all stages of a site, kept in the ledger (port `Ledger.stages`)."""

    def note(self, healths: Mapping[str, Health], at: datetime) -> None:
        """Keep the health of stages by name, each in the place of its last note."""
        ...

    def notes(self) -> list[StageNote]:
        """Return the last note of every stage that ever made one, by name."""
        ...


class Metric(msgspec.Struct, frozen=True):
    """One number for `/metrics`; names follow Prometheus (`heatwatch_..._total` counts, others gauges)."""

    name: str
    value: float
    help: str
    labels: tuple[tuple[str, str], ...] = ()


class Stage(Protocol):
    """A stage of the pipeline: collector, analyzer, alerts or console."""

    name: str

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish and release what is held; raise only what ends the process."""
        ...

    def health(self, now: datetime) -> Health:
        """Say how the stage is, from another thread, without I/O."""
        ...

    def metrics(self) -> Sequence[Metric]:
        """Return the present numbers, from another thread."""
        ...
