"""A bug in the hand-over from the network thread costs at most the packet that it stops, and that is kept verbatim."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.mosquitto import mosquitto
from peers.stage import Running, collecting, warnings

from collector.packet import Packet

pytestmark = pytest.mark.integration

POISON = b'{"ts": 1, "temperature_c": "poison"}'


def break_offer(running: Running, monkeypatch, stops: Callable[[Packet], bool]) -> None:
    """Put a bug into the inbox."""
    offer = running.stage._inbox.offer

    def broken(packet: Packet) -> bool:
        if stops(packet):
            raise RuntimeError("a bug")
        return offer(packet)

    monkeypatch.setattr(running.stage._inbox, "offer", broken)


def test_a_packet_that_is_stopped_once_comes_again_soon(tmp_path, monkeypatch, caplog):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        stopped: list[Packet] = []
        break_offer(running, monkeypatch, lambda packet: not stopped and not stopped.append(packet))
        devices = Publisher(broker.port)
        for ts in instants(50):
            devices.reading("D1", ts, 19.0)
        assert wait_until(lambda: len(running.store.rows) == 49)
        assert wait_until(lambda: len(running.store.rows) == 50, 10)
        assert running.metric("handover_errors_total") == 1
        assert running.metric("connections_total") == 2
        assert wait_until(lambda: running.health() == "ok", 5), running.health()
        assert running.ledger.journal.rows == []
        assert not any("disconnected" in line for line in warnings(caplog)), "we ended it ourselves"
        devices.close()


def test_a_packet_that_is_stopped_each_time_goes_to_the_quarantine(tmp_path, monkeypatch):
    """It stands first in line, and the broker lets no other pass it: the window is one packet."""
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port, receive_maximum=1) as running:
            break_offer(running, monkeypatch, lambda packet: packet.payload == POISON)
            devices = Publisher(broker.port)
            devices.garbage("D1", POISON)
            for ts in instants(20):
                devices.reading("D1", ts, 19.0)
            totals = running.ledger.journal.totals
            assert wait_until(lambda: totals["received"] == 21, 20), running.metric("handover_errors_total")
            (row,) = running.ledger.journal.rows
            assert (row.reason, row.payload) == ("hand_over_failed", POISON)
            assert running.metric("handover_errors_total") == 3
            assert running.metric("connections_total") == 3
            assert (totals["stored"], totals["quarantined"]) == (20, 1)
        with collecting(broker.port) as running:
            devices.reading("D2", now_ms(), 19.0)
            assert wait_until(lambda: running.ledger.journal.totals["stored"] == 1)
            assert running.ledger.journal.totals["packets"] == 1, "it was not acknowledged"
        devices.close()


def test_what_no_broker_brings_again_is_set_aside_at_once(tmp_path, monkeypatch):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        break_offer(running, monkeypatch, lambda packet: packet.payload == POISON)
        devices = Publisher(broker.port)
        devices.raw("heatwatch/v1/D1/readings", POISON, qos=0)
        assert wait_until(lambda: [row.payload for row in running.ledger.journal.rows] == [POISON], 10)
        assert running.metric("handover_errors_total") == 1
        devices.close()


def test_a_bug_that_stops_everything_loses_nothing_and_makes_no_storm(tmp_path, monkeypatch):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        arrivals = running.stage._session._arrivals
        packet = arrivals._packet

        def broken(*_):
            raise KeyError("a bug")

        monkeypatch.setattr(arrivals, "_packet", broken)
        devices = Publisher(broker.port)
        for i, ts in enumerate(instants(100)):
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert wait_until(lambda: running.metric("connections_total") == 2, 10)
        monkeypatch.setattr(arrivals, "_packet", packet)
        assert wait_until(lambda: running.ledger.journal.totals["received"] == 100, 20)
        assert running.metric("connections_total") <= 3
        assert len(running.store.rows) + len(running.ledger.journal.rows) == 100
        devices.close()
