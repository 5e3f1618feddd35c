"""What docker-compose.yml and heatwatch@.service rest on: each stage a process, one InfluxDB, one ledger file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts import free_port
from peers.collecting import Publisher, now_ms, wait_until
from peers.influxd import Influxd
from peers.mosquitto import mosquitto

from heating.ledger import open_ledger

pytestmark = [pytest.mark.integration, pytest.mark.influx, pytest.mark.slow]
STAGES = ("collector", "analyzer", "alerts", "console")


def asked(address: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a page of health, (0, {}) when nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, dict(json.load(answer))
    except urllib.error.HTTPError as failing:
        with failing:
            return failing.code, dict(json.load(failing))
    except OSError:
        return 0, {}


class Stage:
    """One `heatwatch run STAGE`, with its own metrics port as in a container."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        environment = {**os.environ, "HEATWATCH__METRICS__PORT": str(self.port)}
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "heatwatch", "--config", str(folder / "heatwatch.toml"), "run", name],
                env=environment,
                stderr=file,
            )

    def health(self) -> dict[str, object]:
        return asked(f"http://127.0.0.1:{self.port}/healthz")[1]

    def healthy(self) -> bool:
        return self.health().get("status") == "ok"

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influxd]:
    server = Influxd(tmp_path / "influx")
    server.start()
    yield server
    server.stop()


def test_four_processes_share_one_ledger_and_one_dying_leaves_the_others_and_is_seen(
    tmp_path: Path, influx: Influxd
) -> None:
    (tmp_path / "broker").mkdir()
    console = free_port()

    def stopped() -> set[str]:
        """Stages of the site that the console says are stopped, by their processes' own word or for their silence."""
        stages = asked(f"http://127.0.0.1:{console}/healthz")[1].get("site", {}).get("stages", {})
        return {name for name, stage in stages.items() if not stage["alive"]}

    with mosquitto(tmp_path / "broker") as broker:
        (tmp_path / "points.csv").write_text(
            "point_id,device_id,station,building,unit,floor,room\nP1,D1,S1,1,1,2,201\n"
        )
        (tmp_path / "heatwatch.toml").write_text(
            f'site.points = "points.csv"\nmqtt.port = {broker.port}\nstore.url = "{influx.url()}"\n'
            f'ledger.url = "sqlite:///ledger.sqlite"\nconsole.port = {console}\nanalyzer.every_s = 5\n'
        )
        stages = {name: Stage(name, tmp_path) for name in STAGES}
        publisher = Publisher(broker.port)
        try:
            everybody = wait_until(lambda: all(stage.healthy() for stage in stages.values()), 120)
            assert everybody, {name: (stage.health(), stage.log.read_text()[-1500:]) for name, stage in stages.items()}
            whole = f"http://127.0.0.1:{console}/healthz?site=true"
            assert wait_until(lambda: asked(whole)[0] == 200, 30), asked(whole)
            assert set(asked(whole)[1]["stages"]) == {"console"}, "of its own process, as before"
            assert set(asked(whole)[1]["site"]["stages"]) == {*STAGES, "housekeeping", "service_rows"}
            stages["alerts"].end()
            assert wait_until(lambda: stopped() == {"alerts"}, 5), asked(whole)
            stages["analyzer"].end(signal.SIGKILL)
            publisher.reading("D1", now_ms(), 19.5)
            assert wait_until(lambda: counted(tmp_path) == 1, 30), stages["collector"].log.read_text()
            assert stages["collector"].healthy()
            assert wait_until(lambda: stopped() == {"alerts", "analyzer"}, 90), asked(whole)
            assert asked(whole)[0] == 503
            assert asked(whole)[1]["status"] == "ok"
            stages |= {name: Stage(name, tmp_path) for name in ("alerts", "analyzer")}
            assert wait_until(stages["analyzer"].healthy, 60), stages["analyzer"].log.read_text()
            assert wait_until(lambda: asked(whole)[0] == 200, 60), asked(whole)
        finally:
            publisher.close()
            codes = {name: stage.end() for name, stage in stages.items()}
        assert codes == dict.fromkeys(STAGES, 0)
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    assert ledger.chain.verify().reason is None
    ledger.close()


def counted(folder: Path) -> int:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite")
    try:
        return ledger.journal.counters().get("stored", 0)
    finally:
        ledger.close()
