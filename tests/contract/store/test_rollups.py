"""Derived rows: the contract of `ReadingStore`, for every adapter."""

from __future__ import annotations

import pytest
from contract.storekit import DAY, HOUR, STRANGE, T0, lines_of, rollup

from heating.measurement import ROLL_UPS, SCHEMAS, Measurement


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
