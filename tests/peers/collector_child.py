"""A collector alone in a process, to be killed: `python collector_child.py '<json of Child>'`."""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
from zoneinfo import ZoneInfo

import msgspec

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
from heating.errors import StoreUnavailable
from heating.ledger import database, open_ledger
from heating.store import ReadingStore, open_store
from heatwatch.signals import stop_on_signals


class Child(msgspec.Struct, kw_only=True):
    """What the child needs to know."""

    mqtt: MqttSettings
    collector: CollectorSettings = CollectorSettings()
    store: str
    ledger: str
    start_after_s: float = 0.0
    ledger_busy_s: float = database.BUSY_S


def main() -> None:
    faulthandler.enable()  # who waits in vain for its end sends SIGABRT, and finds in the log where it stood
    told = msgspec.json.decode(sys.argv[1], type=Child)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = stop_on_signals(threading.Event())
    stop.wait(told.start_after_s)
    store = opened(told.store, stop)
    database.BUSY_S = told.ledger_busy_s
    ledger = open_ledger(told.ledger)
    setup = CollectorSetup(mqtt=told.mqtt, collector=told.collector, zone=ZoneInfo("Asia/Shanghai"))
    try:
        CollectorStage(setup, store, ledger, SystemClock()).run(stop)
    finally:
        store.close()
        ledger.close()


def opened(url: str, stop: threading.Event) -> ReadingStore:
    """Open the store, however long it is away."""
    while True:
        try:
            return open_store(url, role="owner")
        except StoreUnavailable:
            if stop.wait(0.2):
                raise


if __name__ == "__main__":
    main()
