"""The contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from contract.storekit import DAY, HOUR, MINUTE, T0, all_rows, lines_of, rollup, room, rows, table
from msgspec import structs

from heating.measurement import ROLL_UPS, SCHEMAS, Measurement, RollUp
from heating.reading import KindCode, Quality, Reading, ReadingTable
from heating.site import PointKind

STRANGE = [
    "a b",
    "a,b",
    "a=b",
    'a"b',
    "a'b",
    "a\\b",
    "a\\",
    "a\nb",
    "房间 1",
    "S1/3%2F",
    "🏠",
    "a\\,b",
    "-",
    "a\tb",
    "#x",
    "a.b",
    "(a|b)[c]{2}^$?*+",
    "a/b/",
]


class TestFirstOneWins:
    def test_a_repeat_changes_nothing(self, store):
        assert store.write(table(room("D1", T0, 20.0), room("D2", T0, 21.0))).stored.tolist() == [True, True]
        again = store.write(table(room("D1", T0, 99.0), room("D2", T0 + 1, 22.0)))
        assert again.stored.tolist() == [False, True]
        assert [r[4] for r in all_rows(store)] == [v.hex() for v in (20.0, 21.0, 22.0)]

    def test_a_repeat_days_later_and_at_another_point(self, store):
        store.write(table(room("D1", T0, 20.0, point="P1")))
        for day in range(1, 9):
            store.write(table(room("D1", T0 + day * DAY, 20.0 + day, point="P1")))
        store.write(table(room("D1", T0 + 20 * DAY, 25.0, point="P2")))
        moved = table(room("D1", T0, 1.0, point="P2"), room("D1", T0 + 3 * DAY, 1.0, point="P2"))
        assert store.unseen(moved).tolist() == [False, False]
        assert not store.write(moved).stored.any()
        assert len(all_rows(store)) == 10

    def test_a_repeat_of_another_kind(self, store):
        store.write(table(room("D1", T0, 20.0)))
        entry = Reading(kind=PointKind.ENTRY, point_id="E1", device_id="D1", ts_ms=T0, supply_c=60.0)
        assert store.write(table(entry)).stored.tolist() == [False]
        assert store.write(table(room("D1", T0 + 1, 20.0))).stored.tolist() == [True]

    def test_repeats_inside_a_batch(self, store):
        batch = table(room("D1", T0, 1.0), room("D1", T0, 2.0), room("D2", T0, 3.0), room("D1", T0, 4.0, point="X"))
        assert store.unseen(batch).tolist() == [True, False, True, False]
        assert store.write(batch).stored.tolist() == [True, False, True, False]
        assert [r[4] for r in all_rows(store)] == [(1.0).hex(), (3.0).hex()]

    def test_a_reading_without_a_value_is_rejected_and_stands_in_no_ones_way(self, store):
        nothing = Reading(kind=PointKind.ENTRY, point_id="E", device_id="H", ts_ms=T0)
        written = store.write(table(nothing, structs.replace(nothing, supply_c=60.0), room("H", T0, 20.0)))
        assert written.stored.tolist() == [False, True, False]
        assert [row.index for row in written.rejected] == [0]
        assert [row[1:4] for row in all_rows(store)] == [("E", "H", T0)]

    def test_unseen_does_not_store(self, store):
        batch = table(room("D1", T0))
        assert store.unseen(batch).tolist() == [True]
        assert store.unseen(batch).tolist() == [True]
        assert all_rows(store) == []

    def test_an_older_reading_of_a_known_device_is_new(self, store):
        store.write(table(room("D1", T0)))
        assert store.write(table(room("D1", T0 - HOUR), room("D1", T0))).stored.tolist() == [True, False]


class TestLate:
    def test_late_is_older_than_the_newest_stored_before_it(self, store):
        first = store.write(table(room("D1", T0), room("D1", T0 - 1), room("D1", T0 + 5), room("D1", T0 + 2)))
        assert first.late.tolist() == [False, True, False, True]
        second = store.write(table(room("D1", T0 + 3), room("D1", T0 + 5), room("D1", T0 + 6), room("D2", T0)))
        assert second.stored.tolist() == [True, False, True, True]
        assert second.late.tolist() == [True, False, False, False]

    def test_newest_of_each_device(self, store):
        assert store.newest() == {}
        store.write(table(room("D1", T0 + 5), room("D2", T0), room("D1", T0), room("D1", T0 + 9, point="P9")))
        store.write(table(Reading(kind=PointKind.OUTDOOR, point_id="O", device_id="W", ts_ms=T0, temperature_c=-3.0)))
        assert store.newest() == {"D1": T0 + 9, "D2": T0, "W": T0}


class TestLatest:
    @pytest.fixture(autouse=True)
    def _filled(self, store):
        store.write(
            table(
                room("D1", T0, 20.0, point="P1"),
                room("D1", T0 + HOUR, 21.0, point="P1"),
                room("D2", T0 - 3 * DAY, 18.0, point="P2"),
                room("D3", T0 - 60 * DAY, 17.0, point="P0"),
                Reading(kind=PointKind.OUTDOOR, point_id="O", device_id="W", ts_ms=T0, temperature_c=-3.0),
            )
        )

    def temperatures(self, found: ReadingTable) -> list[tuple[str, float]]:
        return list(zip(found.point.tolist(), found.temperature_c.tolist(), strict=True))

    def test_of_all_points_of_a_kind_by_point(self, store):
        assert self.temperatures(store.latest(KindCode.ROOM)) == [("P0", 17.0), ("P1", 21.0), ("P2", 18.0)]
        assert self.temperatures(store.latest(KindCode.OUTDOOR)) == [("O", -3.0)]
        assert len(store.latest(KindCode.ENTRY)) == 0

    def test_at_an_instant_inclusive(self, store):
        found = store.latest(KindCode.ROOM, at_ms=T0 + HOUR - 1)
        assert self.temperatures(found) == [("P0", 17.0), ("P1", 20.0), ("P2", 18.0)]
        assert dict(self.temperatures(store.latest(KindCode.ROOM, at_ms=T0 + HOUR)))["P1"] == 21.0
        assert self.temperatures(store.latest(KindCode.ROOM, at_ms=T0 - DAY)) == [("P0", 17.0), ("P2", 18.0)]
        assert len(store.latest(KindCode.ROOM, at_ms=T0 - 61 * DAY)) == 0

    def test_within(self, store):
        found = store.latest(KindCode.ROOM, at_ms=T0 + HOUR, within_ms=HOUR)
        assert self.temperatures(found) == [("P1", 21.0)]
        found = store.latest(KindCode.ROOM, at_ms=T0 + HOUR - 1, within_ms=HOUR - 1)
        assert self.temperatures(found) == [("P1", 20.0)]
        assert len(store.latest(KindCode.ROOM, at_ms=T0 + HOUR - 1, within_ms=HOUR - 2)) == 0
        with pytest.raises(ValueError, match="at_ms"):
            store.latest(KindCode.ROOM, within_ms=HOUR)

    def test_of_some_points(self, store):
        assert self.temperatures(store.latest(KindCode.ROOM, points=["P2", "P1", "none"])) == [
            ("P1", 21.0),
            ("P2", 18.0),
        ]
        assert len(store.latest(KindCode.ROOM, points=[])) == 0

    def test_a_replaced_device_counts_for_its_point(self, store):
        store.write(table(room("D9", T0 + 2 * HOUR, 22.0, point="P1")))
        found = store.latest(KindCode.ROOM, points=["P1"])
        assert found.device.tolist() == ["D9"]
        assert store.latest(KindCode.ROOM, points=["P1"], at_ms=T0 + HOUR).device.tolist() == ["D1"]


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


class TestExactness:
    VALUES = (0.1, -0.1, 1 / 3, 19.4, 21.05, 1e-300, -1e300, 5e-324, 123456789.12345678, 2**53 + 0.0, 20.0, -40.0, 1e22)

    def test_floats_come_back_bit_by_bit(self, store):
        store.write(table(*(room(f"D{i:02}", T0 + i, value, lag_s=-value) for i, value in enumerate(self.VALUES))))
        found = store.series([f"P-D{i:02}" for i in range(len(self.VALUES))], T0, T0 + 100)
        assert [value.hex() for value in found.value.tolist()] == [value.hex() for value in self.VALUES]
        assert [row[8] for row in all_rows(store)] == [(-value).hex() for value in self.VALUES]

    def test_strange_ids(self, store):
        given = table(*(room(name, T0 + i, 20.0 + i, point=name) for i, name in enumerate(STRANGE)))
        assert store.write(given).stored.all()
        assert not store.write(given).stored.any()
        assert all_rows(store) == rows(given)
        assert store.newest() == {name: T0 + i for i, name in enumerate(STRANGE)}
        found = store.series(STRANGE, T0, T0 + 100)
        assert found.value.tolist() == [20.0 + i for i in range(len(STRANGE))]
        assert store.latest(KindCode.ROOM, points=STRANGE).point.tolist() == sorted(STRANGE)

    def test_very_many_points_by_name(self, store):
        count = 2_500
        store.write(table(*(room(f"D.{i}", T0 + i, 20.0, point=f"S1/{i}") for i in range(count))))
        asked = [f"S1/{i}" for i in range(0, count, 2)]
        for end in (T0 + HOUR, T0 + 30 * DAY):
            assert store.series(asked, T0, end).offsets.tolist() == list(range(len(asked) + 1))
            assert [row[1] for row in all_rows(store, T0, end, points=asked)] == asked
        assert store.latest(KindCode.ROOM, points=asked).point.tolist() == sorted(asked)
        hours = [{"ts": T0, "point": f"S1/{i}", "mean_c": 20.0} for i in range(count)]
        store.write_rollup(rollup(Measurement.ROOM_HOUR, *hours))
        for end in (T0 + 1, T0 + DAY):
            found = store.rollup(Measurement.ROOM_HOUR, T0, end, tag="point", values=asked)
            assert found.tags["point"].tolist() == sorted(asked)

    def test_a_reading_with_one_value_only(self, store):
        given = table(room("D1", T0, None, battery_v=2.9), room("D1", T0 + 1, None))
        assert store.write(given).stored.all()
        assert all_rows(store) == rows(given)

    def test_far_instants(self, store):
        given = table(room("D1", 946_684_800_000), room("D1", 4_102_444_800_000))
        store.write(given)
        assert all_rows(store) == rows(given)

    def test_nothing(self, store):
        written = store.write(ReadingTable.empty())
        assert (len(written.stored), len(written.late), written.rejected) == (0, 0, ())
        assert store.unseen(ReadingTable.empty()).tolist() == []
        store.write_rollup(RollUp.empty(Measurement.ROOM_HOUR))
        assert all_rows(store) == []
        assert store.newest() == {}

    def test_arguments_may_come_out_of_arrays(self, store):
        given = table(room("D1", T0), room("D2", T0 + 1))
        store.write(given)
        low, high = np.array([T0, T0 + 1])
        assert len(store.series(given.point, low, high)) == 1
        assert len(store.latest(KindCode.ROOM, at_ms=high, within_ms=high - low, points=given.point)) == 2
        assert len(store.grid(given.point, low, high, high - low).times_ms) == 1
        assert len(all_rows(store, low, high, points=given.point[:0])) == 0
        assert len(store.latest(KindCode.ROOM, points=given.point[:0])) == 0
        assert len(store.rollup(Measurement.ROOM_HOUR, low, high, tag="point", values=given.point)) == 0
        assert store.forget_before(low) in (0, -1)


class TestRollUps:
    def test_the_last_one_wins(self, store):
        store.write_rollup(
            rollup(
                Measurement.ROOM_HOUR,
                {"ts": T0, "point": "P1", "mean_c": 20.0, "n": 3.0},
                {"ts": T0, "point": "P2", "mean_c": 21.0, "n": 3.0},
                {"ts": T0 + HOUR, "point": "P1", "mean_c": 22.0, "n": 2.0},
            )
        )
        store.write_rollup(
            rollup(
                Measurement.ROOM_HOUR,
                {"ts": T0, "point": "P1", "mean_c": 10.0, "n": 3.0},
                {"ts": T0, "point": "P1", "mean_c": 20.5, "n": 4.0},
            )
        )
        assert lines_of(store.rollup(Measurement.ROOM_HOUR, T0, T0 + 2 * HOUR)) == [
            {"ts": T0, "point": "P1", "mean_c": 20.5, "n": 4.0},
            {"ts": T0, "point": "P2", "mean_c": 21.0, "n": 3.0},
            {"ts": T0 + HOUR, "point": "P1", "mean_c": 22.0, "n": 2.0},
        ]

    def test_a_field_that_is_absent_in_the_new_row_is_gone(self, store):
        place = {"point": "P 1", "station": "S1", "building": "S1/3%2F", "status": "cold"}
        cold = place | {"ts": T0, "temperature_c": 17.0, "deficit_k": 1.0, "score": 2.0}
        store.write_rollup(rollup(Measurement.HOME_STATUS, cold, cold | {"ts": T0 + HOUR}))
        warm = place | {"ts": T0, "status": "ok", "temperature_c": 18.5}
        store.write_rollup(rollup(Measurement.HOME_STATUS, warm))
        assert lines_of(store.rollup(Measurement.HOME_STATUS, T0, T0 + DAY)) == [warm, cold | {"ts": T0 + HOUR}]

    def test_selected_by_tag_and_time(self, store):
        lines = [
            {"ts": T0 + i, "point": f"P{i}", "station": "S 1", "branch": "S1/B,1", "building": f"S1/{i % 2}",
             "unit": "", "floor": str(i), "status": "cold" if i else "below_target", "temperature_c": 17.0 + i}
            for i in range(4)
        ]  # fmt: skip
        store.write_rollup(rollup(Measurement.HOME_STATUS, *lines))
        wanted = [{name: value for name, value in line.items() if value != ""} for line in lines]
        assert lines_of(store.rollup(Measurement.HOME_STATUS, T0, T0 + 9)) == wanted
        found = store.rollup(Measurement.HOME_STATUS, T0 + 1, T0 + 3, tag="building", values=["S1/1", "x"])
        assert lines_of(found) == [wanted[1]]
        assert lines_of(store.rollup(Measurement.HOME_STATUS, T0, T0 + 9, tag="unit", values=[""])) == wanted
        assert lines_of(store.rollup(Measurement.HOME_STATUS, T0, T0 + 9, tag="unit", values=["", "2"])) == wanted
        assert len(store.rollup(Measurement.HOME_STATUS, T0, T0 + 9, tag="point", values=[])) == 0

    @pytest.mark.parametrize("measurement", ROLL_UPS)
    def test_every_measurement_and_field(self, store, measurement):
        schema = SCHEMAS[measurement]
        line = {"ts": T0} | {name: f"{name} ü" for name in (*schema.tags, *schema.texts)}
        line |= {name: 0.1 * (place + 1) for place, name in enumerate(schema.floats)}
        store.write_rollup(rollup(measurement, line))
        assert lines_of(store.rollup(measurement, T0, T0 + 1)) == [line]

    def test_strange_texts(self, store):
        lines = [
            {"ts": T0 + i, "point": f"P{i}", "station": name, "status": name, "temperature_c": 20.0}
            for i, name in enumerate(STRANGE)
        ]
        store.write_rollup(rollup(Measurement.HOME_STATUS, *lines))
        assert lines_of(store.rollup(Measurement.HOME_STATUS, T0, T0 + 100)) == lines


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
