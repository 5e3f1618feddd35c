"""What a command works with: the settings, and ledger, store and register opened when first asked for."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import typer

from heating.clock import Clock, SystemClock
from heating.ledger import open_ledger
from heating.ledger.port import Ledger
from heating.register import Register
from heating.store import open_store
from heating.store.port import ReadingStore
from heating.words import Language
from heatwatch.config import Settings, load_settings
from heatwatch.registration import RegisterSource, sync_register

PointsOption = Annotated[
    str | None, typer.Option("--points", help="Register of measurement points, in place of site.points.")
]


class Context:
    """Opens what a command needs from the configuration and closes it at the end (`with context:`)."""

    def __init__(self, config: Path | None, points: str | None) -> None:
        self._config = config
        self._points = points
        self._open = ExitStack()
        self._create = True
        self.clock: Clock = SystemClock()

    @classmethod
    def of(cls, context: typer.Context, *, create: bool = True, points: str | None = None) -> Self:
        """Return the context that the command line made; a command that only reads creates no store and no ledger.

        `points` is the command's own `--points`, which may also stand before the command.
        """
        found = context.obj
        assert isinstance(found, cls)
        found._create = create
        found._points = points or found._points
        return found

    def __enter__(self) -> Self:
        """Begin a command."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened."""
        self._open.close()

    @cached_property
    def settings(self) -> Settings:
        """The configuration; wrong ones raise `ConfigError`."""
        overrides = {"site.points": self._points} if self._points else {}
        return load_settings(self._config, overrides=overrides)

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the site."""
        return ZoneInfo(self.settings.site.timezone)

    @property
    def language(self) -> Language:
        """Language of what people read."""
        return Language(self.settings.site.language)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        ledger = open_ledger(self.settings.ledger.url, create=self._create)
        self._open.callback(ledger.close)
        return ledger

    @cached_property
    def store(self) -> ReadingStore:
        """The store for reading; where another process owns it, that process serves the reads."""
        return self.open_store("reader")

    def open_store(self, role: Literal["owner", "reader"]) -> ReadingStore:
        """Open the store in a role."""
        settings = self.settings.store
        store = open_store(settings.url, role=role, create=self._create, **settings.credentials())
        self._open.callback(store.close)
        return store

    @cached_property
    def register(self) -> Register:
        """The register as imported; `site.points` is imported first when the file has changed."""
        return sync_register(self.settings, self.ledger, self.clock.now())

    @cached_property
    def register_source(self) -> RegisterSource:
        """The register for stages that run long: read again from the ledger when another file was imported."""
        return RegisterSource(self.ledger)
