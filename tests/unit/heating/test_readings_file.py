"""Readings CSV, contract §4: what is read, what is skipped, what is refused with its line, and the way back."""

from __future__ import annotations

import io
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heating.errors import InputError
from heating.reading import KindCode, Reading, ReadingTable
from heating.readings_file import ReadingsFile, read_readings, write_readings
from heating.readings_text import BLOCK_BYTES
from heating.register import Register
from heating.site import MeasurementPoint, Placement, PointKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON_MS = 1795320000000  # 2026-11-22 12:00 +08:00


def register() -> Register:
    return Register.of_points(
        [
            MeasurementPoint(point_id="P1", device_id="D1", station="S1", building="1", floor=1),
            MeasurementPoint(point_id="P2", device_id="D2", station="S1", building="1", floor=2),
            MeasurementPoint(point_id="E1", device_id="DE", station="S1", building="1", kind=PointKind.ENTRY),
            MeasurementPoint(point_id="O1", device_id="DO", station="S1", kind=PointKind.OUTDOOR),
        ]
    )


def read(folder: Path, text: str | bytes, of: Register | None = None) -> ReadingsFile:
    file = folder / "readings.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_readings(file, of or register(), SHANGHAI)


@pytest.mark.parametrize(
    "ts",
    [
        "1795320000",
        "1795320000.0",
        "1795320000000",
        "1795320000000000",
        "1795320000000000000",
        "2026-11-22T12:00:00+08:00",
        "2026-11-22T04:00:00Z",
        "2026-11-22T12:00:00",
        "2026-11-22 12:00",
        " 2026-11-22 12:00 ",
    ],
)
def test_an_instant_is_read_in_every_spelling(tmp_path: Path, ts: str) -> None:
    assert read(tmp_path, f"device_id,ts,temperature_c\nD1,{ts},19.5\n").table.ts_ms.tolist() == [NOON_MS]


def test_columns_come_in_any_order_and_foreign_ones_are_ignored(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "note,temperature_c,TS,battery_v,device_id,supply_c\nx,,1795320000,,DE,45.5\ny,19.5,1795320000,2.9,D1,\n",
    ).table
    assert table.point.tolist() == ["E1", "P1"]
    assert table.kind.tolist() == [KindCode.ENTRY, KindCode.ROOM]
    assert table.supply_c[0] == 45.5
    assert np.isnan(table.temperature_c[0])
    assert table.battery_v[1] == 2.9
    assert np.isnan(table.return_c).all()


@pytest.mark.parametrize(
    ("data", "device"),
    [
        (b"device_id,ts,temperature_c\r\nD1,1795320000,19.5\r\n", "D1"),
        ("\ufeffdevice_id,ts,temperature_c\nD1,1795320000,19.5".encode(), "D1"),
        (b'"device_id","ts","temperature_c"\n"D1","1795320000","19.5"\n', "D1"),
        (b"device_id;ts;temperature_c\n\nD1;1795320000;19.5\n\n", "D1"),
        (b"device_id,ts,temperature_c\n,,\nD1,1795320000,19.5\n , ,\n", "D1"),
        (b"device_id\tts\ttemperature_c\nD1\t1795320000\t19.5\t\n", "D1"),
        ("device_id,ts,temperature_c,备注\n楼道一号,1795320000,19.5,客厅\n".encode("gb18030"), "楼道一号"),
        ("device_id,ts,temperature_c,备注\n楼道一号,1795320000,19.5,客厅\n".encode(), "楼道一号"),
    ],
)
def test_whatever_excel_saves_is_read(tmp_path: Path, data: bytes, device: str) -> None:
    point = MeasurementPoint(point_id="P", device_id=device, station="S1", building="1", floor=1)
    table = read(tmp_path, data, Register.of_points([point])).table
    assert (table.device.tolist(), table.temperature_c.tolist()) == ([device], [19.5])


@pytest.mark.parametrize(
    ("row", "line", "told"),
    [
        ("D1,1795320000,abc", 4, "temperature_c: 'abc'"),
        ("D1,1795320000,nan", 4, "temperature_c: 'nan'"),
        ("D1,1795320000,-inf", 4, "temperature_c: '-inf'"),
        ("D1,1795320000,1e999", 4, "temperature_c: '1e999'"),
        ("D1,1795320000,1_9", 4, "temperature_c: '1_9'"),
        ("D1,yesterday,19", 4, "ts: 'yesterday'"),
        ("D1,1795320000000000000000000,19", 4, "ts: '1795"),
        ("D1,0,19", 4, "before 2000"),
        ("D1,,19", 4, "ts: is required"),
        (",1795320000,19", 4, "device_id: is required"),
        ("D1,1795320000", 4, "has 2 cells where the header has 3"),
        ("D1,1795320000,19,5", 4, "has 4 cells where the header has 3"),
        (",,\nD1,1795320000,warm", 5, "temperature_c: 'warm'"),
        ('"D1",1795320000,"x"', 4, "temperature_c: 'x'"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(tmp_path: Path, row: str, line: int, told: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"device_id,ts,temperature_c\nD1,1795320000,19\n\n{row}\nD1,1795320300,19\n")
    assert f"line {line}" in str(refused.value)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_line_is_right_far_into_a_file(tmp_path: Path) -> None:
    rows = 4 * BLOCK_BYTES // len("D1,1795320000,19.5\n") // 3
    text = "device_id,ts,temperature_c\n" + "D1,1795320000,19.5\n" * rows + "D1,1795320000,warm\n"
    with pytest.raises(InputError, match=f"line {rows + 2}, temperature_c: 'warm'"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"device_id,ts\nD1,1\n", "no temperature_c"),
        (b"device_id,ts,ts,temperature_c\n", "ts twice"),
        (b"PK\x03\x04rest", "Excel"),
        (b"device_id,ts,temperature_c\rD1,1795320000,19\r", "CR alone"),
        ("device_id,ts,temperature_c\n".encode("utf-16"), "UTF-16"),
        (b"device_id,ts,temperature_c\nD1\0,1795320000,19\n", "neither"),
        (b"device_id,ts,temperature_c\nD\xff\xff1,1795320000,19\n", "neither"),
        (b"x" * (6 << 20), "longer than"),
    ],
)
def test_what_is_no_readings_file_is_refused_in_one_line(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read(tmp_path, data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        read_readings(tmp_path / "nowhere.csv", register(), SHANGHAI)


def test_a_header_alone_holds_no_readings(tmp_path: Path) -> None:
    assert read(tmp_path, "device_id,ts,temperature_c\n").rows == 0


def test_what_is_no_reading_is_skipped_and_counted(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "device_id,ts,temperature_c,supply_c\n"
        "D1,1795320000,19.5,\n"
        "D1,1795320000,21.0,\n"  # the first one wins
        "DX,1795320000,19.5,\n"
        "D1,1795320600,,\n"
        "D1,1795321200,60.5,\n"
        "D1,1795321800,60.0,\n"
        "DO,1795320000,6553.5,\n"
        "DO,1795320600,-60,\n"
        "DE,1795320000,,150.5\n"
        "DE,1795320600,,0\n",
    )
    assert file.table.temperature_c[:3].tolist() == [19.5, 60.0, -60.0]
    assert file.table.supply_c[3] == 0
    assert (file.rows, file.skipped.total) == (10, 6)
    assert (file.skipped.unknown_device, file.skipped.unknown_devices) == (1, {"DX"})
    assert (file.skipped.without_value, file.skipped.implausible, file.skipped.repeated) == (1, 3, 1)
    assert str(file.skipped).startswith("1 of 1 devices not in the register")


def test_the_point_is_where_the_device_was_at_the_time(tmp_path: Path) -> None:
    points = register().points
    moved = Register(
        points,
        [Placement("D1", "P1", None, NOON_MS), Placement("D1", "P2", NOON_MS, None), Placement("D2", "P2", NOON_MS)],
    )
    text = "device_id,ts,temperature_c\nD1,1795319999,1\nD1,1795320000,2\nD2,1795319999,3\nD2,1795320000,4\n"
    file = read(tmp_path, text, moved)
    assert file.table.point.tolist() == ["P1", "P2", "P2"]
    assert file.skipped.unplaced == 1


values = st.none() | st.floats(-30, 60)


@given(st.lists(st.tuples(st.sampled_from(["D1", "D2"]), st.integers(0, 2**41), values, values), max_size=30))
def test_what_is_written_reads_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:  # type: ignore[type-arg]
    placed = {"D1": "P1", "D2": "P2"}
    unique = {(device, 946684800000 + ms): (a, b) for device, ms, a, b in rows if (a, b) != (None, None)}
    table = ReadingTable.of(
        [
            Reading(kind=PointKind.ROOM, point_id=placed[d], device_id=d, ts_ms=ms, temperature_c=a, humidity_pct=b)
            for (d, ms), (a, b) in unique.items()
        ]
    )
    file = tmp_path_factory.mktemp("round") / "out.csv"
    assert write_readings(file, [table], ZoneInfo("America/New_York")) == len(table)
    back = read_readings(file, register(), SHANGHAI).table
    for name in ("point", "device", "ts_ms", "kind"):
        assert getattr(back, name).tolist() == getattr(table, name).tolist()
    for name in ("temperature_c", "humidity_pct", "battery_v"):
        assert np.array_equal(getattr(back, name), getattr(table, name), equal_nan=True)


def test_an_export_has_milliseconds_and_the_offset_of_the_site() -> None:
    reading = Reading(kind=PointKind.ROOM, point_id="P1", device_id='D"1', ts_ms=NOON_MS + 5, temperature_c=19.25)
    out = io.StringIO()
    write_readings(out, [ReadingTable.of([reading])], SHANGHAI)
    assert out.getvalue().splitlines() == [
        "device_id,ts,temperature_c,humidity_pct,battery_v,supply_c,return_c",
        '"D""1",2026-11-22T12:00:00.005+08:00,19.25,,,,',
    ]
