"""The collector beside its peers: a queue in a real broker, drained by each of them in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import consumers
import machine
from bare_client import FILTER
from consumers import Drain, Running
from figures import Cell, Steps, Table, shown
from load import Load
from meter import Cost, Meter, settle, wait
from peers.influxd import influxd
from peers.mosquitto import Mosquitto, mosquitto
from thin_mqtt import ThinClient, encoded, keep_session

Start = Callable[[Drain], AbstractContextManager[Running]]
_BASE = "bare paho client, manual ack"
_LIVE = Load(messages=2_000, per_message=1, devices=500)


@dataclass(frozen=True, slots=True)
class Plan:
    """Loads to drain, how often each, and the backlog (0: none)."""

    messages: int
    devices: int
    rounds: int
    backlog: int


def measure(plan: Plan, folder: Path, steps: Steps) -> list[Table]:
    """Drain the loads by every consumer; then the backlog by the collector alone."""
    with ExitStack() as around:
        broker = around.enter_context(_broker(folder))
        peers = _peers(folder, around)
        # Telegraf reads a packet as one point.
        batched = {name: start for name, start in peers.items() if not name.startswith("Telegraf")}
        bench = Bench(broker, folder, steps)
        single, hourly = Load(plan.messages, 1, plan.devices), Load(plan.messages, 3, plan.devices)
        tables = [
            _compared("one reading a message", single, peers, plan.rounds, bench),
            _compared("three readings a message", hourly, batched, plan.rounds, bench),
        ]
        return [*tables, _backlog(plan.backlog, bench)] if plan.backlog else tables


@dataclass(frozen=True, slots=True)
class Bench:
    """The broker that all drain, a folder, the progress bar."""

    broker: Mosquitto
    folder: Path
    steps: Steps


@contextmanager
def _broker(folder: Path) -> Iterator[Mosquitto]:
    """Run the broker that sites get, but without saving: that would fall into one run and not into another."""
    place = folder / "broker"
    place.mkdir()
    with mosquitto(place, persistence=False) as broker:
        yield broker


def _peers(folder: Path, around: ExitStack) -> dict[str, Start]:
    peers: dict[str, Start] = {
        _BASE: partial(consumers.bare, how="manual"),
        "bare paho client, automatic ack": partial(consumers.bare, how="auto"),
        "heatwatch's client, empty callback": partial(consumers.bare, how="ours"),
        "heatwatch, embedded store": partial(consumers.collector, store_url="duckdb:///store.duckdb"),
    }
    if machine.where("mosquitto_sub"):
        peers = {"mosquitto_sub to /dev/null": consumers.subscriber} | peers
    if machine.where("influxd"):
        server = around.enter_context(influxd(folder / "influx"))
        peers["heatwatch, InfluxDB"] = lambda drain: consumers.collector(drain, server.url(drain.client_id))
        if machine.where("telegraf"):
            peers["Telegraf, InfluxDB"] = lambda drain: consumers.telegraf(drain, server)
    return peers


def _compared(title: str, load: Load, peers: dict[str, Start], rounds: int, bench: Bench) -> Table:
    broker, folder, steps = bench.broker, bench.folder, bench.steps
    steps.expect(rounds * (len(peers) + 1))
    costs: dict[str, list[Cost]] = {name: [] for name in peers}
    for number in range(rounds):
        ids = {name: f"bench-{load.per_message}-{number}-{place}" for place, name in enumerate(peers)}
        drains = {name: Drain(broker.port, ids[name], load, folder / ids[name]) for name in peers}
        steps.begin(f"publishing, {title}")
        for drain in drains.values():
            drain.folder.mkdir()
            keep_session(broker.port, drain.client_id, FILTER, consumers.WINDOW)
        _publish(broker, load, seed=number)
        steps.done()
        for name in _turned(list(peers), number):
            drain = drains[name]
            steps.begin(f"{name}, {title}")
            costs[name].append(_drained(peers[name], drain, broker))
            steps.done()
    return _table(title, load, costs)


def _turned(names: list[str], number: int) -> list[str]:
    """Return the names, another one first in each round: nobody always drains the fullest broker."""
    first = number % len(names)
    return names[first:] + names[:first]


def _publish(broker: Mosquitto, load: Load, seed: int) -> None:
    client = ThinClient(broker.port, f"load-{seed}-{load.devices}")
    client.publish(encoded(list(load.packets(seed))))
    client.close()


def _drained(start: Start, drain: Drain, broker: Mosquitto) -> Cost:
    """Let a consumer start and wait for the broker's answer; then measure how it drains its queue."""
    broker.pause()
    try:
        with start(drain) as running:
            settle(running.process.pid)
            meter = Meter(running.process.pid)
            broker.resume()
            wait(f"{drain.client_id} drains its queue; see {drain.folder}", running.finished, 300)
            return meter.cost()
    finally:
        broker.resume()


def _table(title: str, load: Load, costs: dict[str, list[Cost]]) -> Table:
    rows: list[list[Cell]] = []
    for name, of in costs.items():
        rate = load.messages / median(cost.wall_s for cost in of)
        cpu = median(cost.cpu_s for cost in of) / load.messages * 1e6
        ratios = [cost.cpu_s / bare.cpu_s for cost, bare in zip(of, costs[_BASE], strict=True)]
        spread = f"{shown(min(ratios))} to {shown(max(ratios))}"
        peak = max(cost.peak_mb for cost in of)
        rows.append([name, rate, rate * load.per_message, cpu, median(ratios), spread, peak or None])
    size = len(next(load.packets(0)).payload)
    return Table(
        title=f"From the broker, {title}",
        sizes=f"{load.messages} messages of {size} bytes, QoS 1, from {load.devices} devices, queued in mosquitto for "
        f"a kept session and drained with Receive Maximum {consumers.WINDOW}; medians of {len(costs[_BASE])} rounds, "
        "in each of which all drain, another one first.",
        header=[
            "consumer",
            "messages/s",
            "readings/s",
            "CPU µs per message",
            "x bare client",
            "of the rounds",
            "peak RSS MB",
        ],
        rows=rows,
        notes=[
            "Wall and processor time from the broker's first answer to the last message (heatwatch, Telegraf: durable "
            "in the store); the start of the process is not counted, nor the work of broker and InfluxDB.",
            "The bare client is `paho.mqtt.client.Client` as it comes, QoS 1; manual: `ack` in the callback. "
            "Heatwatch's is its subclass in `collector/client.py`.",
            "x bare client: median of the ratios inside the rounds, and the smallest and the largest.",
        ],
    )


def _backlog(messages: int, bench: Bench) -> Table:
    """Drain a night's queue while live readings keep coming."""
    broker, folder, steps = bench.broker, bench.folder, bench.steps
    steps.expect(2)
    queued, load = Load(messages, 1, 16_000), Load(messages + _LIVE.messages, 1, 16_000)
    drain = Drain(broker.port, "bench-backlog", load, folder / "backlog")
    drain.folder.mkdir()
    steps.begin("publishing the backlog")
    keep_session(broker.port, drain.client_id, FILTER, consumers.WINDOW)
    _publish(broker, queued, seed=1)
    steps.done()
    steps.begin("draining the backlog")
    live = threading.Thread(target=_publish, args=(broker, _LIVE, 2), daemon=True)
    broker.pause()
    with consumers.collector(drain, "duckdb:///store.duckdb") as running:
        settle(running.process.pid)
        meter = Meter(running.process.pid)
        broker.resume()
        live.start()
        wait("backlog drained", running.finished, 900)
        cost = meter.cost()
    steps.done()
    figures: list[Cell] = [load.messages / cost.wall_s, cost.cpu_s / load.messages * 1e6, cost.peak_mb]
    return Table(
        title="A night's backlog",
        sizes=f"{messages} messages of one reading from 16000 devices queued in mosquitto, {_LIVE.messages} live ones "
        "meanwhile, drained by `heatwatch run collector` into the embedded store.",
        header=["messages/s", "CPU µs per message", "peak RSS MB", "goal"],
        rows=[[*figures, "< 400 MB, all stored"]],
        notes=["The run ends only when every message, queued or live, is counted as stored."],
    )
