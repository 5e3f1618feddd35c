"""Whatever comes, and by whatever way, comes once and blocks nothing."""

from __future__ import annotations

import json

import pytest
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.mosquitto import mosquitto
from peers.stage import collecting

from collector.settings import TopicSettings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_whatever_quality_a_device_publishes_with_it_comes_once(tmp_path, qos):
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port):
            pass
        devices = Publisher(broker.port)
        for i in range(100):
            reading = json.dumps({"ts": now_ms() - i, "temperature_c": 19.0})
            devices.raw("heatwatch/v1/D1/readings", reading, qos=qos)
        assert devices.delivered()
        with collecting(broker.port) as first:
            assert wait_until(lambda: first.ledger.journal.totals["received"] == 100)
        with collecting(broker.port) as second:
            devices.reading("D2", now_ms(), 19.0)
            assert wait_until(lambda: len(second.store.rows) == 1)
            assert second.ledger.journal.totals["received"] == 1
        devices.close()


def test_a_shared_subscription_delivers_to_us_alone(tmp_path):
    topics = (TopicSettings(filter="$share/site/heatwatch/v1/+/readings"),)
    with mosquitto(tmp_path) as broker, collecting(broker.port, topics=topics) as running:
        devices = Publisher(broker.port)
        for ts in instants(50):
            devices.reading("D1", ts, 19.0)
        assert wait_until(lambda: len(running.store.rows) == 50)
        devices.close()


def test_a_packet_of_twenty_megabytes_first_in_line_blocks_nothing(tmp_path):
    with mosquitto(tmp_path, extra=("message_size_limit 0",)) as broker:
        with collecting(broker.port):
            pass
        devices = Publisher(broker.port)
        devices.raw("heatwatch/v1/D1/readings", b"x" * 20_000_000)
        devices.garbage("D1", b"x" * 1_000_000)
        devices.reading("D1", now_ms(), 19.0)
        assert devices.delivered()
        with collecting(broker.port) as running:
            assert wait_until(lambda: len(running.store.rows) == 1)
            assert wait_until(lambda: [row.reason for row in running.ledger.journal.rows] == ["too_large"])
        devices.close()
