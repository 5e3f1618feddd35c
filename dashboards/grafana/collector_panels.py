"""Panels of the collector: what limits cost, dated, and devices that keep wrong time."""

from __future__ import annotations

from typing import Any

from dashboards.grafana import looks
from dashboards.grafana.board import Site
from dashboards.grafana.columns import CLOCK_TIME, JUST_NOW, NOW, alarm, names, place_column, way_columns
from dashboards.grafana.panels import Column, Look, Panel, stat, table
from dashboards.grafana.queries import DATASOURCE, Target, newest_rows, raw
from dashboards.grafana.words import Say
from heating.measurement import Measurement

_MONTH = "31d"
_LOSSES = ("queue", "session", "quarantine")
_LIMITS = ("queue", "expiry", "session", "quarantine")
# Figures and marks in red are of these: what made room in the quarantine leaves no gap in any graph.
_AT_BROKER = "$timeFilter AND \"what\" != 'quarantine'"


def loss_panels(site: Site, top: int) -> list[Panel]:
    """Return the table of losses of a month, and how many messages they were; `top` is the row of the grid."""
    say = site.say
    columns = [
        Column(name="what", title=say("lost_kind"), mappings=looks.words(say, _LOSSES, "loss_"), width=130),
        Column(name="messages", title=say("lost_messages"), decimals=0, width=165),
        Column(name="since_ms", title=say("lost_not_before"), unit=CLOCK_TIME, width=115),
        Column(name="until_ms", title=say("lost_noticed"), unit=CLOCK_TIME, width=115),
        Column(name="limited_by", title=say("lost_by_limit"), mappings=looks.words(say, _LIMITS, "by_")),
        Column(name="last_entry", title=say("ledger_entry"), decimals=0, width=100),
    ]
    listed = raw(Measurement.LOSS, names(columns), where={})
    return [
        table(
            say("losses"), (0, top, 14, 8), [listed], columns, sort="until_ms", time_from=_MONTH,
            description=say("losses_hint"),
        ),
        stat(say("losses_31d"), (14, top, 4, 4), [_sum("n")], alarm(1, looks.RED), time_from=_MONTH),
        stat(say("lost_31d"), (14, top + 4, 4, 4), [_sum("messages")], Look(decimals=0), time_from=_MONTH),
    ]  # fmt: skip


def loss_marks(say: Say, panels: list[int]) -> dict[str, Any]:
    """Mark on the panels of these numbers from when to when losses at the broker were noticed."""
    label = say("event_label")
    query = f'SELECT "{label}", "until_ms", "what" FROM "loss" WHERE {_AT_BROKER}'
    columns = {"textColumn": label, "tagsColumn": "what", "timeEndColumn": "until_ms", "titleColumn": ""}
    name = say("losses_at_broker")
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "filter": {"exclude": False, "ids": panels},
        "iconColor": looks.RED,
        "query": query,
        "fromAnnotations": True,
        "target": {"refId": "Anno", "fromAnnotations": True, "query": query, "name": name, **columns},
        **columns,
    }


def clock_panels(site: Site, top: int) -> list[Panel]:
    """Return how many devices keep what time, beside the losses, and below the devices to look after."""
    say = site.say
    states = [
        Column(name="state", title=say("clock"), mappings=looks.clock_states(say), colour="color-text"),
        Column(name="devices", title=say("devices"), decimals=0, width=75),
    ]
    devices = [
        Column(name="nr", title=say("rank"), decimals=0, width=50),
        Column(name="device", title=say("device"), width=190),
        place_column(say),
        Column(name="state", title=say("clock"), mappings=looks.clock_states(say), colour="color-text", width=190),
        Column(name="skew_s", title=say("clock_skew"), decimals=0, width=130),
        Column(name="drift_s_per_day", title=say("clock_drift"), decimals=1, width=130),
        Column(name="missing", title=say("missing_numbers"), decimals=0, width=150),
        Column(name="packets", title=say("packets"), decimals=0, width=90),
        Column(name="heard_ms", title=say("last_packet"), unit=CLOCK_TIME, width=120),
        *way_columns(say),
    ]
    counted = newest_rows(Measurement.CLOCK_COUNT, names(states), tags=("state",), by="devices")
    listed = newest_rows(Measurement.DEVICE_CLOCK, names(devices), tags=("device",), by="nr")
    return [
        table(say("clock_states"), (18, top, 6, 8), [counted], states, sort="devices", time_from=NOW),
        table(
            say("device_clocks"), (0, top + 8, 24, 10), [listed], devices, sort="nr", descending=False,
            time_from=JUST_NOW, description=say("clocks_hint"),
        ),
    ]  # fmt: skip


def _sum(field: str) -> Target:
    return Target(query=f'SELECT sum("{field}") AS "{field}" FROM "loss" WHERE {_AT_BROKER}', table=True)
