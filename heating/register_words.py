"""What is wrong with a cell of the register, said so that the person who keeps the list can mend it."""

from __future__ import annotations

from heating.words import Language, say

REASONS: dict[str, tuple[str, str]] = {
    "required": ("必填，不能为空", "is required and blank"),
    "integer": ("应为整数，如 5", "must be a whole number such as 5"),
    "number": ("应为数字，如 18.5，不带单位", "must be a plain number such as 18.5, without a unit"),
    "range": ("应在 {low} 与 {high} 之间", "must lie between {low} and {high}"),
    "yes_no": ("应填“是”或“否”，不清楚时留空", "must be yes or no; leave it blank if unknown"),
    "choice": ("应为 {choices} 之一", "must be one of {choices}"),
    "date": ("应为日期，如 2026-11-01", "must be a date such as 2026-11-01"),
    "instant": (
        "应为时间，如 2026-11-01 08:00（当地时间）或 2026-11-01T08:00:00+08:00",
        "must be a time such as 2026-11-01 08:00 (local) or 2026-11-01T08:00:00+08:00",
    ),
    "shortened": (
        "号码已被 Excel 改写：请把该列设为文本格式后重新填写",
        "Excel has shortened this number: format the column as text and type it again",
    ),
    "unprintable": ("含有换行或控制字符，请删除", "contains a line break or control character: remove it"),
    "too_long": ("超过 {limit} 个字符", "is longer than {limit} characters"),
    "duplicate": ("与第 {line} 行重复", "stands already in line {line}"),
    "floor_needed": ("住宅的室内测温点必须填写楼层", "is required for a room in an apartment"),
    "contract_needed": (
        "平房和非居民用户必须填写合同昼间温度",
        "is required for bungalow and nonresidential (the temperature agreed in the contract)",
    ),
    "building_needed": ("只有室外测温点可以不填楼栋", "is required and blank (only outdoor points do without)"),
    "branch_needed": (
        "换热站 {station} 有多条支线（{branches}），必须注明是哪一条",
        "station {station} has several branches ({branches}): say which",
    ),
    "ragged": (
        "本行有 {cells} 个单元格，表头只有 {columns} 个：含逗号的内容要加引号",
        "the row has {cells} cells, the header {columns}: put a text that contains a comma in quotes",
    ),
    # worth a look, not wrong
    "example": ("这是模板的示例行，若不是本单位的测温点请删除", "is the example row of the template: delete it"),
    "above_top": ("楼层高于总层数 {floors_total}", "lies above floors_total {floors_total}"),
    "distance_differs": (
        "与第 {line} 行同一楼栋的距站管长 {other} 不同",
        "differs from {other} of the same building in line {line}",
    ),
    "class_differs": (
        "与第 {line} 行同一户的用户类别不同",
        "differs from the same home's class in line {line}",
    ),
}


def reason(key: str, language: Language, **values: object) -> str:
    """Return the reason in words."""
    return say(key, language, REASONS).format(**values)
