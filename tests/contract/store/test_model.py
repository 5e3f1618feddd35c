"""Any sequence of writes and retention, on every adapter, against a model of a few lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from contract.conftest import ADAPTERS
from contract.storekit import T0, all_rows, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from heating.reading import KindCode, Quality, Reading, ReadingTable
from heating.site import PointKind

POINTS = ["P1", "P 2", "P,3"]
READING = st.builds(
    Reading,
    kind=st.sampled_from(PointKind),
    point_id=st.sampled_from(POINTS),
    device_id=st.sampled_from(["A", "B=", "c"]),
    ts_ms=st.integers(0, 30).map(lambda step: T0 + step * 600_000),
    temperature_c=st.none() | st.floats(-40, 60),
    humidity_pct=st.none() | st.floats(0, 100),
    supply_c=st.none() | st.floats(0, 150),
    quality=st.sampled_from([Quality(0), Quality.LOW_BATTERY | Quality.REPLAYED]),
)
# A batch is written; an instant is a cut-off of the retention.
INSTANT = st.integers(-1, 31).map(lambda step: T0 + step * 600_000)
STEPS = st.lists(st.lists(READING, max_size=12) | INSTANT, max_size=7)


class Model:
    """First one wins, by device and instant."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Reading] = {}

    def write(self, batch: list[Reading]) -> tuple[list[bool], list[bool], set[int]]:
        stored, late, rejected = [], [], set()
        for index, reading in enumerate(map(plain, batch)):
            key = (reading.device_id, reading.ts_ms)
            newest = self.newest().get(reading.device_id, reading.ts_ms)
            if worthless(reading):
                rejected.add(index)
            stored.append(key not in self.kept and index not in rejected)
            late.append(stored[-1] and reading.ts_ms < newest)
            if stored[-1]:
                self.kept[key] = reading
        return stored, late, rejected

    def forget_before(self, cutoff_ms: int) -> None:
        self.kept = {key: reading for key, reading in self.kept.items() if key[1] >= cutoff_ms}

    def series(self, point: str, end_ms: int) -> dict[int, set[float]]:
        """Temperatures of a point by instant: of two devices at one instant either may be shown."""
        found: dict[int, set[float]] = {}
        for reading in self.kept.values():
            if reading.point_id == point and reading.ts_ms < end_ms and reading.temperature_c is not None:
                found.setdefault(reading.ts_ms, set()).add(reading.temperature_c)
        return found

    def newest(self) -> dict[str, int]:
        newest: dict[str, int] = {}
        for device, ts in self.kept:
            newest[device] = max(ts, newest.get(device, ts))
        return newest

    def rows(self) -> list[tuple]:
        ordered = [self.kept[key] for key in sorted(self.kept, key=lambda key: (key[1], key[0]))]
        return rows(ReadingTable.of(ordered))

    def latest(self, kind: PointKind, at_ms: int) -> list[tuple[str, int]]:
        found: dict[str, int] = {}
        for reading in self.kept.values():
            if reading.kind is kind and reading.ts_ms <= at_ms:
                found[reading.point_id] = max(reading.ts_ms, found.get(reading.point_id, reading.ts_ms))
        return sorted(found.items())


def plain(reading: Reading) -> Reading:
    """Leave out what the measurement of a kind has no field for (contract §5)."""
    if reading.kind is PointKind.ROOM:
        return structs.replace(reading, supply_c=None)
    if reading.kind is PointKind.OUTDOOR:
        return structs.replace(reading, humidity_pct=None, supply_c=None, quality=Quality(0))
    return structs.replace(reading, temperature_c=None, humidity_pct=None, quality=Quality(0))


def worthless(reading: Reading) -> bool:
    values = (reading.temperature_c, reading.humidity_pct, reading.supply_c)
    return reading.kind is not PointKind.ROOM and all(value is None for value in values)


@pytest.mark.parametrize("adapter", ADAPTERS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, at=INSTANT)
def test_any_steps(adapter, opened, steps, at):
    with tempfile.TemporaryDirectory() as folder, opened(adapter, Path(folder)) as store:
        model = Model()
        for batch in steps:
            if isinstance(batch, int):
                store.forget_before(batch)
                model.forget_before(batch)
                continue
            given_table = ReadingTable.of(batch)
            new = store.unseen(given_table)
            written = store.write(given_table)
            rejected = {row.index for row in written.rejected}
            assert (written.stored.tolist(), written.late.tolist(), rejected) == model.write(batch)
            assert {row for row in range(len(batch)) if new[row] != written.stored[row]} <= rejected
        assert all_rows(store) == model.rows()
        assert store.newest() == model.newest()
        for kind in PointKind:
            found = store.latest(KindCode.of(kind), at_ms=at)
            assert list(zip(found.point.tolist(), found.ts_ms.tolist(), strict=True)) == model.latest(kind, at)
        whole = store.series(POINTS, T0, at)
        for place, point in enumerate(POINTS):
            own = slice(whole.offsets[place], whole.offsets[place + 1])
            told = dict(zip(whole.ts_ms[own].tolist(), whole.value[own].tolist(), strict=True))
            may = model.series(point, at)
            assert sorted(told) == sorted(may) == whole.ts_ms[own].tolist()
            assert all(told[ts] in may[ts] for ts in may)
