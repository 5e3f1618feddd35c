"""The processes that drain a session, each started while the broker is held, so that its start is not measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import machine
import urllib3
from bare_client import FILTER
from load import Load
from meter import ended
from peers.influxd import Influxd

from heating.ledger import open_ledger

WINDOW = 2000  # messages on the way unacknowledged, the same for all

Process = subprocess.Popen[str]
Finished = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Drain:
    """A session to drain: where it is, what waits in it, a folder for what the consumer keeps."""

    port: int
    client_id: str
    load: Load
    folder: Path


@dataclass(frozen=True, slots=True)
class Running:
    """A consumer that waits for the broker, and the question whether it has everything."""

    process: Process
    finished: Finished


Consumer = Callable[[Drain], Iterator[Running]]


@contextmanager
def subscriber(drain: Drain) -> Iterator[Running]:
    """`mosquitto_sub` into /dev/null."""
    command = [machine.where("mosquitto_sub"), "-h", "127.0.0.1", "-p", drain.port, "-V", "mqttv5", "-c", "-x", 86_400,
               "-i", drain.client_id, "-D", "connect", "receive-maximum", WINDOW, "-q", 1, "-t", FILTER,
               "-C", drain.load.messages]  # fmt: skip
    with _child(command, drain.folder) as process:
        yield Running(process, lambda: ended(process.pid))


@contextmanager
def bare(drain: Drain, how: str) -> Iterator[Running]:
    """Run the bare client with an empty callback."""
    script = Path(__file__).with_name("bare_client.py")
    command = [sys.executable, script, drain.port, drain.client_id, drain.load.messages, WINDOW, how]
    said = drain.folder / "said"
    with said.open("w") as out, _child(command, drain.folder, out) as process:
        yield Running(process, lambda: said.stat().st_size > 0)


@contextmanager
def collector(drain: Drain, store_url: str) -> Iterator[Running]:
    """Run `heatwatch run collector`; finished when the ledger has counted everything."""
    config, points = drain.folder / "heatwatch.toml", drain.folder / "points.csv"
    drain.load.write_points(points)
    config.write_text(
        f'[site]\npoints = "{points}"\n'
        f'[mqtt]\nport = {drain.port}\nclient_id = "{drain.client_id}"\nreceive_maximum = {WINDOW}\n'
        f'[store]\nurl = "{store_url}"\n[ledger]\nurl = "sqlite:///ledger.sqlite"\n',
        encoding="utf-8",
    )
    with _child([sys.executable, "-P", "-m", "heatwatch", "--config", config, "run", "collector"], drain.folder) as run:
        ledger = open_ledger(f"sqlite:///{drain.folder}/ledger.sqlite")
        try:
            yield Running(run, lambda: ledger.journal.counters().get("stored", 0) >= drain.load.readings)
        finally:
            ledger.close()


@contextmanager
def telegraf(drain: Drain, server: Influxd) -> Iterator[Running]:
    """Telegraf's `mqtt_consumer`, which acknowledges after its write to InfluxDB."""
    config, base = drain.folder / "telegraf.conf", f"http://127.0.0.1:{server.port}"
    config.write_text(
        '[agent]\ninterval = "1s"\nflush_interval = "1s"\nmetric_batch_size = 1000\nomit_hostname = true\n'
        f'[[inputs.mqtt_consumer]]\nservers = ["tcp://127.0.0.1:{drain.port}"]\ntopics = ["{FILTER}"]\nqos = 1\n'
        f'persistent_session = true\nclient_id = "{drain.client_id}"\nmax_undelivered_messages = {WINDOW}\n'
        'data_format = "json"\njson_time_key = "ts"\njson_time_format = "unix_ms"\n'
        f'[[outputs.influxdb]]\nurls = ["{base}"]\ndatabase = "{drain.client_id}"\n',
        encoding="utf-8",
    )

    def written() -> bool:
        fields = {"db": drain.client_id, "q": "SELECT count(temperature_c) FROM mqtt_consumer"}
        found = urllib3.request("GET", f"{base}/query", fields=fields).json()["results"][0].get("series")
        return bool(found) and found[0]["values"][0][1] >= drain.load.readings

    with _child([machine.where("telegraf"), "--config", config], drain.folder) as process:
        yield Running(process, written)


@contextmanager
def _child(command: Sequence[object], folder: Path, out: IO[str] | int = subprocess.DEVNULL) -> Iterator[Process]:
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=log, text=True, cwd=folder)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
