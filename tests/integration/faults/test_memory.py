"""What waits in the broker does not come to be in our memory, however much and however large it is."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from parts import free_port
from peers.collecting import Publisher, Site, now_ms, wait_until
from peers.mosquitto import mosquitto

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LARGEST = 64 * 1024
MOST_MB = 300  # 400 are allowed; a process that does nothing has about 110 to 140


def peak_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def queue_up(site: Site, port: int, count: int, payload: bytes) -> None:
    devices = Publisher(port)
    for i in range(count):
        devices.raw(f"heatwatch/v1/{site.devices[i % 20]}/readings", payload)
        if i % 200 == 0:
            wait_until(lambda: devices.waiting < 400)
    assert devices.delivered()
    devices.close()


def full_batch() -> bytes:
    """Return a packet of nearly 64 KiB of good readings."""
    base, readings, size = now_ms() - 86_400_000, [], 0
    while size < LARGEST - 200:
        readings.append({"ts": base + len(readings), "temperature_c": 19.5})
        size += len(json.dumps(readings[-1])) + 2
    return json.dumps({"readings": readings}).encode()


@pytest.mark.parametrize("spool_mb", [1, 100])
def test_a_window_of_the_largest_packets_while_the_store_is_away(tmp_path, spool_mb):
    with mosquitto(tmp_path) as broker:
        site = Site(tmp_path / "site", broker.port, spool=True, store_url=f"influxdb://127.0.0.1:{free_port()}/heat")
        site.collector = msgspec.structs.replace(site.collector, spool_max_mb=spool_mb)
        site.start()
        assert site.subscribed()
        queue_up(site, broker.port, 4000, b"x" * LARGEST)
        assert wait_until(lambda: "spool takes no more" in site.log()), site.log()[-2000:]
        assert site.process is not None
        assert peak_mb(site.process.pid) < MOST_MB
        assert site.stop() == 0


@pytest.mark.parametrize(
    ("count", "payload"), [(1500, b"x" * LARGEST), (40, full_batch())], ids=["garbage", "readings"]
)
def test_a_queue_of_the_largest_packets(tmp_path, count, payload):
    with mosquitto(tmp_path) as broker:
        site = Site(tmp_path / "site", broker.port)
        site.start()
        assert site.subscribed()
        assert site.stop() == 0
        queue_up(site, broker.port, count, payload)
        site.start()
        assert wait_until(lambda: site.counters().get("packets", 0) >= count, 120), site.counters()
        assert site.process is not None
        assert peak_mb(site.process.pid) < MOST_MB
        assert site.stop() == 0
