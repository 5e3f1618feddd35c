"""Texts of orders and messages in the two languages, and the voice in which they are said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from heating.site import SubjectType
from heating.words import Language, say

WORDS: dict[str, tuple[str, str]] = {
    # why a message is sent
    "order_opened": ("新调度单", "new order"),
    "order_joined": ("调度单新增低温用户", "more cold homes"),
    "order_worse": ("调度单升级", "order became more severe"),
    "cold_again": ("处理后再次低温", "cold again after the repair"),
    "verify": ("室温已回升,请核实", "warm again, please verify"),
    "step_due": ("即将到期", "due soon"),
    "step_late": ("已超时", "late"),
    "order_step": ("调度单进展", "progress of an order"),
    "order_closed": ("调度单结束", "order ended"),
    "outage_notice": ("停热公告草稿", "draft of an outage notice"),
    "digest": ("汇总", "digest"),
    # steps with a clock
    "step:issued": ("下达调度单", "issue the order"),
    "step:answered": ("供热站反馈处理意见", "answer of the station"),
    "step:contacted": ("联系用户", "contact the resident"),
    "step:on_site": ("到达现场", "arrive on site"),
    "step:resolved": ("处理完毕", "finish the repair"),
    "step:followed_up": ("回访用户", "call the resident back"),
    # sentences
    "cold": (
        "{place}:{homes} 户室温低于标准,最低 {t} °C(标准 {floor} °C,低 {deficit} K),测温点 {point},自 {start} 起",
        "{place}: {homes} home(s) below the floor; lowest {t} °C (floor {floor} °C, {deficit} K below) "
        "at point {point} since {start}",
    ),
    "cause": (";原因:{scope}({side},可信度 {confidence} %)", "; cause: {scope} ({side}, confidence {confidence} %)"),
    "reasons": (";优先原因:{reasons}", "; priority: {reasons}"),
    "warm": ("已回暖:{homes}", "warm again: {homes}"),
    "warm_since": ("{home} 自 {end}", "{home} since {end}"),
    "ended_by": ("{home} 自 {end}({why})", "{home} since {end} ({why})"),
    "again": ("再次低温:{homes}", "cold again: {homes}"),
    "due_at": ("{step}:应于 {due} 前完成", "{step}: due by {due}"),
    "call_at": ("{step}:应于 {due} 起进行", "{step}: to be made from {due} on"),
    "late_since": ("{step}:应于 {due} 前完成,已超时", "{step}: was due by {due}"),
    "still_cold": ("办结时仍有低温用户", "closed while homes are still cold"),
    "more": ("另有 {n} 条消息", "{n} more messages"),
    "and_more": ("…… 另有 {n} 条", "... and {n} more"),
    "outage_text": (
        "公告草稿:因{reason},{place}自 {start} 起停止供热,涉及 {homes} 户,预计 {restore} 恢复供热。"
        "给您带来不便,敬请谅解。",
        "Draft: heating of {place} is off since {start} because of {reason}; {homes} homes are affected; "
        "it is expected back by {restore}. We apologise.",
    ),
    "restore_unknown": ("(恢复时间待填)", "(restore time to be filled in)"),
    "fault": ("设备故障", "a fault"),
    # why a breach ended when not by warming up
    "floor": ("标准时段变化", "the floor fell"),
    "season": ("非供热季", "end of the season"),
    "suspended": ("已停供", "heating suspended"),
    "retracted": ("数据更正,低温不成立", "retracted after late data"),
}


@dataclass(frozen=True, slots=True)
class Voice:
    """Language and local time of what people read."""

    language: Language
    zone: ZoneInfo

    def say(self, key: str, **values: object) -> str:
        """Return a word or a sentence with its values put in."""
        text = say(key, self.language, WORDS)
        return text.format(**values) if values else text

    def time(self, instant: datetime) -> str:
        """Return an instant as people write it: local, to the minute."""
        return instant.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def place(self, kind: SubjectType, place_id: str) -> str:
        """Return a place with its kind: `楼栋 S1/3`."""
        return f"{self.say(kind.value)} {place_id}"
