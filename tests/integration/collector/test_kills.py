"""Published = stored exactly once, over kills of the collector at random moments."""

from __future__ import annotations

import time

import numpy as np
import pytest
from peers.collecting import Publisher, Site, adds_up, in_background, now_ms, wait_until
from peers.mosquitto import mosquitto

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KILLS = 20


def publish(devices: Publisher, site: Site, rng: np.random.Generator, first: int, count: int) -> None:
    base = now_ms() - 86_400_000
    for i in range(first, first + count):
        device = site.devices[int(rng.integers(len(site.devices)))]
        if i % 17 == 0:
            devices.garbage(device, f'{{"ts": {base + i}, "temperature_c": "warm"}}')
        else:
            devices.reading(device, base + i, round(float(rng.uniform(10, 25)), 2))
        time.sleep(0.01)


def test_twenty_kills_lose_and_double_nothing(tmp_path):
    rng = np.random.default_rng(20_261_122)
    with mosquitto(tmp_path) as broker:
        site = Site(tmp_path, broker.port)
        site.start()
        assert site.subscribed()  # from now on the broker keeps what comes
        devices = Publisher(broker.port)
        for kill in range(KILLS):
            sending = in_background(lambda k=kill: publish(devices, site, rng, k * 150, 150))
            time.sleep(float(rng.uniform(0.0, 2.5)))
            site.kill()
            if kill % 5 == 0:
                sending.join()  # a queue is left in the broker while nobody is there
            site.start(after_s=1.0 if kill % 4 == 0 else 0.0)
        sending.join()
        assert devices.delivered()
        assert wait_until(lambda: site.has(len(devices.sent), devices.bad), 60), (site.counters(), site.log()[-3000:])
        assert site.subscribed()
        assert site.stop() == 0
        devices.close()
    assert site.stored() == devices.sent
    counts = site.counters()
    assert adds_up(counts), counts
    assert counts["stored"] == len(devices.sent)
    assert counts["quarantined"] == devices.bad == len(site.quarantined())
