"""A child process of the store's tests: owns a store, writes numbered readings, tells what was acknowledged."""

from __future__ import annotations

import resource
import signal
import sys
import threading

from heating.errors import StoreUnavailable
from heating.reading import Reading, ReadingTable
from heating.site import PointKind
from heating.store import open_store

T0 = 1_795_312_800_000
BATCH = 20


def batch(number: int) -> ReadingTable:
    return ReadingTable.of(
        [
            Reading(
                kind=PointKind.ROOM,
                point_id=f"P{i}",
                device_id=f"D{i}",
                ts_ms=T0 + number,
                temperature_c=number + i / 8,
            )
            for i in range(BATCH)
        ]
    )


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def hold(url: str) -> None:
    store = open_store(url, role="owner")
    store.write(batch(0))
    say("ready")
    sys.stdin.read()
    store.close()


def write(url: str, start: int) -> None:
    """Write until killed; a number is printed once its batch is acknowledged."""
    store = open_store(url, role="owner")
    number = start
    while True:
        store.write(batch(number))
        say(number)
        number += 1


def fill(url: str) -> None:
    """Write under a limit of the file size, then without it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = open_store(url, role="owner")
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    number, failures = 0, 0
    while failures < 5:
        try:
            store.write(batch(number))
            number += 1
        except StoreUnavailable:
            failures += 1
    say(number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for later in range(number, number + 10):
        store.write(batch(later))
    say(sum(len(chunk) for chunk in store.readings(T0, T0 + 10**9)))
    store.close()


def read(url: str) -> None:
    """Read as a guest until stdin closes."""
    store = open_store(url, role="reader")
    say("ready")
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    rounds = 0
    while not stop.is_set():
        store.series([f"P{i}" for i in range(BATCH)], T0, T0 + 10**9)
        rounds += 1
    say(rounds)
    store.close()


if __name__ == "__main__":
    action, url, *rest = sys.argv[1:]
    {"hold": hold, "write": write, "fill": fill, "read": read}[action](url, *map(int, rest))
