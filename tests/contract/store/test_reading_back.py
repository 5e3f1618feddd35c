"""Readings as they come back, alone, as series and as a grid: the contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

import numpy as np
import pytest
from contract.storekit import DAY, MINUTE, T0, all_rows, room, rows, table

from heating.reading import KindCode, Quality, Reading, ReadingTable
from heating.site import PointKind


class TestSeries:
    def test_order_offsets_and_nan(self, store):
        store.write(
            table(
                room("D2", T0 + 2, 22.0, point="P2", humidity_pct=40.0),
                room("D1", T0 + 3, 23.0, point="P1", quality=Quality.MOVED | Quality.REPLAYED),
                room("D1", T0 + 1, 21.0, point="P1"),
                room("D1", T0 + 2, None, point="P1", humidity_pct=50.0),
                room("D1", T0 + 10, 99.0, point="P1"),
                room("D1", T0 - 1, 99.0, point="P1"),
            )
        )
        found = store.series(["P2", "none", "P1"], T0, T0 + 10)
        assert found.points == ("P2", "none", "P1")
        assert found.offsets.tolist() == [0, 1, 1, 3]
        assert found.ts_ms.tolist() == [T0 + 2, T0 + 1, T0 + 3]
        assert found.value.tolist() == [22.0, 21.0, 23.0]
        assert found.quality.tolist() == [0, 0, 18]
        humid = store.series(["P1", "P2"], T0, T0 + 10, quantity="humidity_pct")
        assert humid.value.tolist() == [50.0, 40.0]

    def test_bounds_are_half_open(self, store):
        store.write(table(room("D1", T0, 1.0), room("D1", T0 + 5, 2.0), room("D1", T0 + 10, 3.0)))
        assert store.series(["P-D1"], T0, T0 + 10).value.tolist() == [1.0, 2.0]
        assert store.series(["P-D1"], T0 + 10, T0 + 10).offsets.tolist() == [0, 0]
        assert store.series([], T0, T0 + 10).offsets.tolist() == [0]

    def test_entry_and_outdoor_quantities(self, store):
        store.write(
            table(
                Reading(kind=PointKind.ENTRY, point_id="E", device_id="H", ts_ms=T0, supply_c=61.5, flow_m3h=3.0),
                Reading(kind=PointKind.ENTRY, point_id="E", device_id="H", ts_ms=T0 + 1, return_c=44.0),
                Reading(kind=PointKind.OUTDOOR, point_id="O", device_id="W", ts_ms=T0, temperature_c=-7.5),
            )
        )
        values = {q: store.series(["E"], T0, T0 + 2, quantity=q).value.tolist() for q in ("supply_c", "return_c")}
        assert values == {"supply_c": [61.5], "return_c": [44.0]}
        assert store.series(["E"], T0, T0 + 2, quantity="flow_m3h").value.tolist() == [3.0]
        assert store.series(["O"], T0, T0 + 2).value.tolist() == [-7.5]
        with pytest.raises(ValueError, match="quantity"):
            store.series(["E"], T0, T0 + 2, quantity="ts")

    def test_two_devices_at_one_point_and_instant(self, store):
        store.write(table(room("B", T0, 20.0, point="P")))
        store.write(table(room("C", T0 + 1, 20.5, point="P")))
        store.write(table(room("A", T0 + 1, 30.0, point="P"), room("C", T0 + 2, 21.0, point="P")))
        found = store.series(["P"], T0, T0 + 9)
        assert found.ts_ms.tolist() == [T0, T0 + 1, T0 + 2]
        assert found.value.tolist()[0::2] == [20.0, 21.0]
        assert len(all_rows(store)) == 4

    def test_grid_holds_the_last_reading_of_a_slot(self, store):
        store.write(
            table(
                room("D1", T0 + 1, 20.0),
                room("D1", T0 + 9 * MINUTE, 21.0),
                room("D1", T0 + 25 * MINUTE, 22.0),
                room("D2", T0 + 10 * MINUTE, 19.0),
            )
        )
        grid = store.grid(["P-D2", "P-D1", "none"], T0, T0 + 30 * MINUTE, 10 * MINUTE)
        assert grid.times_ms.tolist() == [T0, T0 + 10 * MINUTE, T0 + 20 * MINUTE]
        nan = np.nan
        np.testing.assert_array_equal(grid.temperature_c, [[nan, 19.0, nan], [21.0, nan, 22.0], [nan, nan, nan]])


class TestReadings:
    def test_all_columns_in_order_of_instant_and_device(self, store):
        given = table(
            room("b", T0 + 1, 20.5, humidity_pct=33.0, battery_v=2.98, rssi_dbm=-71.0, lag_s=1.25, quality=Quality(17)),
            Reading(
                kind=PointKind.ENTRY,
                point_id="E",
                device_id="a",
                ts_ms=T0 + 1,
                supply_c=60.0,
                return_c=45.0,
                flow_m3h=2.0,
            ),
            Reading(kind=PointKind.OUTDOOR, point_id="O", device_id="c", ts_ms=T0, temperature_c=-9.0),
        )
        store.write(given)
        assert all_rows(store) == rows(given.rows(np.array([2, 1, 0])))
        assert all_rows(store, kinds=[KindCode.ENTRY]) == rows(given.rows(np.array([1])))
        assert all_rows(store, points=["O", "E"]) == rows(given.rows(np.array([2, 1])))
        assert all_rows(store, T0, T0 + 1) == rows(given.rows(np.array([2])))
        assert all_rows(store, points=[]) == []

    def test_many_come_in_chunks_and_in_order(self, store):
        count = 230_000
        point = np.empty(count, dtype=object)
        point[:] = [f"P{i % 400}" for i in range(count)]
        nothing = np.full(count, np.nan)
        given = ReadingTable(
            kind=np.zeros(count, dtype=np.int64),
            point=point,
            device=point,
            ts_ms=T0 + np.arange(count, dtype=np.int64) // 400 * 20 * MINUTE,
            temperature_c=np.arange(count) / 7,
            humidity_pct=nothing,
            battery_v=nothing,
            rssi_dbm=nothing,
            lag_s=nothing,
            supply_c=nothing,
            return_c=nothing,
            flow_m3h=nothing,
            quality=np.zeros(count, dtype=np.int64),
        )
        assert store.write(given).stored.all()
        chunks = list(store.readings(T0, T0 + 1000 * DAY))
        assert len(chunks) > 1
        found = ReadingTable.joined(chunks)
        order = np.lexsort((point.astype(str), given.ts_ms))
        np.testing.assert_array_equal(found.ts_ms, given.ts_ms[order])
        np.testing.assert_array_equal(found.device, point[order])
        np.testing.assert_array_equal(found.temperature_c, given.temperature_c[order])
        assert not store.write(given.rows(np.arange(0, count, 50))).stored.any()

    def test_an_iteration_may_be_left(self, store):
        store.write(table(room("D1", T0), room("D2", T0)))
        next(iter(store.readings(T0, T0 + 1)))
        assert len(all_rows(store)) == 2
