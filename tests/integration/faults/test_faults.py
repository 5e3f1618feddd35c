"""Real processes, real faults: published = stored exactly once + quarantined, whatever breaks and when.

`HEATWATCH_FAULT_ROUNDS` sets the rounds of each fault: 3 by default, 10 in CI, 100 in the soak.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from peers.collecting import Publisher, Site, adds_up, in_background, now_ms, wait_until
from peers.disks import fill, small_disk
from peers.influxd import Influxd, influxd
from peers.mosquitto import Mosquitto, mosquitto
from peers.proxy import Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROUNDS = int(os.environ.get("HEATWATCH_FAULT_ROUNDS", "3"))
PER_ROUND = 120
HEAL_S = 90.0


@dataclass
class Plant:
    """Broker, collector, store, and the cables between them."""

    broker: Mosquitto
    cable: Proxy
    site: Site
    devices: Publisher
    rng: np.random.Generator
    influx: Influxd | None = None
    store_cable: Proxy | None = None

    def publish(self, first: int) -> None:
        base = now_ms() - 86_400_000
        for i in range(first, first + PER_ROUND):
            device = self.site.devices[int(self.rng.integers(len(self.site.devices)))]
            if i % 13 == 0:
                self.devices.garbage(device, f'{{"ts": {base + i}, "temperature_c": "{i}"}}')
            else:
                self.devices.reading(device, base + i, round(float(self.rng.uniform(10, 25)), 2))
            time.sleep(0.01)

    def pause(self, longest_s: float) -> None:
        time.sleep(float(self.rng.uniform(0.0, longest_s)))

    def check(self) -> None:
        """Wait until everything has arrived, end the collector, and compare its books with what was sent."""
        sent, bad = self.devices.sent, self.devices.bad
        assert self.devices.delivered(HEAL_S)
        arrived = wait_until(lambda: self.site.has(len(sent), bad), HEAL_S)
        assert arrived, (len(sent), bad, self.site.counters(), self.site.log()[-4000:])
        assert self.site.subscribed()
        assert self.site.stop() == 0
        counts = self.site.counters()
        assert adds_up(counts), counts
        assert counts["stored"] == len(sent)
        assert counts["quarantined"] == bad
        assert self.site.stored() == sent


@contextmanager
def plant(folder: Path, *, influx: bool, seed: int) -> Iterator[Plant]:
    (folder / "broker").mkdir()
    with mosquitto(folder / "broker") as broker, Proxy(broker.port) as cable:
        devices = Publisher(broker.port)
        rng = np.random.default_rng(seed)
        try:
            if influx:
                with influxd(folder / "influx") as server, Proxy(server.port) as store_cable:
                    url = server.url().replace(str(server.port), str(store_cable.port))
                    site = Site(folder / "site", cable.port, store_url=url, spool=True)
                    yield Plant(broker, cable, site, devices, rng, server, store_cable)
                    site.kill()
            else:
                site = Site(folder / "site", cable.port, spool=True)
                yield Plant(broker, cable, site, devices, rng)
                site.kill()
        finally:
            devices.close()


def kill_collector(p: Plant) -> None:
    p.site.kill()
    p.pause(1.0)
    p.site.start()


def cut_cable(p: Plant) -> None:
    p.cable.cut()
    p.pause(1.5)
    p.cable.mend()


def kill_store(p: Plant) -> None:
    assert p.influx is not None
    p.influx.kill()
    p.pause(2.0)
    p.influx.start()


def freeze_store(p: Plant) -> None:
    assert p.influx is not None
    p.influx.freeze()
    p.pause(3.0)
    p.influx.thaw()


def cut_store_cable(p: Plant) -> None:
    assert p.store_cable is not None
    p.store_cable.cut()
    p.pause(2.0)
    p.store_cable.mend()


def store_and_collector(p: Plant) -> None:
    assert p.influx is not None
    p.influx.kill()
    p.pause(1.0)
    p.site.kill()
    p.site.start()
    p.pause(1.0)
    p.influx.start()


Fault = Callable[[Plant], None]


@pytest.mark.parametrize("fault", [kill_collector, cut_cable])
def test_faults_before_the_embedded_store(tmp_path, fault: Fault):
    with plant(tmp_path, influx=False, seed=1) as p:
        _strike(p, fault)


@pytest.mark.influx
@pytest.mark.parametrize("fault", [kill_collector, kill_store, freeze_store, cut_store_cable, store_and_collector])
def test_faults_around_influxdb(tmp_path, fault: Fault):
    with plant(tmp_path, influx=True, seed=2) as p:
        _strike(p, fault)


def _strike(p: Plant, fault: Fault) -> None:
    p.site.start()
    assert p.site.subscribed()
    for number in range(ROUNDS):
        sending = in_background(lambda n=number: p.publish(n * PER_ROUND))
        p.pause(1.5)
        fault(p)
        sending.join()
    p.check()


def test_killed_broker_keeps_what_it_had_saved(tmp_path):
    with plant(tmp_path, influx=False, seed=3) as p:
        p.site.start()
        assert p.site.subscribed()
        for number in range(ROUNDS):
            p.publish(number * PER_ROUND)
            assert p.devices.delivered()
            p.broker.save()
            p.pause(0.3)
            p.broker.kill()
            p.pause(1.0)
            p.broker.start()
        p.check()


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 8) as mounted:
        yield mounted


def _fill_for_a_while(p: Plant, disk: Path) -> None:
    """Publish before, while and after the disk is full; nothing more is acknowledged until there is room."""
    p.site.start()
    assert p.site.subscribed()
    p.publish(0)
    assert wait_until(lambda: p.site.has(1))
    ballast = fill(disk)
    for number in range(1, 4):
        p.publish(number * PER_ROUND)
    time.sleep(1.0)
    ballast.unlink()
    p.check()
    p.devices.close()


def test_full_disk_under_all_books(tmp_path, disk):
    """Store, ledger and spool share a disk that fills up."""
    with mosquitto(tmp_path) as broker:
        site = Site(disk, broker.port, spool=True)
        _fill_for_a_while(
            Plant(broker, Proxy(broker.port), site, Publisher(broker.port), np.random.default_rng(4)), disk
        )


def test_full_disk_under_the_ledger_alone(tmp_path, disk):
    with mosquitto(tmp_path) as broker:
        site = Site(tmp_path / "site", broker.port, spool=True, ledger=disk)
        _fill_for_a_while(
            Plant(broker, Proxy(broker.port), site, Publisher(broker.port), np.random.default_rng(5)), disk
        )


def test_full_disk_under_the_spool_alone(tmp_path, disk):
    """The spool is needed while InfluxDB is away, and finds no room."""
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as broker, influxd(tmp_path / "influx") as server:
        site = Site(tmp_path / "site", broker.port, spool=True, store_url=server.url())
        site.collector = msgspec.structs.replace(site.collector, state_dir=str(disk / "state"))
        p = Plant(broker, Proxy(broker.port), site, Publisher(broker.port), np.random.default_rng(6), server)
        p.site.start()
        assert p.site.subscribed()
        p.publish(0)
        assert wait_until(lambda: p.site.has(1))
        ballast = fill(disk)
        server.kill()
        p.publish(PER_ROUND)
        assert wait_until(lambda: "spool takes no more" in site.log()), site.log()[-2000:]
        ballast.unlink()
        p.publish(2 * PER_ROUND)
        server.start()
        p.check()
        p.devices.close()
