"""The demonstration: everything in one process, with an embedded broker and store, all on one scaled clock.

::

    SimulatedFleet ─► DemoBroker ─► collector ─► store ─► analyzer ─► ledger ─► alerts ─► orders
                                                   └──────── console, terminal view ◄──┘

It is the pipeline of `heatwatch run`, built from a configuration file that it writes into its folder, so that every
other command works beside it (`heatwatch --config demo-data/heatwatch.toml report ...`).
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from dashboards.console.stage import ConsoleStage
from dashboards.snapshot import Snapshot, load_snapshot
from firmware_sim.broker import BrokerAddress
from firmware_sim.fleet import SimulatedFleet
from firmware_sim.scenario import load_scenario
from heating.clock import ScaledClock
from heating.errors import InputError
from heating.store import open_store
from heatwatch.broker import DemoBroker
from heatwatch.context import Context
from heatwatch.judging import words_rules
from heatwatch.output import writing
from heatwatch.pipeline import STAGES, Parts, Pipeline

log = logging.getLogger(__name__)

MARK = ".heatwatch-demo"
STORE = "heatwatch.duckdb"
# Half an hour before the day's floor comes into force: the switch of 06:00 is seen in the first minute.
_BEGIN = timedelta(hours=29, minutes=30)


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What to show."""

    homes: int
    speed: float
    folder: Path
    scenario: str = "demo"
    seed: int = 1
    history_h: float | None = None
    console_port: int = 0


class Demo:
    """A running demonstration (`with Demo(plan) as demo:`)."""

    def __init__(self, plan: DemoPlan) -> None:
        self.plan = plan
        self.failed = threading.Event()
        self.history = (0, 0)
        self._around = ExitStack()
        self._stop_fleet = threading.Event()
        self._scenario = load_scenario(plan.scenario)
        self.clock = ScaledClock(self._scenario.default_start() + _BEGIN, plan.speed)

    def __enter__(self) -> Self:
        """Start broker, pipeline and fleet."""
        try:
            self._start()
        except BaseException:
            self._around.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the fleet, then the stages, then the broker."""
        self._around.close()

    @property
    def config(self) -> Path:
        """The configuration file of the demonstration."""
        return self.plan.folder / "heatwatch.toml"

    @property
    def url(self) -> str:
        """Address of the console."""
        console = self.pipeline.stage("console")
        assert isinstance(console, ConsoleStage)
        return console.url

    def snapshot(self) -> Snapshot:
        """Return the site as it is now."""
        rules = words_rules(self.opened.settings)
        return load_snapshot(self.parts.store, self.parts.ledger, self.clock.now(), rules)

    def _start(self) -> None:
        with writing("--dir", self.plan.folder):
            _prepare(self.plan.folder)
        broker = self._around.enter_context(DemoBroker())
        self.fleet = SimulatedFleet(
            self._scenario,
            self.plan.homes,
            self.plan.seed,
            self.clock,
            BrokerAddress(host=broker.host, port=broker.port),
            history_h=self.plan.history_h,
        )
        self.fleet.write_points(self.plan.folder / "points.csv")
        self.config.write_text(_configuration(self.plan, broker, self._scenario.timezone), encoding="utf-8")
        self.opened = self._around.enter_context(Context(self.config, None))
        self.opened.clock = self.clock
        self.parts = self._parts()
        self.pipeline = Pipeline(self.parts, STAGES)
        self._around.callback(self.pipeline.finish)
        self.pipeline.start(self.failed.set)
        self._fleet_thread(self._run_fleet)

    def _parts(self) -> Parts:
        self.opened.register  # noqa: B018 - imports the register
        return Parts(
            self.opened.settings,
            self.opened.open_store("owner"),
            self.opened.ledger,
            self.clock,
            self.opened.register_source,
            np.random.default_rng(self.plan.seed),
        )

    def _fleet_thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="fleet")
        thread.start()

        def end() -> None:
            self._stop_fleet.set()
            thread.join()

        self._around.callback(end)

    def _run_fleet(self) -> None:
        try:
            self.fleet.run(self._stop_fleet, self._tell)
        except Exception as wrong:
            log.critical("fleet died error=%s", wrong, exc_info=wrong)
            self.failed.set()

    def _tell(self, done: int, total: int) -> None:
        self.history = (done, total)


def local_now(demo: Demo) -> datetime:
    """Return the demonstration's time as a person there reads it."""
    return demo.clock.now().astimezone(demo.opened.zone)


def _prepare(folder: Path) -> None:
    """Empty a folder of an earlier demonstration; refuse a folder that is anything else, or in use."""
    if folder.exists():
        if not (folder / MARK).is_file() and any(folder.iterdir()):
            raise InputError(f"--dir: {folder} holds other files; give an empty or a new folder")
        open_store(f"duckdb:///{folder / STORE}", role="owner").close()  # raises where another demo runs on it
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def _configuration(plan: DemoPlan, broker: DemoBroker, timezone: str) -> str:
    return f"""# Written by `heatwatch demo`; gone with the next one.
[site]
name = "演示供热公司"
timezone = "{timezone}"
points = "points.csv"

[mqtt]
host = "{broker.host}"
port = {broker.port}

[store]
url = "duckdb:///{STORE}"

[ledger]
url = "sqlite:///ledger.sqlite"

[console]
port = {plan.console_port}

[[alerts.receivers]]
name = "notices"
type = "file"
path = "notices.jsonl"
"""
