"""Threads that die or hang are seen by health, and replaced where that helps; what is not taken stays in the broker."""

from __future__ import annotations

import threading

import pytest
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.mosquitto import mosquitto
from peers.stage import REGISTER, collecting

pytestmark = pytest.mark.integration


def test_a_writer_that_hangs_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("collector.stage._STANDSTILL_S", 1.0)
    gate = threading.Event()
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        running.store.fault = lambda call: gate.wait(30) and None
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: running.health() == "loop stands still", 20), running.health()
        gate.set()
        assert wait_until(lambda: running.health() == "ok", 20), running.health()
        devices.close()


def test_a_dead_network_thread_is_not_alive(tmp_path, monkeypatch):
    monkeypatch.setattr("collector.session._RESTART_S", 1000.0)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    store, ledger = MemoryStore(), MemoryLedger(REGISTER)
    with mosquitto(tmp_path) as broker, collecting(broker.port, store=store, ledger=ledger) as running:

        def die(*_):
            raise MemoryError

        monkeypatch.setattr(running.stage._session._client, "_handle_publish", die)
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: "is dead" in running.health(), 20), running.health()
        devices.close()


def test_dead_network_thread_is_seen_and_replaced(tmp_path, monkeypatch):
    from collector import session

    monkeypatch.setattr(session, "_RESTART_S", 0.5)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        client = running.stage._session._client

        def die(*_):
            raise MemoryError

        monkeypatch.setattr(client, "_handle_publish", die)
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: running.metric("session_restarts_total") == 1)
        assert wait_until(lambda: len(running.store.rows) == 1)
        assert running.health() == "ok"
        devices.close()


def test_full_inbox_leaves_packets_to_the_broker_and_fetches_them_later(tmp_path, monkeypatch):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        monkeypatch.setattr(running.stage._inbox, "_capacity", 10)
        stuck, gate = threading.Event(), threading.Event()

        def fault(call):
            stuck.set()
            gate.wait(30)

        running.store.fault = fault
        devices = Publisher(broker.port)
        devices.reading("D2", now_ms(), 19.0)
        assert stuck.wait(20)
        for ts in instants(200):
            devices.reading("D1", ts, 19.0)
        assert wait_until(lambda: running.metric("shed_packets_total") > 0, 20)
        gate.set()
        assert wait_until(lambda: len(running.store.rows) == 201), len(running.store.rows)
        devices.close()
