"""Who is new, who is a repeat, who came late: the contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

from contract.storekit import DAY, HOUR, T0, all_rows, room, table
from msgspec import structs

from heating.reading import Reading
from heating.site import PointKind


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
