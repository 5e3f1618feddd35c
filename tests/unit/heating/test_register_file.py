"""The register as a file, contract §3: whatever Excel saves is read, every bad row is named, nothing is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import xlsxwriter
from registerkit import SHANGHAI, read, table

from heating.errors import InputError, RegisterError
from heating.register_columns import COLUMNS
from heating.register_file import read_register
from heating.register_template import EXPLAINED, write_template
from heating.register_words import REASONS
from heating.row_problem import RowProblem
from heating.site import Contact, HeatingState, HomeClass, MeasurementPoint, PointKind
from heating.words import Language

HEADER = "point_id,device_id,station,building,unit,floor,room"
CHINESE = {column.name: column.chinese for column in COLUMNS}


def point(folder: Path, **cells: str) -> MeasurementPoint:
    file = read(folder, table(cells))
    assert not file.problems, file.problems
    return file.points[0]


def problem(folder: Path, **cells: str) -> RowProblem:
    found = read(folder, table(cells)).problems
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_excel_saves_is_read(tmp_path: Path, encoding: str, delimiter: str, newline: str) -> None:
    rows = [
        ["换热站", "房号", "测温点编号", "备注", "FLOOR", "供热面积(㎡)", "楼栋", "类型", " device_id "],
        ["东站", "５０１", "点1", "旧", "５", "８６.５", "3", "室内", "SN1"],
    ]
    data = newline.join(delimiter.join(row) for row in rows).encode(encoding)
    file = read(tmp_path, data)
    assert not file.problems
    assert file.ignored_columns == ("备注",)
    assert file.points == (
        MeasurementPoint(
            point_id="点1", device_id="SN1", station="东站", building="3", floor=5, room="501", area_m2=86.5
        ),
    )


def test_an_excel_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "points.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("测温点台账")
        sheet.write_row(
            2, 1, ["测温点编号", "设备编号", "换热站", "楼栋", "楼层", "房号", "起用时间", "安装日期", "末端"]
        )
        sheet.write_row(3, 1, ["P1", 862000000000001, "S1", 3, 5, 501])
        sheet.write_datetime(
            3, 7, datetime.fromisoformat("2026-11-01T08:00"), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        )
        sheet.write_datetime(3, 8, date(2026, 10, 20), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_boolean(3, 9, True)
        sheet.write_row(4, 1, ["P2", 8620000000000012345, "S1", 3, "五", 502])
        book.add_worksheet("填写说明").write(0, 0, "x")
    file = read_register(path, SHANGHAI)
    assert file.form == "Excel, sheet 测温点台账"
    good = file.points[0]
    assert (good.device_id, good.building, good.floor, good.room) == ("862000000000001", "3", 5, "501")
    assert good.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert (good.installed_on, good.network_end) == (date(2026, 10, 20), True)
    assert [(p.line, p.column) for p in file.problems] == [(5, "device_id"), (5, "floor")]


@pytest.mark.parametrize(
    ("cells", "name", "value"),
    [
        ({"network_end": "是"}, "network_end", True),
        ({"network_end": "No"}, "network_end", False),
        ({"corner": "TRUE"}, "corner", True),
        ({"corner": "0"}, "corner", False),
        ({"corner": ""}, "corner", None),
        ({"floor": "-1.0"}, "floor", -1),
        ({"room": "501.0"}, "room", "501"),
        ({"room": "0501"}, "room", "0501"),
        ({"room": "5.5"}, "room", "5.5"),
        ({"kind": "Room"}, "kind", PointKind.ROOM),
        ({"kind": "室外", "building": ""}, "kind", PointKind.OUTDOOR),
        ({"kind": "入口", "floor": ""}, "kind", PointKind.ENTRY),
        ({"heating_state": "停供"}, "heating_state", HeatingState.SUSPENDED),
        ({"home_class": "平房", "contract_day_c": "18", "floor": ""}, "home_class", HomeClass.BUNGALOW),
        ({"home_class": "bungalow", "contract_day_c": "18.5"}, "contract_night_c", 18.5),
        ({"home_class": "公建", "contract_day_c": "18", "contract_night_c": "8"}, "contract_night_c", 8),
        ({"since": "2026-11-01T08:00:00+09:00"}, "since", datetime(2026, 10, 31, 23, tzinfo=UTC)),
        ({"since": "2026年11月1日 8:30"}, "since", datetime(2026, 11, 1, 0, 30, tzinfo=UTC)),
        ({"installed_on": "2026/11/1"}, "installed_on", date(2026, 11, 1)),
        ({"installed_on": "20261101"}, "installed_on", date(2026, 11, 1)),
        ({"device_id": ""}, "device_id", None),
    ],
)
def test_a_cell_is_understood(tmp_path: Path, cells: dict[str, str], name: str, value: object) -> None:
    assert getattr(point(tmp_path, **cells), name) == value


@pytest.mark.parametrize(
    ("cells", "column", "told"),
    [
        ({"point_id": ""}, "point_id", "required"),
        ({"station": " "}, "station", "required"),
        ({"building": ""}, "building", "outdoor"),
        ({"kind": "entry", "building": ""}, "building", "outdoor"),
        ({"floor": ""}, "floor", "required for a room"),
        ({"floor": "5F"}, "floor", "whole number"),
        ({"floor": "5.5"}, "floor", "whole number"),
        ({"floor": "nan"}, "floor", "whole number"),
        ({"floor": "1000"}, "floor", "between"),
        ({"area_m2": "86㎡"}, "area_m2", "without a unit"),
        ({"area_m2": "inf"}, "area_m2", "number"),
        ({"branch_distance_m": "-1"}, "branch_distance_m", "between"),
        ({"kind": "garage"}, "kind", "room, entry, outdoor"),
        ({"home_class": "villa"}, "home_class", "apartment, bungalow, nonresidential"),
        ({"home_class": "bungalow"}, "contract_day_c", "required"),
        ({"home_class": "nonresidential", "contract_night_c": "8"}, "contract_day_c", "required"),
        ({"heating_state": "off"}, "heating_state", "on, suspended, partial"),
        ({"network_end": "maybe"}, "network_end", "yes or no"),
        ({"installed_on": "45600"}, "installed_on", "date"),
        ({"installed_on": "2026-02-30"}, "installed_on", "date"),
        ({"since": "soon"}, "since", "time"),
        ({"device_id": "8.62E+14"}, "device_id", "Excel"),
        ({"device_id": '"SN\n1"'}, "device_id", "line break"),
        ({"device_id": "x" * 201}, "device_id", "longer"),
    ],
)
def test_a_bad_cell_is_named_with_what_would_be_right(
    tmp_path: Path, cells: dict[str, str], column: str, told: str
) -> None:
    found = problem(tmp_path, **cells)
    assert (found.line, found.column) == (2, column)
    assert told in found.reason
    assert found.value == cells.get(column, "").strip().strip('"')


def test_every_problem_of_a_file_is_told_at_once_and_good_rows_stay(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        f"{HEADER}\nP1,D1,S1,1,1,1,101\n\nP1,D2,S1,1,1,1,102\nP3,D1,S1,1,1,x,103\n"
        'P4,D4,S1,1,1,1,"1\n04"\nP5,D5,S1,1,1,1,105,extra\nP6,,S1,1,1,1\n',
    )
    assert [(p.line, p.column) for p in file.problems] == [
        (4, "point_id"), (5, "floor"), (5, "device_id"), (6, "room"), (8, "row"),
    ]  # fmt: skip
    assert [p.point_id for p in file.points] == ["P1", "P6"]
    with pytest.raises(RegisterError, match=r"line 4, point_id: 'P1' stands already in line 2 .and 4 more") as refused:
        file.require_good()
    assert refused.value.problems == file.problems


def test_problems_speak_the_language_of_the_staff(tmp_path: Path) -> None:
    found = read(tmp_path, table({"floor": "五"}), language=Language.ZH).problems[0]
    assert found.text(Language.ZH, "楼层") == "第 2 行，楼层：“五” 应为整数，如 5"
    assert str(read(tmp_path, table({"floor": "五"})).problems[0]) == (
        "line 2, floor: '五' must be a whole number such as 5"
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"point_id,device_id\nP1,D1\n", "station (换热站), building (楼栋)"),
        (b"station,building,point_id\n", "no measurement points"),
        ("测温点编号,point_id,station,building\n".encode(), "both mean point_id"),
        (bytes(range(256)), "neither"),
        (b"PK\x03\x04 not really", "points.csv"),
        (b"\xd0\xcf\x11\xe0 old Excel", "save it as plain .xlsx"),
        (b"\xff\xfe\x00", "points.csv"),
        (b"point_id,station,building\n\x81", "neither in UTF-8 nor in GB18030"),
        (b"hello world\n", "point_id"),
    ],
)
def test_what_is_no_register_is_refused_in_one_line(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, data)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_stray_cell_in_the_last_corner_of_excel_is_told_and_does_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "stray.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["point_id", "station", "building"])
        sheet.write(1_048_575, 16_383, "oops")
    with pytest.raises(InputError, match="1048576 rows × 16384 columns: delete"):
        read_register(path, SHANGHAI)


def test_a_missing_file_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_register(tmp_path / "none.csv", SHANGHAI)
    with pytest.raises(InputError, match="is a folder"):
        read_register(tmp_path, SHANGHAI)


def test_personal_data_is_kept_apart(tmp_path: Path) -> None:
    file = read(tmp_path, table({"contact": "王某", "phone": "13800000000", "address": "幸福里 3 号"}, {}))
    assert file.contacts == {"P0": Contact("王某", "13800000000", "幸福里 3 号")}
    assert not any("13800000000" in str(getattr(p, name)) for p in file.points for name in p.__struct_fields__)


def test_since_says_from_when_the_device_sits_there(tmp_path: Path) -> None:
    register = read(tmp_path, table({"device_id": "D1", "since": "2026-11-01"}, {"device_id": "D2"})).register()
    start = int(datetime(2026, 10, 31, 16, tzinfo=UTC).timestamp() * 1000)
    assert register.point_at("D1", start - 1) is None
    assert register.point_at("D1", start) is register.points[0]
    assert register.point_at("D2", 0) is register.points[1]


def test_what_is_odd_is_noted_without_refusing_it(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        table(
            {"floor": "7", "floors_total": "6", "branch_distance_m": 100, "room": "701"},
            {"branch_distance_m": 110},
            {"room": "701", "home_class": "nonresidential", "contract_day_c": "18"},
        ),
    )
    assert len(file.points) == 3
    assert [(n.line, n.column) for n in file.notes] == [(2, "floor"), (3, "branch_distance_m"), (4, "home_class")]


def test_the_stamp_changes_with_the_file_and_with_what_is_derived(tmp_path: Path) -> None:
    stamps = {read(tmp_path, table({}), f).stamp for f in (0.8, 0.8, 0.7)} | {read(tmp_path, table({}, {})).stamp}
    assert len(stamps) == 3


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_template_is_a_register_with_one_example_row(tmp_path: Path, suffix: str, language: Language) -> None:
    path = tmp_path / f"template.{suffix}"
    write_template(path, language)
    file = read_register(path, SHANGHAI)
    assert not file.problems
    assert len(file.points) == 1
    assert [note.column for note in file.notes] == ["point_id"]
    assert not file.ignored_columns


def test_every_column_is_explained_in_both_languages_and_every_reason_has_words() -> None:
    assert list(EXPLAINED) == [column.name for column in COLUMNS]
    assert all(all(pair) for pair in (*EXPLAINED.values(), *REASONS.values()))
