"""An empty register to fill in, as CSV or Excel: headers, what they mean, and one example row to be deleted."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import xlsxwriter

from heating.register_columns import COLUMNS, Column
from heating.words import Language

EXPLAINED: dict[str, tuple[str, str]] = {
    "point_id": (
        "唯一编号",
        "unique id of the point",
    ),
    "device_id": (
        "现装传感器的序列号，唯一；未装则留空",
        "serial number of the sensor now at the point, unique; blank = none yet",
    ),
    "kind": (
        "room 室内（默认）、entry 楼栋入口（供回水）、outdoor 室外",
        "room (default), entry (building entry: supply and return water) or outdoor",
    ),
    "station": (
        "换热站名称",
        "heat-exchange station",
    ),
    "branch": (
        "二次网支线；留空 = 该站唯一的支线",
        "branch of the secondary network; blank = the station's only branch",
    ),
    "branch_distance_m": (
        "换热站到楼栋入口的管长，米",
        "pipe length from the station to the building's entry, metres",
    ),
    "network_end": (
        "是否管网末端，是/否；留空 = 按距离推算",
        "end of the network, yes or no; blank = derived from the distances",
    ),
    "building": (
        "站内唯一的楼栋号；只有室外点可留空",
        "building, unique inside the station; blank only for outdoor points",
    ),
    "unit": (
        "单元号",
        "staircase",
    ),
    "riser": (
        "立管；留空 = 楼栋和单元",
        "riser; blank = building and unit",
    ),
    "floor": (
        "楼层，整数；住宅室内点必填",
        "floor, a whole number; required for rooms in apartments",
    ),
    "floors_total": (
        "楼的总层数",
        "floors of the building",
    ),
    "room": (
        "房号；同站、同楼、同单元、同房号的测温点属于同一户",
        "the home's number; points with the same station, building, unit and room belong to one home",
    ),
    "space": (
        "户内房间：客厅、主卧……",
        "which room of the home: living room, bedroom ...",
    ),
    "corner": (
        "是否边户，是/否",
        "corner home, yes or no",
    ),
    "area_m2": (
        "供热面积，平方米",
        "heated area, m²",
    ),
    "home_class": (
        "apartment 住宅（默认）、bungalow 平房、nonresidential 非居民",
        "apartment (default), bungalow or nonresidential",
    ),
    "contract_day_c": (
        "合同约定的昼间温度，℃；平房和非居民必填",
        "temperature by contract in the day, °C; required for bungalow and nonresidential",
    ),
    "contract_night_c": (
        "合同约定的夜间温度，℃；留空 = 同昼间",
        "temperature by contract at night, °C; blank = the day's",
    ),
    "heating_state": (
        "on 供热（默认）、suspended 停供、partial 部分供热",
        "on (default), suspended or partial",
    ),
    "contact": (
        "联系人（个人信息）",
        "person to contact (personal data)",
    ),
    "phone": (
        "电话（个人信息）",
        "telephone (personal data)",
    ),
    "address": (
        "地址（个人信息）",
        "address (personal data)",
    ),
    "since": (
        "设备从何时起装在此处；留空 = 首台设备自始，换装的设备自导入时",
        "from when this device sits here; blank = from the beginning for a first device, else the time of import",
    ),
    "installed_on": (
        "安装日期",
        "date of installation",
    ),
    "height_m": (
        "传感器离地高度，米",
        "height of the sensor above the floor, metres",
    ),
    "wall": (
        "装在哪面墙",
        "which wall it hangs on",
    ),
}

EXAMPLE: dict[str, str] = {
    "device_id": "SN20260001",
    "kind": "room",
    "station": "S1",
    "branch": "B1",
    "branch_distance_m": "350",
    "building": "3",
    "unit": "1",
    "floor": "5",
    "floors_total": "6",
    "room": "501",
    "area_m2": "86.5",
    "home_class": "apartment",
    "heating_state": "on",
    "installed_on": "2026-10-20",
    "height_m": "1.4",
}
_NUMBERS = frozenset({"branch_distance_m", "floor", "floors_total", "area_m2", "height_m"})
_LAST_ROW = 1_048_575  # of an Excel sheet, counted from 0
_WORDS = {
    Language.ZH: ("测温点台账", "填写说明", ("列", "必填", "含义"), "是", "示例-1"),
    Language.EN: ("Register", "Explanation", ("column", "required", "meaning"), "yes", "EXAMPLE-1"),
}


def write_template(path: Path, language: Language) -> None:
    """Write a template: Excel where the path ends in `.xlsx`, else CSV that Excel opens with the right characters."""
    if path.suffix.lower() == ".xlsx":
        content = _workbook(language)
    else:
        file = io.StringIO(newline="")
        csv.writer(file).writerows([[column.header(language) for column in COLUMNS], _example(language)])
        content = file.getvalue().encode("utf-8-sig")
    path.write_bytes(content)


def meaning(column: Column, language: Language) -> str:
    """Return what a column means."""
    return EXPLAINED[column.name][0 if language is Language.ZH else 1]


def _example(language: Language) -> list[str]:
    point_id = _WORDS[language][4]
    return [point_id if column.name == "point_id" else EXAMPLE.get(column.name, "") for column in COLUMNS]


def _workbook(language: Language) -> bytes:
    register, explanation, titles, yes, _ = _WORDS[language]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        bold = book.add_format({"bold": True, "bg_color": "#D9E8F5", "border": 1})
        text = book.add_format({"num_format": "@"})  # as text, Excel leaves 0501 and long serial numbers alone
        sheet = book.add_worksheet(register)
        sheet.freeze_panes(1, 1)
        for index, (column, example) in enumerate(zip(COLUMNS, _example(language), strict=True)):
            numeric = column.name in _NUMBERS
            sheet.set_column(index, index, 14, None if numeric else text)
            sheet.write_string(0, index, column.header(language), bold)
            sheet.write_comment(0, index, meaning(column, language))
            if numeric and example:
                sheet.write_number(1, index, float(example))
            elif example:
                sheet.write_string(1, index, example, text)
            if column.choices:
                sheet.data_validation(1, index, _LAST_ROW, index, {"validate": "list", "source": list(column.choices)})
        notes = book.add_worksheet(explanation)
        notes.set_column(0, 0, 18)
        notes.set_column(2, 2, 90)
        notes.write_row(0, 0, titles, bold)
        for row, column in enumerate(COLUMNS, 1):
            notes.write_row(
                row, 0, [column.header(language), yes if column.required else "", meaning(column, language)]
            )
    return content.getvalue()
