"""Retention, threads, and what a store says of itself: the contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from contract.storekit import DAY, T0, all_rows, rollup, room, table

from heating.measurement import Measurement
from heating.reading import KindCode


class TestRetention:
    def test_older_readings_go_and_derived_rows_stay(self, store):
        store.write(table(room("D1", T0 - 1), room("D2", T0 - DAY), room("D1", T0), room("D3", T0 + 1)))
        store.write_rollup(rollup(Measurement.ROOM_HOUR, {"ts": T0 - DAY, "point": "P1", "mean_c": 20.0}))
        assert store.forget_before(T0) in (2, -1)
        assert [row[2:4] for row in all_rows(store)] == [("D1", T0), ("D3", T0 + 1)]
        assert store.newest() == {"D1": T0, "D3": T0 + 1}
        assert len(store.rollup(Measurement.ROOM_HOUR, T0 - 2 * DAY, T0)) == 1
        assert store.forget_before(T0) in (0, -1)
        assert store.write(table(room("D1", T0), room("D2", T0 + 5))).stored.tolist() == [False, True]


class TestTogether:
    def test_threads_write_and_read(self, store):
        stop = threading.Event()

        def read() -> int:
            seen = 0
            while not stop.is_set():
                count = len(store.series([f"P{i}" for i in range(4)], T0, T0 + DAY))
                assert count >= seen
                seen = count
                store.latest(KindCode.ROOM)
            return seen

        def write(worker: int) -> int:
            stored = 0
            for batch in range(12):
                # Neighbours write the same readings at the same time: each must be stored once.
                part = [
                    room(f"D{worker // 2}", T0 + batch * 100 + i, float(i), point=f"P{worker // 2}") for i in range(50)
                ]
                stored += int(store.write(table(*part)).stored.sum())
            return stored

        with ThreadPoolExecutor(6) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            total = sum(pool.map(write, range(4)))
            stop.set()
            assert [reader.exception() for reader in readers] == [None, None]
        assert total == 2 * 12 * 50
        assert len(all_rows(store)) == total

    def test_ping_names_the_store(self, store):
        assert "store" in store.ping() or "InfluxDB" in store.ping()

    def test_close_twice(self, store):
        store.close()
        store.close()
