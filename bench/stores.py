"""A million readings written and read: the embedded store, InfluxDB, and plain SQLite beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import machine
import numpy as np
from figures import Cell, Steps, Table, middle
from peers.influxd import influxd
from plain_sqlite import PlainSqlite

from heating.reading import KindCode, ReadingTable
from heating.store import open_store
from heating.store.port import ReadingStore

BATCH = 5_000
POINTS = 10_000
STEP_MS = 20 * 60_000
DAY_MS = 86_400_000
START_MS = 1_768_000_000_000

Put = Callable[[ReadingTable], object]
Ask = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Subject:
    """A store as it is measured: how to write a batch, the questions, how large it is once at rest."""

    put: Put
    latest: Ask
    day_of_all: Ask
    day_of_one: Ask
    rest: Callable[[], int]


def measure(readings: int, folder: Path, steps: Steps) -> Table:
    """Write and read the same readings in every store."""
    stores = {"embedded (DuckDB)": _embedded, "SQLite, plain": _sqlite}
    if machine.where("influxd"):
        stores["InfluxDB"] = _influx
    steps.expect(5 * len(stores))
    rows = []
    for number, (name, opened) in enumerate(stores.items()):
        with opened(folder / f"store-{number}", readings) as subject:
            rows.append([name, *_figures(name, subject, readings, steps)])
    return Table(
        title="Stores",
        sizes=f"{readings} readings of {POINTS} points every 20 min with all fields of `room`, in the order in which "
        f"they happen, durable batches of {BATCH}; reads are medians of three, into numpy.",
        header=[
            "store", "rows/s written", "batch ms p99", "bytes per reading", "latest of all ms", "a day of all s",
            "24 h of one ms",
        ],
        rows=rows,
        notes=[
            "Embedded and InfluxDB through `ReadingStore`, first one wins; SQLite is a bare table with a primary key "
            "and one index, for comparison.",
            "Bytes: files of the store, closed (embedded, SQLite) or compacted and at rest (InfluxDB).",
        ],
    )  # fmt: skip


def _figures(name: str, subject: Subject, readings: int, steps: Steps) -> list[Cell]:
    steps.begin(f"{name}: writing")
    batches = []
    for batch in _batches(readings):
        began = time.perf_counter()
        subject.put(batch)
        batches.append(time.perf_counter() - began)
    steps.done()
    asked: list[Cell] = []
    for ask, unit in ((subject.latest, 1e3), (subject.day_of_all, 1.0), (subject.day_of_one, 1e3)):
        steps.begin(f"{name}: reading")
        asked.append(middle(partial(_timed, ask)) * unit)
        steps.done()
    steps.begin(f"{name}: coming to rest")
    size = subject.rest()
    steps.done()
    return [readings / sum(batches), float(np.percentile(batches, 99)) * 1e3, size / readings, *asked]


def _timed(ask: Ask) -> float:
    began = time.perf_counter()
    if not ask():
        raise RuntimeError("a store answered nothing")
    return time.perf_counter() - began


def _batches(readings: int) -> Iterator[ReadingTable]:
    rng = np.random.default_rng(7)
    points = np.array([f"P{i:05d}" for i in range(POINTS)], dtype=object)
    devices = np.array([f"D{i:05d}" for i in range(POINTS)], dtype=object)
    shift = np.sort(rng.integers(0, STEP_MS, POINTS))
    absent = np.full(BATCH, np.nan)
    for first in range(0, readings, BATCH):
        number = np.arange(first, min(first + BATCH, readings))
        who, n = number % POINTS, len(number)
        yield ReadingTable(
            kind=np.full(n, KindCode.ROOM, dtype=np.int64), point=points[who], device=devices[who],
            ts_ms=START_MS + STEP_MS * (number // POINTS) + shift[who],
            temperature_c=rng.normal(20, 2, n).round(1), humidity_pct=rng.normal(38, 5, n).round(1),
            battery_v=rng.normal(2.98, 0.02, n).round(2), rssi_dbm=rng.integers(-95, -50, n).astype(np.float64),
            lag_s=rng.gamma(2, 1, n).round(3), supply_c=absent[:n], return_c=absent[:n], flow_m3h=absent[:n],
            quality=np.zeros(n, dtype=np.int64),
        )  # fmt: skip


@contextmanager
def _embedded(folder: Path, readings: int) -> Iterator[Subject]:
    folder.mkdir()
    store = open_store(f"duckdb:///{folder}/store.duckdb", role="owner")

    def rest() -> int:
        store.close()
        return _size(folder)

    with closing(store):
        yield _through_port(store, rest, readings)


@contextmanager
def _influx(folder: Path, readings: int) -> Iterator[Subject]:
    with _compacting_soon(), influxd(folder) as server, closing(open_store(server.url())) as store:
        yield _through_port(store, lambda: _at_rest(folder), readings)


def _through_port(store: ReadingStore, rest: Callable[[], int], readings: int) -> Subject:
    points = [f"P{i:05d}" for i in range(POINTS)]
    end = _end_ms(readings)
    return Subject(
        store.write,
        lambda: len(store.latest(KindCode.ROOM)),
        lambda: len(store.series(points, end - DAY_MS, end)),
        lambda: len(store.series(points[77:78], end - DAY_MS, end)),
        rest,
    )


@contextmanager
def _sqlite(folder: Path, readings: int) -> Iterator[Subject]:
    folder.mkdir()
    store = PlainSqlite(folder / "store.sqlite")
    points = [f"P{i:05d}" for i in range(POINTS)]
    end = _end_ms(readings)

    def rest() -> int:
        store.close()
        return _size(folder)

    yield Subject(
        store.write,
        store.latest,
        lambda: len(store.series(points, end - DAY_MS, end)),
        lambda: len(store.series(points[77:78], end - DAY_MS, end)),
        rest,
    )


def _end_ms(readings: int) -> int:
    return START_MS + STEP_MS * (-(-readings // POINTS))


@contextmanager
def _compacting_soon() -> Iterator[None]:
    """Let the server write its cache out and compact as soon as it is left alone, not after hours."""
    names = ("CACHE_SNAPSHOT_WRITE_COLD_DURATION", "COMPACT_FULL_WRITE_COLD_DURATION")
    os.environ.update({f"INFLUXDB_DATA_{name}": "5s" for name in names})
    try:
        yield
    finally:
        for name in names:
            del os.environ[f"INFLUXDB_DATA_{name}"]


def _at_rest(folder: Path, quiet_s: float = 8.0, at_most_s: float = 90.0) -> int:
    """Wait until the files have stopped changing; return their size."""
    began = since = time.monotonic()
    last = _size(folder)
    while time.monotonic() - since < quiet_s and time.monotonic() - began < at_most_s:
        time.sleep(0.5)
        if (now := _size(folder)) != last:
            last, since = now, time.monotonic()
    return last


def _size(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:  # a file that the server has just replaced
            continue
    return total
