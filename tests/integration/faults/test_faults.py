"""Real processes, real faults: published = stored exactly once + quarantined, whatever breaks and when.

`HEATWATCH_FAULT_ROUNDS` sets the rounds of each fault: 3 by default, 10 in CI, 100 in the soak.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from peers.collecting import Publisher, Site, in_background, wait_until
from peers.disks import fill, small_disk
from peers.influxd import influxd
from peers.mosquitto import mosquitto
from peers.plant import PER_ROUND, Plant, plant
from peers.proxy import Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROUNDS = int(os.environ.get("HEATWATCH_FAULT_ROUNDS", "3"))


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
