"""Columns and looks that several dashboards share."""

from __future__ import annotations

from typing import Any

from dashboards.grafana import looks
from dashboards.grafana.board import BUILDING, HOME, STATION, Site
from dashboards.grafana.order_rows import STEPS
from dashboards.grafana.panels import Column, Look, Panel, link, of_row, table
from dashboards.grafana.queries import Where, newest_rows
from dashboards.grafana.words import Say
from heating.finding import FindingKind, Scope, Side
from heating.measurement import Measurement
from heating.order import TriggerClass

CLOCK_TIME = "time:MM-DD HH:mm"
CELSIUS = Look(unit="celsius", decimals=1)
KELVIN = Look(unit="suffix:K", decimals=1)
# Minutes whatever their number: the unit `s` of Grafana says "1 mins" and rounds.
MINUTES = "suffix:min"
PERCENT = "percent"
KELVIN_FINE = Look(unit="suffix:K", decimals=2)
# Shares of devices and hours (our own bands).
ONLINE_STEPS = looks.steps((None, looks.PLAIN), (0.0, looks.RED), (0.90, looks.ORANGE), (0.95, looks.GREEN))
ONLINE = Look(unit="percentunit", decimals=1, thresholds=ONLINE_STEPS)
# Gates of the qualified rate: 98 % (Beijing, historical), 90 % (Heilongjiang, draft); see the regulations, no. 30.
RATE_STEPS = looks.steps((None, looks.PLAIN), (0.0, looks.RED), (0.90, looks.ORANGE), (0.98, looks.GREEN))
RATE = Look(unit="percentunit", decimals=1, thresholds=RATE_STEPS)
# How long the newest row of a series that is written on change and once an hour may be old.
NOW = "75m"
# Rows that are written every minute or five.
JUST_NOW = "15m"
WAY = ("station", "branch", "building", "home")
REASONS = ("low_floor", "network_end", "low_floor+network_end")


def alarm(first: float, colour: str) -> Look:
    """Return a count that takes a colour from `first` on."""
    return Look(decimals=0, thresholds=looks.steps((None, looks.PLAIN), (first, colour)))


def by_floor(site: Site) -> dict[str, Any]:
    """Return the colours of a temperature against the floors by night and by day of the rule in force (S2 §7)."""
    return looks.steps((None, looks.PLAIN), (-60.0, looks.RED), (site.night_c, looks.ORANGE), (site.day_c, looks.GREEN))


def home_columns(say: Say) -> list[Column]:
    """Return the columns of a home in a list, from `home_now`."""
    to_home = link(say("home_board"), HOME, station="station", branch="branch", building="building", home="home")
    to_building = link(say("building_board"), BUILDING, station="station", branch="branch", building="building")
    return [
        Column(name="cell", title=say("status_word"), width=120, mappings=looks.home_states(say),
               colour="color-background"),
        Column(name="home", title=say("home_id"), link=to_home),
        Column(name="temperature_c", title=say("temp"), unit="celsius", decimals=1, width=75),
        Column(name="floor_c", title=say("limit"), unit="celsius", decimals=0, width=60),
        Column(name="deficit_k", title=say("deficit"), unit="suffix:K", decimals=1, width=65),
        Column(name="since_ms", title=say("since"), unit=CLOCK_TIME, width=100),
        Column(name="reasons", title=say("reasons"), mappings=looks.words(say, REASONS), width=165),
        Column(name="cause", title=say("cause_word"), mappings=looks.words(say, [s.value for s in Scope]), width=100),
        Column(name="side", title=say("side_word"), mappings=looks.words(say, [s.value for s in Side]), width=100),
        Column(name="order_no", title=say("order_no"), width=143),
        Column(name="urgency", title=say("urgency"), hidden=True),
        Column(name="station", title=say("station_name"), hidden=True),
        Column(name="branch", title=say("branch_name"), hidden=True),
        Column(name="building", title=say("building"), link=to_building, hidden=True),
    ]  # fmt: skip


def finding_columns(say: Say) -> list[Column]:
    """Return the columns of a finding, from `finding_status`."""
    kinds, scopes = [k.value for k in FindingKind], [s.value for s in Scope]
    return [
        Column(name="severity", title=say("severity"), mappings=looks.severities(say), width=95, colour="color-text"),
        Column(name="kind", title=say("kind"), mappings=looks.words(say, kinds), width=155),
        place_column(say),
        Column(name="points", title=say("points_count"), decimals=0, width=70),
        Column(name="cause", title=say("cause_word"), mappings=looks.words(say, scopes), width=100),
        Column(name="start_ms", title=say("since"), unit=CLOCK_TIME, width=110),
        *way_columns(say),
    ]


def place_column(say: Say) -> Column:
    """Return the column that names what a row is about, and leads to its dashboard; it needs `way_columns`."""
    to_place = link(say("to_place"), of_row("board"), **{level: level for level in WAY})
    return Column(name="named", title=say("place"), mappings=looks.places(say), link=to_place)


def way_columns(say: Say) -> list[Column]:
    """Return the hidden columns from which the link of a place is made."""
    return [Column(name=name, title=say(name), hidden=True) for name in ("board", *WAY)]


def order_columns(say: Say) -> list[Column]:
    """Return the columns of an order, from `order_status`."""
    late = looks.yes_no(say, "is_late", "in_time", looks.RED)
    return [
        Column(name="late", title=say("is_late"), width=90, mappings=late, colour="color-text", align="left"),
        Column(name="order_no", title=say("order_no"), width=143),
        Column(
            name="state", title=say("status_word"), mappings=looks.order_states(say), width=110, colour="color-text"
        ),
        place_column(say),
        Column(name="next_step", title=say("next_step"), mappings=looks.words(say, STEPS), width=90),
        Column(name="due_ms", title=say("due"), unit=CLOCK_TIME, width=105),
        *way_columns(say),
    ]


def order_details(say: Say) -> list[Column]:
    """Return the further columns of an order."""
    triggers, scopes = [t.value for t in TriggerClass], [s.value for s in Scope]
    return [
        Column(name="severity", title=say("severity"), mappings=looks.severities(say), width=95, colour="color-text"),
        Column(name="priority", title=say("priority"), unit="suffix:K", decimals=1, width=80),
        Column(name="homes", title=say("homes_count"), decimals=0, width=65),
        Column(name="cause", title=say("cause_word"), mappings=looks.words(say, scopes), width=100),
        Column(name="trigger", title=say("trigger"), mappings=looks.words(say, triggers), width=130),
        Column(name="opened_ms", title=say("opened_at"), unit=CLOCK_TIME, width=110),
    ]


def area_columns(say: Say, first: Column) -> list[Column]:
    """Return the columns of a building or branch, from its status measurement."""
    return [
        first,
        Column(name="cold", title=say("cold_count"), decimals=0, width=65),
        Column(name="confirmed", title=say("confirmed_count"), decimals=0, width=90),
        Column(name="unknown", title=say("unknown_count"), decimals=0, width=90),
        Column(name="total", title=say("total_count"), decimals=0, width=65),
        Column(name="qualified_rate", title=say("rate"), unit="percentunit", decimals=1, width=90,
               thresholds=RATE_STEPS, colour="color-text"),
        Column(name="mean_c", title=say("mean"), unit="celsius", decimals=1, width=80),
        Column(name="vertical_k", title=say("vertical"), unit="suffix:K", decimals=1, width=140),
    ]  # fmt: skip


def building_column(say: Say) -> Column:
    """Return the column of a building, which leads to its dashboard."""
    to_building = link(say("building_board"), BUILDING, station="station", branch="branch", building="building")
    return Column(name="building", title=say("building"), link=to_building)


def branch_column(say: Say) -> Column:
    """Return the column of a branch, which leads to its dashboard."""
    return Column(name="branch", title=say("branch_name"),
                  link=link(say("station_board"), STATION, station="station", branch="branch"))  # fmt: skip


def table_of_thirds(site: Site, title: str, at: tuple[int, int, int, int], where: Where | None = None) -> Panel:
    """Return a table of branches: rooms near the station, in the middle, at the end; the widest apart first."""
    say = site.say
    look = {"unit": "celsius", "decimals": 1, "thresholds": by_floor(site), "colour": "color-text", "width": 75}
    columns = [
        branch_column(say),
        *(Column(name=f"{third}_c", title=say(third), **look) for third in ("near", "middle", "far")),  # type: ignore[arg-type]
        Column(name="spread_k", title=say("spread"), unit="suffix:K", decimals=1, width=105),
        Column(name="station", title=say("station_name"), hidden=True),
    ]
    target = newest_rows(
        Measurement.BRANCH_PROFILE, names(columns), tags=("station", "branch"), by="homes", where=where
    )
    return table(title, at, [target], columns, sort="spread_k", time_from=JUST_NOW, description=say("horizontal_hint"))


def names(columns: list[Column]) -> list[str]:
    """Return the names of columns: what the query has to select."""
    return [column.name for column in columns]
