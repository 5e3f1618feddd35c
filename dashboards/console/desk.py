"""What every handler of the console works with: the ports, the roof's callables, the snapshot of the moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Protocol
from zoneinfo import ZoneInfo

from dashboards.console.health import SiteStage, site_stages
from dashboards.console.users import Users
from dashboards.losses import LossBook
from dashboards.snapshot import JudgingRules, Snapshot, SnapshotKeeper
from heating.clock import Clock
from heating.ledger.port import Ledger
from heating.register import Register
from heating.stage import Health, Metric
from heating.store.port import ReadingStore
from heating.words import Language

# Seconds of the machine for which one load serves all who ask: many screens cost no more than one. A site that takes
# long to load keeps it for a multiple of that, so that the console never takes more than a fraction of a core for it.
_KEEP_S, _KEEP_LOADS = 2.0, 5.0


class RecordEvent(Protocol):
    """Enters a person's act on an order into the ledger.

    Raises `InputError` for an act that the order's state does not allow.
    """

    def __call__(self, order_id: str, kind: str, by: str, text: str, at: datetime) -> object:
        """Record the act."""
        ...


def _no_health(now: datetime) -> Mapping[str, Health]:
    return {}


@dataclass(frozen=True, slots=True)
class ConsoleHooks:
    """What the roof passes in. Without `record_event` orders can be read but not acted on.

    `health` is of the stages of this process, `stages` names those that a site cannot be without.
    """

    record_event: RecordEvent | None = None
    health: Callable[[datetime], Mapping[str, Health]] = _no_health
    metrics: Callable[[], Sequence[Metric]] | None = None
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsoleSite:
    """The site as pages name it.

    `zone` is the zone of every time that a person reads; `retention_days` is `store.retention_days`, 0 keeps all.
    """

    name: str
    zone: ZoneInfo
    rules: JudgingRules = field(default_factory=JudgingRules)
    retention_days: float = 0.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the console reads."""

    store: ReadingStore
    ledger: Ledger
    clock: Clock


class Desk:
    """The console's state, shared by all requests and threads."""

    def __init__(
        self, sources: Sources, site: ConsoleSite, language: Language, hooks: ConsoleHooks, users: Users | None
    ) -> None:
        self.store, self.ledger, self.clock = sources.store, sources.ledger, sources.clock
        self.site = site
        self.language = language
        self.hooks = hooks
        self.users = users
        self.refresh_s = 10.0
        self.load_seconds = 0.0
        self.losses = LossBook(self.ledger.chain)
        self.answers: dict[int, int] = {}
        self._lock = threading.Lock()
        self._keeper = SnapshotKeeper(self.store, self.ledger, site.rules)
        self._snapshot: Snapshot | None = None
        self._register: tuple[str, Register] | None = None
        self._loaded = 0.0

    def now(self) -> datetime:
        """Return the present instant of the console's clock."""
        return self.clock.now()

    def snapshot(self) -> Snapshot:
        """Return the site as it is, a few seconds old at most; one caller loads, the others wait for it."""
        with self._lock:
            started = perf_counter()
            if self._snapshot is None or started - self._loaded > self._keep_s:
                self._snapshot = self._keeper.load(self.now(), self.register())
                self._loaded = perf_counter()
                self.load_seconds = self._loaded - started
            return self._snapshot

    @property
    def _keep_s(self) -> float:
        return max(_KEEP_S, _KEEP_LOADS * self.load_seconds)

    def stages(self, now: datetime) -> dict[str, SiteStage]:
        """Return the stages of the site, of this process and of others."""
        return site_stages(self.hooks.health(now), self.ledger.stages.notes(), self.hooks.stages, now)

    def register(self) -> Register:
        """Return the register in force, read again when another file was imported."""
        stamp = self.ledger.places.stamp()
        held = self._register
        if held is None or not stamp or held[0] != stamp:
            held = self._register = (stamp, self.ledger.places.register())
        return held[1]

    def forget(self) -> None:
        """Drop the snapshot, so that the next page shows what was just done."""
        with self._lock:
            self._snapshot = None

    def count(self, status: int) -> None:
        """Count an answer by its class (2, 3, 4, 5)."""
        with self._lock:
            self.answers[status // 100] = self.answers.get(status // 100, 0) + 1

    def metrics(self) -> list[Metric]:
        """Return the console's own numbers."""
        with self._lock:
            answers = sorted(self.answers.items())
        requests = [
            Metric("heatwatch_console_requests_total", n, "Requests answered.", (("code", f"{c}xx"),))
            for c, n in answers
        ]
        took = Metric("heatwatch_console_snapshot_seconds", self.load_seconds, "Time of the last load of the site [s].")
        return [*requests, took]
