"""What a loss was and which limit forced it, as pages and papers say it: Chinese, then English."""

from __future__ import annotations

from dashboards.losses import Lost
from heating.words import Language, say

_WORDS: dict[str, tuple[str, str]] = {
    "lost_queue": ("消息服务器队列超限，丢弃报文", "messages that the broker dropped, its queue being full"),
    "lost_session": (
        "消息服务器未保留采集会话，期间报文全部丢失",
        "all that was published meanwhile: the broker had not kept the collector's session",
    ),
    "lost_quarantine": (
        "隔离区让位的拒收报文原文，最早者先；读数仍计入“隔离”",
        "rejected packets of the quarantine, oldest first; the readings stay counted as quarantined",
    ),
    "limit_quarantine": (
        "隔离区容量上限（行数、字节数）",
        "the cap of the quarantine (rows and bytes)",
    ),
    "limit_queue": (
        "消息服务器队列上限（mosquitto：max_queued_messages、max_queued_bytes）",
        "the limit of the broker's queue (mosquitto: max_queued_messages, max_queued_bytes)",
    ),
    "limit_expiry": (
        "会话保留期限已过（mqtt.session_expiry_s）",
        "the session had expired (mqtt.session_expiry_s)",
    ),
    "limit_seconds": ("{limit}：{seconds:,} 秒", "{limit}: {seconds:,} s"),
    "limit_session": (
        "消息服务器重启未持久化（mosquitto：persistence），或其会话期限更短（persistent_client_expiration）",
        "the broker was restarted without persistence (mosquitto: persistence), or keeps sessions for less "
        "(persistent_client_expiration)",
    ),
    "lost_queue_brief": (
        "消息服务器队列超限，丢弃 {messages:,} 条报文（含其他客户端）",
        "the broker's queue was full and it dropped {messages:,} messages (of any client)",
    ),
    "lost_quarantine_brief": (
        "隔离区已满，最早的 {messages:,} 条拒收报文让位，计数不变：请查谁在大量发送无效报文",
        "the quarantine is full and its oldest {messages:,} rejected packets made room, counted all the same: look "
        "who sends so many",
    ),
    "lost_session_brief": (
        "消息服务器未保留采集会话，期间报文丢失，条数不明",
        "the broker had not kept the collector's session; nobody knows how many messages are lost",
    ),
}


def loss_what(lost: Lost, language: Language) -> str:
    """Return what was lost."""
    return say(f"lost_{lost.what}", language, _WORDS)


def loss_brief(lost: Lost, language: Language) -> str:
    """Return what was lost and how much of it, in one sentence."""
    return say(f"lost_{lost.what}_brief", language, _WORDS).format(messages=lost.messages or 0)


def loss_limit(lost: Lost, language: Language) -> str:
    """Return which limit forced it."""
    limit = say(f"limit_{lost.limit}", language, _WORDS)
    if lost.limit != "expiry":
        return limit
    return say("limit_seconds", language, _WORDS).format(limit=limit, seconds=lost.expiry_s)


def loss_entries(lost: Lost) -> str:
    """Return the entries of the ledger that prove it."""
    if lost.first_entry == lost.last_entry:
        return str(lost.first_entry)
    return f"{lost.first_entry} – {lost.last_entry}"
