"""Words of the Grafana dashboards, beside those of pages and of the field: Chinese, then English."""

from __future__ import annotations

from collections.abc import Callable

from dashboards.reasons import REASON_WORDS
from dashboards.words import word
from heating.words import Language

Say = Callable[[str], str]

GRAFANA_WORDS: dict[str, tuple[str, str]] = {
    # dashboards and folders
    "folder": ("室温监测", "Room temperature"),
    "alert_folder": ("室温监测 · 系统自检", "Room temperature · pipeline health"),
    "boards": ("看板", "Dashboards"),
    "control_board": ("1 调度室", "1 Control room"),
    "station_board": ("2 换热站与支线", "2 Station and branch"),
    "building_board": ("3 楼栋", "3 Building"),
    "home_board": ("4 用户", "4 Home"),
    "data_board": ("5 数据质量", "5 Data quality"),
    "service_board": ("6 服务", "6 Service"),
    # figures
    "homes_cold": ("低温用户", "Homes cold"),
    "homes_confirmed": ("已确认", "Confirmed"),
    "homes_unknown": ("无数据用户", "Homes unknown"),
    "homes_total": ("监测用户", "Homes watched"),
    "rate_now": ("当前合格率", "Qualified now"),
    "rate_today": ("今日合格率", "Qualified today"),
    "orders_open": ("在办调度单", "Open orders"),
    "orders_overdue": ("其中超时", "Overdue"),
    "judged_age": ("判定滞后", "Judging behind"),
    "newest_age": ("最新读数", "Newest reading"),
    "rate_hint": (
        "按传感器读数，非签字记录；已判定用户中不低温的比例",
        "From sensors, not signed records: share not cold among the homes judged",
    ),
    "rate_today_hint": ("今日零点以来各户各时刻合计", "Over all homes and instants since midnight"),
    "online_hint": ("90 分钟内有读数的设备比例", "Devices with a reading within 90 minutes"),
    # lines and columns
    "mean_line": ("室内均温", "Indoor mean"),
    "p10_line": ("最低一成低于", "Coldest tenth below"),
    "outdoor_line": ("室外", "Outdoor"),
    "water": ("供回水", "Water"),
    "rooms": ("室温", "Rooms"),
    "supply": ("供水", "Supply"),
    "return": ("回水", "Return"),
    "near": ("近端", "Near"),
    "middle": ("中段", "Middle"),
    "far": ("末端", "Far"),
    "spread": ("近端 − 末端", "Near − far"),
    "near_end_homes": ("低温用户清单（按优先级）", "Cold homes by priority"),
    "home_id": ("用户", "Home"),
    "status_word": ("状态", "Status"),
    "temp": ("室温", "Temp."),
    "limit": ("限值", "Limit"),
    "deficit": ("差值", "Deficit"),
    "urgency": ("排序值", "Sort key"),
    "since": ("起始", "Since"),
    "reasons": ("优先原因", "Reasons"),
    "cause_word": ("原因", "Cause"),
    "side_word": ("责任侧", "Side"),
    "order_no": ("调度单", "Order"),
    "rate": ("合格率", "Qualified"),
    "cold_count": ("低温", "Cold"),
    "confirmed_count": ("已确认", "Confirmed"),
    "unknown_count": ("无数据", "Unknown"),
    "total_count": ("户数", "Homes"),
    "mean": ("均温", "Mean"),
    "vertical": ("垂直失调", "Vertical imbalance"),
    "horizontal": ("水平失调", "Horizontal imbalance"),
    "vertical_hint": (
        "上三分之一楼层均温减下三分之一（自定义）",
        "Upper third of the floors minus lower third (our own)",
    ),
    "horizontal_hint": (
        "支线近端三分之一均温减末端三分之一（自定义）",
        "Near third of a branch minus far third (our own)",
    ),
    "storey": ("楼层", "Storey"),
    "entry": ("热力入口", "Entry"),
    "device": ("设备", "Device"),
    "battery": ("电池", "Battery"),
    "signal": ("信号", "Signal"),
    "humidity": ("湿度", "Humidity"),
    "lag": ("上报滞后", "Lag"),
    "marks": ("质量标记", "Marks"),
    "time": ("时间", "Time"),
    "kind": ("类别", "Kind"),
    "board": ("看板名", "Board"),
    "to_place": ("打开看板", "Open its dashboard"),
    "place": ("位置", "Place"),
    "severity": ("程度", "Severity"),
    "points_count": ("测温点", "Points"),
    # places by kind: what stands for the parts of an id
    "place_home": ("$1 $2号楼 $3单元 $4室", "$1 bldg $2 unit $3 rm $4"),
    "place_building": ("$1 $2号楼", "$1 bldg $2"),
    "place_riser": ("$1 $2号楼 立管 $3", "$1 bldg $2 riser $3"),
    "place_branch": ("$1 支线 $2", "$1 branch $2"),
    "place_station": ("换热站 $1", "station $1"),
    # panels
    "temperatures": ("室内与室外温度", "Indoor and outdoor temperature"),
    "branches_thirds": ("各支线近、中、末端室温", "Near, middle and far end of each branch"),
    "branches_of_station": ("本站各支线", "Branches of the station"),
    "worst_buildings": ("最差楼栋", "Worst buildings"),
    "causes": ("原因诊断", "Causes told apart"),
    "late_orders": ("调度单（超时在前）", "Orders, overdue first"),
    "supply_return": ("供回水温度（各热力入口平均）", "Supply and return (mean of the entries)"),
    "ends_supply": ("近端与末端供水", "Supply near and far"),
    "ends_rooms": ("近、中、末端室温", "Rooms near, middle, far"),
    "imbalance": ("水平失调", "Horizontal imbalance"),
    "distribution": ("室温分布（户数）", "Distribution of room temperature (homes)"),
    "buildings_of_branch": ("支线各楼栋", "Buildings of the branch"),
    "grid": ("楼层 × 单元", "Floors × units"),
    "grid_hint": (
        "▼ 低温已确认 ▽ 低温 ↓ 低于目标 ○ 达标 ! 存疑 ? 无数据 — 免判；列为单元与户位",
        "▼ cold, confirmed ▽ cold ↓ below target ○ ok ! suspect ? unknown — exempt; columns are unit and position",
    ),
    "homes_list": ("各户", "Homes"),
    "vertical_history": ("垂直失调", "Vertical imbalance"),
    "temperature_history": ("室温与供回水", "Rooms, supply and return"),
    "states_history": ("各户状态", "States of the homes"),
    "home_history": ("室温与限值", "Temperature against the floor in force"),
    "breach": ("低温时段（本户）", "Breach (home)"),
    "marked": ("有质量标记的读数", "Marked readings"),
    "readings_list": ("最近读数", "Latest readings"),
    "battery_signal": ("电池与信号", "Battery and signal"),
    "state_history": ("判定状态", "Status as judged"),
    "orders_of_home": ("本户调度单经过", "Orders of this home"),
    "event": ("经过", "Event"),
    # the column with the words of events
    "event_label": ("label_zh", "label_en"),
    "cold_confirmed": ("低温 · 已确认", "confirmed"),
    # data quality
    "devices_online": ("在线设备", "Devices online"),
    "devices_silent": ("失联设备", "Silent devices"),
    "online_rate": ("设备在线率", "Online rate"),
    "quarantined_24h": ("隔离 · 24 小时", "Quarantined, 24 h"),
    "late_24h": ("迟到 · 24 小时", "Late, 24 h"),
    "strangers": ("未登记设备", "Unknown devices"),
    "lag_p95": ("上报滞后 95%", "Lag, 95th percentile"),
    "lag_p50": ("上报滞后中位", "Lag, median"),
    "waiting": ("待写报文", "Packets waiting"),
    "intake_history": ("读数去向", "What became of the readings"),
    "online_history": ("设备在线率", "Share of devices online"),
    "lag_history": ("上报滞后", "Lag"),
    "flow_history": ("处理滞后", "Pipeline behind"),
    "completeness": ("每日完整率", "Completeness by day"),
    "completeness_hint": (
        "有读数的小时数 ÷ 应有小时数（已装设备的室内测温点）",
        "Hours with a reading among the hours of all rooms with a sensor",
    ),
    "losses_24h": ("报文丢失 · 24 小时", "Lost at broker, 24 h"),
    "losses_31d": ("报文丢失次数 · 31 天", "Losses at the broker, 31 d"),
    "lost_31d": ("丢弃报文 · 31 天", "Messages dropped, 31 d"),
    "losses_at_broker": ("消息服务器丢失的报文", "Messages lost at the broker"),
    "losses": ("因限额丢失的报文", "Messages lost by limits"),
    "losses_hint": (
        "消息服务器的限额所致者从未送达采集：条数为其自报（含其他客户端），会话丢失的条数不明。隔离区让位的仅为拒收报文原文，"
        "读数已计入。起止与台账条目见数据完整率报表",
        "What limits of the broker cost was never delivered: the number is its own, for any client; of a lost session "
        "nobody knows it. What made room in the quarantine are rejected packets, counted all the same. The account of "
        "readings has dates and entries of the ledger",
    ),
    "loss_queue": ("队列超限", "queue full"),
    "loss_session": ("会话丢失", "session lost"),
    "loss_quarantine": ("隔离区让位", "quarantine full"),
    "by_queue": ("队列：max_queued_messages、max_queued_bytes", "queue: max_queued_messages, max_queued_bytes"),
    "by_quarantine": ("隔离区容量：行数、字节数", "cap of the quarantine: rows, bytes"),
    "by_expiry": ("会话时限：mqtt.session_expiry_s", "time of a session: mqtt.session_expiry_s"),
    "by_session": (
        "重启未持久化：persistence；或 persistent_client_expiration",
        "restart without persistence, or persistent_client_expiration",
    ),
    "clock": ("时钟", "Clock"),
    "clock_states": ("设备时钟（台数）", "Clocks of devices (how many)"),
    "clocks_hint": (
        "时钟异常者在前，其后为有缺号者；最多 200 台，处理建议见网页“设备”",
        "Wrong clocks first, then gaps; 200 devices at most. What to do: see the console's page of devices",
    ),
    "data_findings": ("数据类诊断", "Findings on data"),
    "quarantine_reasons": ("隔离与忽略的原因", "Why readings were not stored"),
    "reason": ("原因", "Reason"),
    "readings": ("读数", "Readings"),
    "day": ("日期", "Day"),
    "hours_seen": ("有读数小时", "Hours seen"),
    "hours_expected": ("应有小时", "Hours expected"),
    "station_name": ("换热站", "Station"),
    "branch_name": ("支线", "Branch"),
    # service
    "by_state": ("调度单（按状态）", "Orders by state"),
    "orders_table": ("在办调度单", "Open orders"),
    "clocks_table": ("时限达成（所选时段内生成的调度单）", "Clocks met (orders opened in the range)"),
    "clocks_history": ("每日时限达成", "Clocks by day"),
    "orders_in_range": ("生成调度单 · 所选时段", "Opened in the range"),
    "orders_in_month": ("生成调度单 · 本月", "Opened this month"),
    "share_in_month": ("达成率 · 本月", "Met this month"),
    "events_table": ("最近经过", "Latest events"),
    "step": ("步骤", "Step"),
    "met": ("按时", "In time"),
    "missed": ("逾期完成", "Done late"),
    "early": ("提前", "Too early"),
    "overdue_now": ("已超时", "Overdue"),
    "waiting_clock": ("未到时限", "Running"),
    "share_met": ("达成率", "Share met"),
    "orders_count": ("单数", "Orders"),
    "trigger": ("四为令", "Trigger"),
    "next_step": ("下一步", "Next step"),
    "due": ("时限", "Due"),
    "opened_at": ("生成", "Opened"),
    "priority": ("优先级", "Priority"),
    "homes_count": ("户数", "Homes"),
    "is_late": ("超时", "overdue"),
    "in_time": ("未超时", "in time"),
    "low_floor+network_end": ("低楼层 · 管网末端", "low floor · network end"),
    "answered": ("站内答复", "station answered"),
    # marks on readings
    "low_battery": ("电量低", "low battery"),
    "moved": ("移动过", "moved"),
    "sensor_fault": ("传感器故障", "sensor fault"),
    "server_time": ("以接收时间计", "receive time"),
    "replayed": ("补传", "replayed"),
    # alert rules
    "alert_collector": ("采集中断：15 分钟没有任何读数", "Collector silent: no reading for 15 minutes"),
    "alert_collector_hint": (
        "没有设备上报、消息服务器或采集停止，或 heatwatch、数据库停止写入；请看 heatwatch 的 /healthz",
        "No device reports, broker or collector are down, or heatwatch or its database are; see /healthz of heatwatch",
    ),
    "alert_store": (
        "入库异常：有读数到达，库中最新读数早于 30 分钟",
        "Store behind: readings come, the newest stored one is over 30 minutes old",
    ),
    "alert_store_hint": (
        "到达的读数全部迟到或被隔离；见看板“数据质量”的读数去向与隔离原因",
        "All that comes is late or quarantined; see reasons on the dashboard on data quality",
    ),
    "alert_analyzer": ("判定停滞：分析 10 分钟未推进", "Analyzer stale: not moved for 10 minutes"),
    "alert_analyzer_hint": (
        "低温用户与调度单停在此前的状态；请看 heatwatch 的 /healthz 与分析进程日志",
        "Cold homes and orders stand as they were; see /healthz of heatwatch and the analyzer's log",
    ),
    "alert_loss": ("消息服务器丢失报文（近 1 小时内发现）", "Broker lost messages (noticed within the last hour)"),
    "alert_loss_hint": (
        "消息服务器的队列或会话限额已满，期间读数无法找回；见看板“数据质量”与 heatwatch report completeness",
        "A limit of the broker's queue or session was reached, and readings are gone; see the dashboard on data "
        "quality and heatwatch report completeness",
    ),
    "alert_quarantine": (
        "隔离区已满：最早的拒收报文近 1 小时内让位",
        "Quarantine full: its oldest packets made room within the last hour",
    ),
    "alert_quarantine_hint": (
        "不缺读数，计数不变；但有设备长期大量发送无效报文，其原文已不全。见看板“数据质量”与 heatwatch quarantine",
        "No reading is missing and all are counted; but devices send so many packets that cannot be used that not all "
        "are kept. See why on the dashboard on data quality, and heatwatch quarantine",
    ),
    "alert_online": ("设备在线率低于 90%", "Devices online below 90 %"),
    "alert_online_hint": (
        "失联设备的用户按“无数据”处理，不作达标；见看板“数据质量”",
        "Homes of silent devices count as unknown, not as warm; see the dashboard on data quality",
    ),
}


def speaker(language: Language) -> Say:
    """Return the words of one language; a key without a word is returned as it is."""

    def say(key: str) -> str:
        pair = GRAFANA_WORDS.get(key) or REASON_WORDS.get(key)
        if pair is None:
            return word(key, language)
        return pair[0] if language is Language.ZH else pair[1]

    return say
