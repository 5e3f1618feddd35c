"""The newest reading of each point: the contract of `ReadingStore.latest`, for every adapter."""

from __future__ import annotations

import pytest
from contract.storekit import DAY, HOUR, T0, room, table

from heating.reading import KindCode, Reading, ReadingTable
from heating.site import PointKind


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
