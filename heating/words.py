"""Words of the field in the two languages of heatwatch: one switch, `site.language`.

The company's staff read zh-CN, developers English. A wing adds tables of its own for its own texts; what several wings
say stands here, so that one thing has one name on pages, reports, orders and dashboards.
"""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """Languages of everything that a person reads."""

    ZH = "zh-CN"
    EN = "en"


# A key has its word in Chinese, then in English.
WORDS: dict[str, tuple[str, str]] = {
    # status of a home
    "ok": ("达标", "ok"),
    "below_target": ("低于目标", "below target"),
    "cold": ("低温", "cold"),
    "suspect": ("数据存疑", "suspect"),
    "unknown": ("无数据", "unknown"),
    "exempt": ("免判", "exempt"),
    "confirmed": ("已确认", "confirmed"),
    # kinds of findings
    "cold_home": ("低温用户", "cold home"),
    "silent": ("设备失联", "silent sensor"),
    "sensor_stuck": ("数值不变", "stuck sensor"),
    "sensor_spike": ("数值突跳", "spike"),
    "sensor_offset": ("读数偏移", "sensor offset"),
    "window_open": ("疑似开窗", "window open"),
    "supply_low": ("供水温度低", "low supply temperature"),
    "outage": ("停热", "outage"),
    "vertical_imbalance": ("垂直失调", "vertical imbalance"),
    "horizontal_imbalance": ("水平失调", "horizontal imbalance"),
    # scope and side of a cause
    "station": ("换热站", "station"),
    "branch": ("支线", "branch"),
    "branch_end": ("支线末端", "branch end"),
    "building": ("楼栋", "building"),
    "riser": ("立管", "riser"),
    "low_floors": ("低楼层", "low floors"),
    "home": ("单户", "home"),
    "point": ("测温点", "measurement point"),
    "sensor": ("传感器", "sensor"),
    "window": ("窗户", "window"),
    "network": ("管网侧", "network side"),
    "indoor": ("户内侧", "indoor side"),
    "data": ("数据侧", "data side"),
    # reasons of priority
    "low_floor": ("低楼层", "low floor"),
    "network_end": ("管网末端", "network end"),
    # severity
    "minor": ("轻微", "minor"),
    "major": ("严重", "major"),
    "critical": ("紧急", "critical"),
    # states of an order
    "open": ("待下达", "open"),
    "issued": ("已下达", "issued"),
    "contacted": ("已联系", "contacted"),
    "on_site": ("已到场", "on site"),
    "resolved": ("已处理", "resolved"),
    "followed_up": ("已回访", "followed up"),
    "closed": ("已办结", "closed"),
    "paused": ("已暂停", "paused"),
    "cancelled": ("已取消", "cancelled"),
    # trigger classes (四为令)
    "weather": ("天气降温", "weather"),
    "user": ("用户需要", "user request"),
    "equipment": ("设备故障", "equipment fault"),
    "emergency": ("险情", "emergency"),
    # windows of the day
    "day": ("昼间", "day"),
    "night": ("夜间", "night"),
}


def say(key: str, language: Language, table: dict[str, tuple[str, str]] = WORDS) -> str:
    """Return the word for `key`; a key without a word (an id, a new cause) is returned as it is."""
    pair = table.get(key) or WORDS.get(key)
    if pair is None:
        return key
    return pair[0] if language is Language.ZH else pair[1]
