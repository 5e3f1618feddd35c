"""The columns of the register of measurement points (contract §3): names and how to read them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from heating.register_cells import (
    Parse,
    choice,
    day,
    free_text,
    instant,
    name,
    number,
    number_name,
    whole_number,
    yes_no,
)
from heating.site import HeatingState, HomeClass, PointKind
from heating.words import Language


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its two headers, how a cell is read, and the words it takes where they are few."""

    name: str
    chinese: str
    parse: Parse
    required: bool = False
    choices: tuple[str, ...] = ()

    def header(self, language: Language) -> str:
        """Return the header in a language."""
        return self.chinese if language is Language.ZH else self.name


KINDS: dict[str, StrEnum] = {
    **dict.fromkeys(("room", "室内", "房间", "室温", "住户", "用户"), PointKind.ROOM),
    **dict.fromkeys(("entry", "入口", "楼栋入口", "热力入口", "单元入口", "供回水"), PointKind.ENTRY),
    **dict.fromkeys(("outdoor", "室外", "户外", "气象"), PointKind.OUTDOOR),
}
CLASSES: dict[str, StrEnum] = {
    **dict.fromkeys(("apartment", "住宅", "楼房", "居民", "居民楼", "居民住宅"), HomeClass.APARTMENT),
    **dict.fromkeys(("bungalow", "平房"), HomeClass.BUNGALOW),
    **dict.fromkeys(("nonresidential", "非居民", "非居住", "非住宅", "公建", "商业"), HomeClass.NONRESIDENTIAL),
}
STATES: dict[str, StrEnum] = {
    **dict.fromkeys(("on", "供热", "正常", "正常供热", "在供", "开通"), HeatingState.ON),
    **dict.fromkeys(("suspended", "停供", "停热", "报停", "停用", "暂停"), HeatingState.SUSPENDED),
    **dict.fromkeys(("partial", "部分", "部分供热", "半停"), HeatingState.PARTIAL),
}

# Bounds are plausibility (assumptions), wide enough for any building; they catch a value in the wrong column.
COLUMNS: tuple[Column, ...] = (
    Column("point_id", "测温点编号", name, required=True),
    Column("device_id", "设备编号", name),
    Column("kind", "类型", choice(KINDS), choices=tuple(PointKind)),
    Column("station", "换热站", name, required=True),
    Column("branch", "支线", name),
    Column("branch_distance_m", "距站管长", number(0, 100_000)),
    Column("network_end", "末端", yes_no),
    Column("building", "楼栋", number_name, required=True),
    Column("unit", "单元", number_name),
    Column("riser", "立管", number_name),
    Column("floor", "楼层", whole_number(-10, 200)),
    Column("floors_total", "总层数", whole_number(1, 200)),
    Column("room", "房号", number_name),
    Column("space", "房间", name),
    Column("corner", "边户", yes_no),
    Column("area_m2", "供热面积", number(0, 1_000_000)),
    Column("home_class", "用户类别", choice(CLASSES), choices=tuple(HomeClass)),
    Column("contract_day_c", "合同昼间温度", number(-30, 60)),
    Column("contract_night_c", "合同夜间温度", number(-30, 60)),
    Column("heating_state", "供热状态", choice(STATES), choices=tuple(HeatingState)),
    Column("contact", "联系人", free_text),
    Column("phone", "电话", free_text),
    Column("address", "地址", free_text),
    Column("since", "起用时间", instant),
    Column("installed_on", "安装日期", day),
    Column("height_m", "高度", number(0, 20)),
    Column("wall", "墙面", name),
)

PERSONAL = frozenset({"contact", "phone", "address"})
_UNIT = re.compile(r"[(\[].*[)\]]$")


def column_of(header: str) -> Column | None:
    """Return the column that a header names, English or Chinese; case, blanks, `*` and a unit in brackets aside."""
    text = unicodedata.normalize("NFKC", header).strip().strip("*").strip().lower().lstrip("\ufeff")
    found = _BY_HEADER.get(_key(text)) or _BY_HEADER.get(_key(_UNIT.sub("", text)))
    return found


def _key(header: str) -> str:
    return re.sub(r"[\s_-]+", "", header)


_BY_HEADER = {_key(text): column for column in COLUMNS for text in (column.name, column.chinese)}
