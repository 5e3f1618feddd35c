"""Words of the papers, beside those of pages and of the field."""

from __future__ import annotations

from dashboards.words import word
from heating.words import Language, say

REPORT_WORDS: dict[str, tuple[str, str]] = {
    "points_title": ("测温报表", "Measurement-point report"),
    "points_summary": (
        "测温点 {points} 个；可判定 {judged} 个，合格 {good} 个，室温合格率 {rate}（按传感器读数统计）。",
        "{points} measurement points; {judged} judged, {good} pass, qualified rate {rate} (from sensor readings).",
    ),
    "points_basis": (
        "判定依据：{profile}（S2 §7）；时间为 {zone} 当地时间；各整点数值为该时刻仍有效的最近读数。",
        "Judged by: {profile} (S2 §7). Times are local ({zone}). Values at the hours are the readings that hold then.",
    ),
    "points_rule": (
        "低于限值累计满 {minutes} 分钟为不合格；有效数据不足全天 {coverage} 记为数据不全；"
        "读数 {stale} 分钟内有效；带传感器故障标记的读数不计。",
        "Fail from {minutes} min below the limit; incomplete under {coverage} of the day with a value; "
        "a reading holds for less than {stale} min, one with the mark of a sensor fault not at all.",
    ),
    "points_kept": (
        "{points} 个测温点当日读数已不再保存：按当时计算的日值列出，限值为当时所执行的限值。",
        "Readings of {points} points are no longer kept: shown as worked out then, by the limits then in force.",
    ),
    "unsigned_invalid": (
        "本表为传感器数据，不是签字测温记录；测温记录须测温员与用户双方签字方为有效（S2 §8(7)）。",
        "These are sensor data, not a signed record; a record counts only with both signatures (S2 §8(7)).",
    ),
    "number": ("序号", "No."),
    "point_id": ("测温点编号", "Point"),
    "place": ("位置", "Place"),
    "floor": ("楼层", "Level"),
    "floors_in_force": ("限值\n昼/夜 °C", "Limit °C\nday/night"),
    "min": ("最低", "Min"),
    "mean": ("平均", "Mean"),
    "max": ("最高", "Max"),
    "below_h": ("低于限值\n小时", "Below\n[h]"),
    "silent_h": ("无读数\n小时", "Silent\n[h]"),
    "verdict": ("判定", "Verdict"),
    "qualified": ("合格", "pass"),
    "unqualified": ("▼ 不合格", "▼ fail"),
    "incomplete": ("数据不全", "incomplete"),
    "no_limit": ("合同限值缺失", "no limit in contract"),
    "no_data": ("无数据", "no data"),
    "inspector_sign": ("测温员签字", "Inspector's signature"),
    "resident_sign": ("用户签字", "Resident's signature"),
    "inspector_signature": ("测温员签字", "Inspector"),
    "checked_by": ("审核", "Checked by"),
    "report_date": ("日期", "Date"),
    "badge": ("胸卡号", "Badge no."),
    "rounds_title": ("测温走访单", "Round of visits"),
    "rounds_head": (
        "数据时刻 {at}；应走访 {of} 户，本单列 {listed} 户；室外 {outdoor} °C。"
        "排序：已确认低温（低楼层、管网末端优先）、低温、数据存疑、失联。",
        "As of {at}; {of} homes to visit, {listed} listed; outdoor {outdoor} °C. "
        "Order: confirmed cold (low floors and network ends first), cold, suspect, silent.",
    ),
    "rounds_fill": (
        "走访时填写：室外温度 ______ °C    天气 __________    走访日期 __________    测温员 __________ __________",
        "To fill in: outdoor ______ °C    weather __________    date __________    inspectors __________ __________",
    ),
    "rounds_conditions": (
        "测温要求：房间中央（对角线交点），离地 {height} m；关闭门窗满 {minutes} 分钟；仪器经检定且在有效期内；"
        "人员距仪器 1 m 以上，不手持；读数稳定后记录。手持与传感器读数相差超过 0.5 K 的请注明。",
        "How to measure: centre of the room, {height} m above the floor; doors and windows closed for {minutes} min; "
        "certified instrument; everybody 1 m away, not hand-held while reading; wait until it is steady. "
        "Mark differences from the sensor over 0.5 K.",
    ),
    "rounds_private": (
        "本单含用户个人信息，仅供走访使用，用后收回。",
        "Holds personal data: for the visit only, to be handed back.",
    ),
    "contact": ("联系人\n电话", "Contact\ntelephone"),
    "found": ("状态与原因", "State and reason"),
    "sensor_now": ("传感器\n°C", "Sensor\n°C"),
    "sensor_then": ("同时刻\n传感器°C", "Sensor\nthen °C"),
    "arrival": ("到达时间", "Arrival"),
    "measured_as": ("室中央 {height}\n关门窗 {minutes} 分钟", "Room centre {height}\nclosed {minutes} min"),
    "boxes": ("□ 中央  □ 高度\n□ 门窗已关", "□ centre\n□ height\n□ closed"),
    "instrument": ("仪器编号\n校准日期", "Instrument\ncalibrated on"),
    "hand_held": ("手持读数\n°C", "Hand-held\n°C"),
    "opinion": ("用户意见", "Resident's opinion"),
    "outcome": ("未遇/拒测", "Not at home"),
    "outcomes": ("□ 家中无人\n□ 拒绝测温", "□ absent\n□ refused"),
    "confirmed_cold": ("▼ 低温（已确认）", "▼ cold (confirmed)"),
    "since_when": ("自 {when}", "from {when}"),
    "last_heard": ("最近读数 {when}", "last heard {when}"),
    "completeness_title": ("数据完整率报表", "Account of readings"),
    "completeness_days": ("按日", "By day"),
    "completeness_devices": ("按设备", "By device"),
    "completeness_device_days": ("按设备和日", "By device and day"),
    "completeness_span": ("{first} 至 {last}（{zone} 当地日）", "{first} to {last} (local days, {zone})"),
    "completeness_sum": (
        "消息服务器送达的读数：收到 {received:,} = 入库 {stored:,} + 重复 {repeated:,} + 忽略 {ignored:,}"
        " + 隔离 {quarantined:,}：{verdict}。入库中迟到 {late:,}；未能对应到登记设备的 {unnamed:,}。",
        "Of what the broker delivered, in readings: received {received:,} = stored {stored:,} + "
        "repeated {repeated:,} + ignored {ignored:,} + quarantined {quarantined:,}: {verdict}. "
        "Late, of the stored: {late:,}; naming no registered device: {unnamed:,}.",
    ),
    "adds_up": ("相符", "adds up"),
    "adds_up_not": ("▼ 不相符", "▼ does not add up"),
    "completeness_rate_line": (
        "应有 {expected:,}，库中实有 {present:,}，缺失 {missing:,}，完整率 {rate}。",
        "Expected {expected:,}, in the store {present:,}, missing {missing:,}, completeness {rate}.",
    ),
    "completeness_unknown": (
        "▼ {count:,} 台设备的采样间隔无从得知，其应有与缺失未计；可用 --every 申报。",
        "▼ The interval of {count:,} devices is not known: what was expected of them is left out; --every declares it.",
    ),
    "completeness_since": (
        "自台账开始累计：报文 {packets:,} 条（其中状态报文 {status_packets:,} 条，不含读数；一条报文可含多条读数），"
        "收到 {received:,} = 入库 {stored:,} + 重复 {repeated:,} + 忽略 {ignored:,} + 隔离 {quarantined:,}。",
        "Since the ledger began: {packets:,} packets ({status_packets:,} of them status messages without a reading; a "
        "packet may hold several), received {received:,} = stored {stored:,} + repeated {repeated:,} + ignored "
        "{ignored:,} + quarantined {quarantined:,}.",
    ),
    "completeness_made": (
        "出表时刻 {at}；台账至第 {entry} 条，SHA-256 {hash}。",
        "Made at {at}; the ledger's last entry by then: {entry}, SHA-256 {hash}.",
    ),
    "completeness_reasons": (
        "自台账开始，未入库的原因：{reasons}。",
        "Why not stored, since the ledger began: {reasons}.",
    ),
    "list_and": ("；", "; "),
    "completeness_kept_from": (
        "{day} 以前的读数按 store.retention_days 已不再保存：这些日子的“实有”按当时的日值；没有日值的"
        "（热力入口、室外、换过设备的测温点）列为缺失，不说明当时未收到。",
        "Readings from before {day} are no longer kept (store.retention_days): what was there then is told by the row "
        "of the day; points without one (entries, outdoor, where devices changed) count as missing, which does not "
        "say that nothing came.",
    ),
    "completeness_verbatim": (
        "隔离区已满，最早的 {count:,} 条原始报文已让位；其条数仍计入“隔离”。",
        "The quarantine is full: its oldest {count:,} packets made room; they stay counted as quarantined.",
    ),
    "completeness_left_out": (
        "列出 {shown} 行（缺失最多者在前），另有 {left:,} 行见 XLSX 或 CSV。",
        "{shown} lines shown, most missing first; {left:,} more are in the XLSX and the CSV.",
    ),
    "completeness_terms": (
        "单位为读数。重复：同一设备同一时刻的读数已在库，先到者为准；忽略：非读数（保留报文、无读数报文等）；隔离：不可采用，"
        "原报文与原因另存，读不出的报文计 1；迟到：早于该设备已入库的最新读数，已含在入库内。",
        "Counted in readings. Repeated: this device's reading of this instant was stored before, the first one stands. "
        "Ignored: no reading (retained, empty). Quarantined: not fit to be used, kept verbatim with its reason; a "
        "packet that cannot be read counts as one. Late: older than the device's newest stored one; part of stored.",
    ),
    "completeness_basis": (
        "收到至迟到：按采集程序处理当日记账，断电重启后不丢不重；导入文件的读数不在其中。应有至完整率：按测量时刻所在日。"
        "两者逐日可不等（补传、积压）。",
        "Received to late: booked on the day the collector took them, exact over kills; imported files are not in. "
        "Expected to completeness: by the day of measurement. The two may differ by day (backlogs, replays).",
    ),
    "completeness_expected": (
        "应有 = 设备在供暖期内位于在用测温点的时间 ÷ 采样间隔；起用时间空白的设备自首个读数起算，从无读数的按整段计；"
        "当日算到出表时刻。实有为有温度值的读数。",
        "Expected = time in season at a point in force / sampling interval; a device without a date of its own counts "
        "from its first reading, from the beginning if it never sent any; the running day until now. Present are "
        "readings with a value.",
    ),
    "completeness_missing": (
        "缺失按每台设备每日计，某台某日多出的读数不抵其他的缺失，故合计“应有 − 实有”可小于“缺失”。"
        "完整率 =（应有 − 缺失）÷ 应有，舍去尾数。",
        "Missing is counted by device and day; what one has more than expected makes up for no other, so that expected "
        "less in store may be smaller. Completeness = (expected − missing) / expected, cut off, never rounded up.",
    ),
    "completeness_interval": (
        "采样间隔：≈ 由本设备读数推定（间隔为某值的整数倍时取该值，间隔相近时取中位数，其余按每小时读数的中位数）；"
        "≈≈ 本设备读数不足，取全站中位数；无符号为申报值。",
        "Interval: ≈ derived of the device's own readings: what their spacing is a multiple of, its median where it is "
        "even, else by the median number an hour; ≈≈ too few of its own, the site's median; without a sign declared.",
    ),
    "losses": ("限额损失", "Losses by limits"),
    "losses_none": (
        "统计期内未发现消息服务器（MQTT）因限额丢失报文。",
        "No loss by a limit of the broker was noticed in these days.",
    ),
    "losses_sum": (
        "▼ 统计期内发现消息服务器（MQTT）因限额丢失报文 {events} 次：队列超限 {drops} 次，丢弃 {messages:,} 条；"
        "会话丢失 {sessions} 次，条数无法得知。",
        "▼ Losses by limits of the broker noticed in these days: {events}. Queue full: {drops}, with {messages:,} "
        "messages dropped. Session lost: {sessions}, of which nobody can count the messages.",
    ),
    "losses_quarantine_sum": (
        "隔离区已满，其间 {packets:,} 条拒收报文的原文让位，计数不变。",
        " The quarantine was full: {packets:,} of its packets made room, counted all the same.",
    ),
    "losses_refer": ("详见“限额损失”。", ' See "Losses by limits".'),
    "losses_basis": (
        "丢失的报文从未送达采集程序，不在“收到”之内；其中本站设备应有的读数列为“缺失”。跨出统计期的损失整次列出。",
        "What was lost never reached the collector and is not part of what was received; what was expected of this "
        "site's devices among it is missing. A loss that reaches beyond these days is listed whole.",
    ),
    "losses_count": (
        "条数为消息服务器自报的丢弃数（mosquitto 的 $SYS），含其他客户端的报文，未必都是本站读数；"
        "10 分钟内相继发现的并为一次。"
        "消息服务器不报告（其他产品、MQTT 3.1.1、无读取权限）时，本表没有丢弃数，缺失仍按设备列出。",
        "The number is what the broker says it dropped (mosquitto's $SYS), for any client: not all need be readings of "
        "this site. Drops noticed within 10 minutes of each other are one loss. A broker that does not tell (another "
        "make, MQTT 3.1.1, no right to read it) has no such number here; what is missing is told by device.",
    ),
    "losses_quarantine": (
        "隔离区让位的是拒收报文的原文，最早者先：其读数已计入“收到”与“隔离”，不在“缺失”的原因之内；一小时记一次，"
        "相继者并为一次。",
        "What made room in the quarantine are rejected packets, oldest first: their readings are part of what was "
        "received and quarantined, and nothing of it is missing. It is noted once an hour, and what follows on is one "
        "loss.",
    ),
    "losses_proof": (
        "每次损失在发现时写入哈希链台账；条目号与 SHA-256 供核对，heatwatch verify 证明其后未被改动。",
        "Each loss was written into the hash chain of the ledger when it was noticed; heatwatch verify proves by the "
        "entry's number and SHA-256 that nothing was changed since.",
    ),
    "lost_from": ("最早可能自", "Not before"),
    "lost_until": ("发现时刻", "Noticed at"),
    "lost_what": ("损失", "What was lost"),
    "lost_messages": ("报文数\n（所有客户端）", "Messages\n(any client)"),
    "lost_limit": ("所涉限额", "Which limit"),
    "lost_entries": ("台账条目", "Entry of\nthe ledger"),
    "lost_hash": ("SHA-256", "SHA-256"),
    "lost_at": ("消息服务器（全部设备）", "broker (all devices)"),
    "lost_in_quarantine": ("隔离区", "quarantine"),
    "lost_since_unknown": ("未知", "unknown"),
    "lost_queue_sentence": (
        "{since} 至 {until}：消息服务器丢弃 {messages} 条报文（含其他客户端）；原因：{limit}；"
        "台账条目 {entries}，SHA-256 {hash}",
        "between {since} and {until} the broker dropped {messages} messages, of any client, because of: {limit}; "
        "ledger entry {entries}, SHA-256 {hash}",
    ),
    "lost_quarantine_sentence": (
        "{since} 至 {until}：隔离区中最早的 {messages} 条拒收报文让位，读数仍计入“隔离”；原因：{limit}；"
        "台账条目 {entries}，SHA-256 {hash}",
        "between {since} and {until} the oldest {messages} rejected packets of the quarantine made room, their "
        "readings stay counted as quarantined, because of: {limit}; ledger entry {entries}, SHA-256 {hash}",
    ),
    "lost_session_sentence": (
        "{since} 至 {until}：消息服务器未保留采集会话，期间报文丢失，条数无法得知；原因：{limit}；"
        "台账条目 {entries}，SHA-256 {hash}",
        "between {since} and {until} the broker kept no session of the collector and what was published is lost, "
        "nobody knows how many messages, because of: {limit}; ledger entry {entries}, SHA-256 {hash}",
    ),
    "prepared_by": ("制表", "Prepared by"),
    "all_devices": ("全部设备", "all devices"),
    "unnamed": ("无法对应设备", "no known device"),
    "sum_of_all": ("合计", "total"),
    "interval_min": ("采样间隔\n分钟", "Interval\n[min]"),
    "expected_readings": ("应有", "Expected"),
    "present_readings": ("实有", "In store"),
    "missing_readings": ("缺失", "Missing"),
    "completeness_rate": ("完整率\n%", "Complete\n[%]"),
}


def text(key: str, language: Language) -> str:
    """Return a word or sentence of the papers; what they lack comes from pages and the field."""
    return say(key, language, REPORT_WORDS) if key in REPORT_WORDS else word(key, language)
