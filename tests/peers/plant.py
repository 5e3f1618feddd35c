"""Broker, collector, store and the cables between them, all real; what is published is compared with the books."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peers.collecting import Publisher, Site, adds_up, now_ms, wait_until
from peers.influxd import Influxd, influxd
from peers.mosquitto import Mosquitto, mosquitto
from peers.proxy import Proxy

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

    def publish(self, first: int, count: int = PER_ROUND, *, every_s: float = 0.01) -> None:
        base = now_ms() - 86_400_000
        for i in range(first, first + count):
            device = self.site.devices[int(self.rng.integers(len(self.site.devices)))]
            if i % 13 == 0:
                self.devices.garbage(device, f'{{"ts": {base + i}, "temperature_c": "{i}"}}')
            else:
                self.devices.reading(device, base + i, round(float(self.rng.uniform(10, 25)), 2))
            time.sleep(every_s)

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
def plant(folder: Path, *, influx: bool, seed: int, **mqtt: object) -> Iterator[Plant]:
    (folder / "broker").mkdir()
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto(folder / "broker", extra=("log_type notice",)))
        cable = stack.enter_context(Proxy(broker.port))
        devices = stack.enter_context(closing(Publisher(broker.port)))
        server = stack.enter_context(influxd(folder / "influx")) if influx else None
        store_cable = stack.enter_context(Proxy(server.port)) if server else None
        url = server.url().replace(str(server.port), str(store_cable.port)) if server and store_cable else ""
        site = Site(folder / "site", cable.port, store_url=url, spool=True, **mqtt)
        stack.callback(site.kill)
        yield Plant(broker, cable, site, devices, np.random.default_rng(seed), server, store_cable)
