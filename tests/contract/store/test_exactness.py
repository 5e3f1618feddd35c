"""What goes in comes out, bit by bit and with every name: the contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

import numpy as np
from contract.storekit import DAY, HOUR, STRANGE, T0, all_rows, rollup, room, rows, table

from heating.measurement import Measurement, RollUp
from heating.reading import KindCode, ReadingTable


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
        count = 4_500
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
