"""Headings of the lists that commands print, in the language of the site (`site.language`)."""

from __future__ import annotations

from heating.words import Language

# As written in the commands, and in Chinese.
_HEADINGS = {
    # titles
    "findings": "发现",
    "orders": "调度单",
    "quarantine": "隔离区",
    "outages": "停热登记",
    "unknown devices": "台账外设备",
    "clocks of devices": "设备时钟",
    "devices": "设备",
    "users": "用户",
    "shown once": "仅显示一次",
    # columns
    "id": "编号",
    "kind": "类型",
    "place": "位置",
    "start": "开始",
    "end": "结束",
    "confirmed": "确认",
    "severity": "程度",
    "cause": "原因",
    "state": "状态",
    "homes": "户数",
    "opened": "开单",
    "content": "内容",
    "row": "行",
    "received": "收到",
    "topic": "主题",
    "reason": "原因",
    "index": "序号",
    "bytes": "字节",
    "from": "起",
    "to": "止",
    "device": "设备",
    "point": "测温点",
    "first": "首次",
    "last": "最近",
    "readings": "读数",
    "last reading": "最近读数",
    "account": "账号",
    "user name": "用户名",
    "password": "密码",
    "name": "用户名",
    "role": "角色",
    "secret": "密码",
    "skew s": "偏差 s",
    "drift s/day": "漂移 s/日",
    "missing": "缺号",
    "last packet": "最近报文",
    "what to do": "处理",
    "home": "用户",
    "floor": "下限",
    "K below": "低 K",
    "score": "分值",
    "since": "自",
    "reasons": "优先原因",
}


def heading(text: str, language: Language) -> str:
    """Return a title or heading in a language; figures and units are the same in both."""
    return _HEADINGS.get(text, text) if language is Language.ZH else text
