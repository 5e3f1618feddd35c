"""`heatwatch run` on an InfluxDB that is killed, slow, full or refuses us: nothing lost or twice, and it is said."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from contract.storekit import all_rows
from peers.collecting import Publisher, adds_up, in_background, now_ms
from peers.disks import fill, small_disk
from peers.influxd import Influxd, influxd
from peers.mosquitto import Mosquitto, mosquitto
from peers.site import Site
from peers.slow_http import SlowHttp

from heating.store import open_store

pytestmark = [pytest.mark.integration, pytest.mark.influx, pytest.mark.slow]

DEVICES = [f"D{i:02d}" for i in range(20)]
STEP_MS = 60_000
# A sweep every half second, so that a line a sweep would be a flood.
OFTEN = "[analyzer]\nevery_s = 0.5\n"
SOON = "[collector]\nspool_after_s = 0.5\nbatch_wait_s = 0.2\n"
SAID_BY_FAULT = 12  # lines in which all stages together may speak of one fault of some seconds


class Plant:
    """A broker, devices that publish to it, and a site on an InfluxDB."""

    def __init__(
        self, folder: Path, broker: Mosquitto, store: str, *, token_file: Path | None = None, sweeps: str = OFTEN
    ) -> None:
        self.store = store
        self.token_file = token_file
        (folder / "site").mkdir()
        points = folder / "site" / "points.csv"
        rows = (f"P-{d},{d},S1,1,1,{n + 1},20,{n}" for n, d in enumerate(DEVICES))
        points.write_text("\n".join(["point_id,device_id,station,building,unit,floor,floors_total,room", *rows]) + "\n")
        self.site = Site(folder / "site", points, mqtt_port=broker.port, store=store, extra=sweeps + SOON)
        if token_file is not None:
            text = self.site.config.read_text("utf-8")
            self.site.config.write_text(text.replace("[store]\n", f'[store]\ntoken_file = "{token_file}"\n'), "utf-8")
        self.devices = Publisher(broker.port)
        self.start_ms = now_ms() - 6 * 3_600_000
        self._rounds = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run all stages, and go on when the broker keeps for the collector what comes."""
        before = self.all_of_log().count("/status")
        with self.site.running():
            self.site.wait("subscribed", lambda: self.all_of_log().count("/status") > before)
            yield

    def publish(self, rounds: int, *, pause_s: float = 0.0) -> None:
        """Let every device publish so many readings."""
        for _ in range(rounds):
            for number, device in enumerate(DEVICES):
                ts = self.start_ms + self._rounds * STEP_MS + number
                self.devices.reading(device, ts, 15.0 + self._rounds % 7 + number / 10)
            self._rounds += 1
            time.sleep(pause_s)
        assert self.devices.delivered()

    @property
    def published(self) -> int:
        return len(self.devices.sent)

    def all_stored(self) -> bool:
        return self.site.counters().get("stored", 0) >= self.published

    def health(self, stage: str) -> dict[str, object]:
        return dict(self._healthz()["stages"][stage])

    def healthy(self) -> bool:
        return bool(self._healthz()["status"] == "ok")

    def _healthz(self) -> dict[str, Any]:
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.1:{self.site.console_port}/healthz", timeout=10)
        except urllib.error.HTTPError as failing:
            answer = failing
        with answer:
            return dict(json.load(answer))

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.site.console_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))

    def suffers(self, words: str) -> None:
        """Wait until health and metrics say what is wrong, of a collector that lives."""
        self.site.wait(
            f"health says {words}", lambda: re.search(words, str(self.health("collector")["text"])) is not None
        )
        assert self.health("collector")["fresh"] is False
        assert self.health("collector")["alive"] is True
        self.site.wait("metrics say it", lambda: self.metric("heatwatch_collector_write_blocked_seconds") > 0)

    def check(self) -> None:
        """Wait until all is stored and healthy, and compare the store with what was sent."""
        self.site.wait("all stored", self.all_stored, 120)
        self.site.wait("healthy again", self.healthy, 60)
        self.compare()

    def compare(self) -> None:
        """Compare the store with what was sent."""
        counts = self.site.counters()
        assert adds_up(counts), counts
        assert counts["stored"] == self.published
        token = self.token_file.read_text("utf-8").strip() if self.token_file else None
        with closing(open_store(self.store, token=token)) as store:
            rows = all_rows(store)
        assert len(rows) == self.published
        found = {(row[2], row[3]): float.fromhex(row[4]) for row in rows}
        assert found == self.devices.sent

    def quiet(self) -> None:
        """Check that warnings and errors are a few lines, whatever was tried how often."""
        lines = [line for line in self.all_of_log().splitlines() if " device clock " not in line]  # old readings here
        loud = [line for line in lines if re.search(r" (warning|error|critical) ", line)]
        assert len(loud) <= SAID_BY_FAULT, "\n".join(line[:200] for line in loud)
        assert loud, "a fault without a line in the log"
        assert "Traceback" not in self.all_of_log()

    def all_of_log(self) -> str:
        file = self.site.folder / "run.log"
        return file.read_text(errors="replace") if file.exists() else ""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def plant(tmp_path: Path, broker: Mosquitto, server: Influxd) -> Iterator[Plant]:
    made = Plant(tmp_path, broker, server.url())
    yield made
    made.devices.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Influxd]:
    with influxd(tmp_path / "influx") as running:
        yield running


def statement(server: Influxd, text: str) -> None:
    url = f"http://127.0.0.1:{server.port}/query?" + urllib.parse.urlencode({"q": text})
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10) as answer:
        assert b"error" not in answer.read()


def test_killed_during_a_run_and_started_again(plant: Plant, server: Influxd) -> None:
    with plant.running():
        plant.publish(5)
        plant.site.wait("stored", plant.all_stored)
        sending = in_background(lambda: plant.publish(10, pause_s=0.2))
        server.kill()
        plant.suffers("does not answer")
        sending.join()
        plant.site.wait("kept in the spool", lambda: plant.metric("heatwatch_collector_spooled_packets_total") > 0)
        time.sleep(3)  # sweeps and tries go on
        server.start()
        plant.check()
        plant.quiet()


def test_a_wrong_token_is_said_and_stops_acknowledging(tmp_path: Path, broker: Mosquitto) -> None:
    with influxd(tmp_path / "influx", auth=True) as server:
        statement(server, "CREATE USER admin WITH PASSWORD 'open sesame' WITH ALL PRIVILEGES")
        token = tmp_path / "token"
        token.write_text("admin:open sesame\n")
        plant = Plant(tmp_path, broker, server.url(), token_file=token)
        with plant.running():
            plant.publish(3)
            plant.site.wait("stored", plant.all_stored)
        token.write_text("admin:mistyped\n")
        with plant.running():
            plant.publish(3)
            plant.suffers(r"store\.token_file.*wait in the broker")
            time.sleep(3)
            plant.quiet()
        token.write_text("admin:open sesame\n")
        with plant.running():
            plant.check()
        plant.devices.close()


def test_a_database_that_is_gone_is_said_until_it_is_back(plant: Plant, server: Influxd) -> None:
    with plant.running():
        plant.publish(1)
        plant.site.wait("stored", plant.all_stored)
        statement(server, "DROP DATABASE heat")
        plant.devices.sent.clear()
        plant.publish(3)
        plant.suffers(r"store\.url.*heat")
        time.sleep(3)
        statement(server, "CREATE DATABASE heat")
        plant.site.wait("healthy again", plant.healthy, 60)
        plant.site.wait("all stored", lambda: plant.site.counters()["stored"] == len(DEVICES) + plant.published, 90)
        plant.quiet()
    with closing(open_store(plant.store)) as store:
        assert Counter((row[2], row[3]) for row in all_rows(store)) == Counter(plant.devices.sent.keys())


def test_answers_that_take_five_seconds(tmp_path: Path, broker: Mosquitto, server: Influxd) -> None:
    with SlowHttp(server.port) as slow:
        plant = Plant(tmp_path, broker, server.url().replace(str(server.port), str(slow.port)), sweeps="")
        with plant.running():
            plant.publish(3)
            plant.site.wait("stored", plant.all_stored)
            slow.delay_s = 5.0
            plant.publish(20, pause_s=0.5)
            plant.site.wait("all stored, slowly", plant.all_stored, 90)
            assert plant.health("collector")["alive"] is True
            slow.delay_s = 0.0
            plant.check()
        assert "Traceback" not in plant.all_of_log()
        plant.devices.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 48) as mounted:
        yield mounted


def filled_up(plant: Plant, disk: Path) -> Path:
    """Fill the disk after some readings were stored, and see others fail; return the file to remove."""
    plant.publish(3)
    plant.site.wait("stored", plant.all_stored)
    ballast = fill(disk)
    plant.publish(20)
    plant.suffers("no space left")
    return ballast


def test_a_full_disk_under_influxdb(tmp_path: Path, broker: Mosquitto, disk: Path) -> None:
    with influxd(disk / "influx") as server:
        plant = Plant(tmp_path, broker, server.url())
        with plant.running():
            ballast = filled_up(plant, disk)
            time.sleep(2)
            ballast.unlink()
            # InfluxDB 1.x remembers the failed write to its log and writes nothing more until it is restarted.
            server.stop()
            server.start()
            plant.check()
            plant.quiet()
        plant.devices.close()


def test_rows_that_influxdb_shows_and_has_not_kept_do_not_count_as_stored(
    tmp_path: Path, broker: Mosquitto, disk: Path
) -> None:
    """A collector that starts before InfluxDB is restarted reads rows that are in its memory only."""
    with influxd(disk / "influx") as server:
        plant = Plant(tmp_path, broker, server.url())
        with plant.running():
            ballast = filled_up(plant, disk)
        kept = plant.site.counters()["stored"]
        ballast.unlink()
        with plant.running():
            plant.publish(3)
            plant.suffers("no space left")
            time.sleep(2)  # it tries again, and finds rows there
            assert plant.site.counters()["stored"] == kept
            server.stop()
            server.start()
            plant.site.wait("all stored", plant.all_stored, 120)
            plant.compare()
        plant.devices.close()
