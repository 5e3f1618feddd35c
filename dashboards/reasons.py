"""Why readings were not stored, as people read it: Chinese, then English."""

from __future__ import annotations

# By the words of the collector's counters.
REASON_WORDS: dict[str, tuple[str, str]] = {
    "not_json": ("不是 JSON", "no JSON"),
    "too_large": ("报文过大", "too large"),
    "wrong_shape": ("报文结构不符", "another shape"),
    "wrong_type": ("数据类型不符", "another type"),
    "bad_topic": ("主题不符", "bad topic"),
    "no_offset": ("时间缺时区", "time without offset"),
    "bad_time": ("时间不可读", "unreadable time"),
    "no_clock": ("设备无时钟", "no clock"),
    "future": ("时间在未来", "in the future"),
    "too_old": ("早于保存期", "older than the retention"),
    "no_value": ("没有测量值", "no value"),
    "not_finite": ("不是有限数", "not finite"),
    "out_of_range": ("超出量程", "out of range"),
    "unknown_device": ("设备未登记", "unknown device"),
    "not_placed": ("设备未装表", "sits at no point"),
    "device_mismatch": ("设备号不一致", "devices differ"),
    "decoder_failed": ("解码失败", "decoder failed"),
    "ambiguous_probes": ("多探头未配置", "several probes"),
    "store_refused": ("数据库拒收", "refused by the store"),
    "hand_over_failed": ("接收出错", "hand-over failed"),
    "damaged": ("缓冲损坏", "damaged in the spool"),
    "status": ("状态报文", "status"),
    "no_reading": ("无读数报文", "without a reading"),
    "other_topic": ("其他主题", "another topic"),
    "retained": ("保留报文", "retained"),
}
