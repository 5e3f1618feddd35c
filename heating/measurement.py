"""Names of the time series: the one list that stores, dashboards and tests share.

Contract §5 has those of readings and of what is judged. The rest is an extension: what a control room looks at in
Grafana and only the ledger knows (orders, clocks, causes, counters), written by `heatwatch.service_rows`; and the local
days of points (`room_day`), of which reports by day are made, written by the analyzer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from heating.reading import Floats, Ints, Texts


class Measurement(StrEnum):
    """Measurements, by their InfluxQL names."""

    ROOM = "room"
    ENTRY = "entry"
    OUTDOOR = "outdoor"
    HOME_STATUS = "home_status"
    BUILDING_STATUS = "building_status"
    BRANCH_STATUS = "branch_status"
    STATION_STATUS = "station_status"
    ROOM_HOUR = "room_hour"
    # Extension of contract §5.
    SITE_STATUS = "site_status"
    HOME_NOW = "home_now"
    COLD_HOME = "cold_home"
    POINT_PLACE = "point_place"
    EMPTY_STOREY = "empty_storey"
    BRANCH_PROFILE = "branch_profile"
    FINDING_STATUS = "finding_status"
    ORDER_STATUS = "order_status"
    ORDER_EVENT = "order_event"
    ORDER_COUNT = "order_count"
    ORDER_DAY = "order_day"
    INTAKE = "intake"
    DATA_DAY = "data_day"
    LOSS = "loss"
    CLOCK_COUNT = "clock_count"
    DEVICE_CLOCK = "device_clock"
    ROOM_DAY = "room_day"


@dataclass(frozen=True, slots=True)
class Schema:
    """Tags identify a series; `texts` are string fields, `floats` number fields (always float)."""

    tags: tuple[str, ...]
    floats: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields."""
        return self.texts + self.floats


_AREA = (
    "mean_c",
    "p10_c",
    "cold",
    "confirmed",
    "unknown",
    "total",
    "qualified_rate",
    "vertical_k",
    "horizontal_k",
)

# What held at each full hour of a local day.
DAY_HOURS = tuple(f"at_{hour:02d}_c" for hour in range(24))

SCHEMAS: dict[Measurement, Schema] = {
    Measurement.ROOM: Schema(
        ("point", "device"),
        ("temperature_c", "humidity_pct", "battery_v", "rssi_dbm", "lag_s", "quality"),
    ),
    Measurement.ENTRY: Schema(("point", "device"), ("supply_c", "return_c", "flow_m3h")),
    Measurement.OUTDOOR: Schema(("point", "device"), ("temperature_c",)),
    Measurement.HOME_STATUS: Schema(
        ("point", "station", "branch", "building", "unit", "floor"),
        ("temperature_c", "floor_c", "deficit_k", "score", "minutes_below"),
        ("status",),
    ),
    Measurement.BUILDING_STATUS: Schema(("station", "branch", "building"), _AREA),
    Measurement.BRANCH_STATUS: Schema(("station", "branch"), _AREA),
    Measurement.STATION_STATUS: Schema(("station",), _AREA),
    Measurement.ROOM_HOUR: Schema(("point",), ("min_c", "mean_c", "max_c", "n", "below_min")),
    Measurement.SITE_STATUS: Schema(
        ("site",),
        (
            *("mean_c", "p10_c", "outdoor_c", "total", "ok", "below_target", "cold", "confirmed", "unknown", "suspect"),
            *("exempt", "qualified_rate", "devices", "online", "online_rate", "strangers", "lag_p50_s", "lag_p95_s"),
            *("newest_age_s", "judge_lag_s", "unjudged", "waiting", "orders", "overdue"),
            *("losses_1h", "losses_24h"),
        ),
    ),
    Measurement.HOME_NOW: Schema(
        ("home", "station", "branch", "building", "unit", "floor", "place"),
        ("urgency", "confirmed", "score", "deficit_k", "temperature_c", "floor_c", "since_ms", "storey"),
        ("status", "cell", "point", "room", "reasons", "why", "cause", "side", "order_no"),
    ),
    Measurement.COLD_HOME: Schema(
        ("home", "station", "branch", "building"),
        ("urgency", "deficit_k", "temperature_c", "floor_c", "since_ms"),
        ("cell", "reasons", "cause", "side", "order_no"),
    ),
    Measurement.POINT_PLACE: Schema(
        ("point", "kind", "home", "station", "branch", "building", "unit", "floor"),
        ("branch_distance_m", "network_end"),
        ("device", "room", "space", "spot"),
    ),
    Measurement.EMPTY_STOREY: Schema(("station", "branch", "building", "floor"), ("storey",), ("place",)),
    Measurement.BRANCH_PROFILE: Schema(
        ("station", "branch"),
        (
            *("homes", "near_c", "middle_c", "far_c", "spread_k", "supply_c", "return_c"),
            *("near_supply_c", "middle_supply_c", "far_supply_c", "near_return_c", "middle_return_c", "far_return_c"),
        ),
    ),
    Measurement.FINDING_STATUS: Schema(
        ("kind", "subject_type", "subject"),
        ("open", "points", "start_ms"),
        ("severity", "cause", "side", "named", "board", "station", "branch", "building", "home"),
    ),
    Measurement.ORDER_STATUS: Schema(
        ("order_no",),
        ("unfinished", "late", "priority", "homes", "opened_ms", "due_ms"),
        (
            *("state", "trigger", "severity", "cause", "subject", "named", "next_step"),
            *("board", "station", "branch", "building", "home"),
        ),
    ),
    Measurement.ORDER_EVENT: Schema(
        ("order_no", "home", "event"), ("n",), ("label_zh", "label_en", "station", "branch", "building")
    ),
    Measurement.ORDER_COUNT: Schema(("state",), ("orders", "overdue", "nr")),
    Measurement.ORDER_DAY: Schema(("step",), ("met", "missed", "early", "late", "due", "waiting", "dropped", "nr")),
    Measurement.INTAKE: Schema(("fate", "reason"), ("readings",)),
    Measurement.DATA_DAY: Schema(("station",), ("points", "hours", "expected_hours", "completeness")),
    Measurement.LOSS: Schema(
        ("what",),
        ("n", "messages", "since_ms", "until_ms", "first_entry", "last_entry"),
        ("limited_by", "label_zh", "label_en"),
    ),
    Measurement.CLOCK_COUNT: Schema(("state",), ("devices",)),
    Measurement.DEVICE_CLOCK: Schema(
        ("device",),
        ("nr", "skew_s", "drift_s_per_day", "missing", "packets", "heard_ms"),
        ("state", "named", "board", "station", "branch", "building", "home"),
    ),
    Measurement.ROOM_DAY: Schema(
        ("point",),
        (
            *("min_c", "mean_c", "max_c", "held_min", "below_min", "exempt_min", "floor_day_c", "floor_night_c"),
            *("n", "first_ms", *DAY_HOURS),
        ),
    ),
}

READINGS = (Measurement.ROOM, Measurement.ENTRY, Measurement.OUTDOOR)
ROLL_UPS = tuple(m for m in Measurement if m not in READINGS)


@dataclass(frozen=True, slots=True)
class RollUp:
    """N rows of one derived measurement, as columns named by its schema.

    Attributes
    ----------
    ts_ms
        int64 (N,).
    tags
        Object arrays of str (N,), one for each tag of the schema.
    floats
        float64 (N,), NaN where absent, one for each number field.
    texts
        Object arrays of str (N,), one for each text field.
    """

    measurement: Measurement
    ts_ms: Ints
    tags: dict[str, Texts]
    floats: dict[str, Floats]
    texts: dict[str, Texts]

    def __post_init__(self) -> None:
        """Check the columns against the schema.

        Raises
        ------
        ValueError
            If a column is missing, unknown or of another length.
        """
        schema = SCHEMAS[self.measurement]
        for given, wanted in (
            (self.tags, schema.tags),
            (self.floats, schema.floats),
            (self.texts, schema.texts),
        ):
            if set(given) != set(wanted):
                raise ValueError(f"{self.measurement}: columns {sorted(given)}, want {sorted(wanted)}")
            if any(len(column) != len(self.ts_ms) for column in given.values()):
                raise ValueError(f"{self.measurement}: columns differ in length")

    def __len__(self) -> int:
        """Return N."""
        return len(self.ts_ms)

    @classmethod
    def empty(cls, measurement: Measurement) -> RollUp:
        """Return no rows."""
        schema = SCHEMAS[measurement]
        nothing = np.empty(0, dtype=object)
        return cls(
            measurement,
            np.empty(0, dtype=np.int64),
            dict.fromkeys(schema.tags, nothing),
            {name: np.empty(0) for name in schema.floats},
            dict.fromkeys(schema.texts, nothing),
        )
