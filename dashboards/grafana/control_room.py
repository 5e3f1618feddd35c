"""Control room: how the city stands, which homes come first, where it is worst."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import CONTROL, DATA, SERVICE, Dashboard, Site
from dashboards.grafana.columns import (
    CELSIUS,
    JUST_NOW,
    MINUTES,
    NOW,
    ONLINE,
    RATE,
    alarm,
    area_columns,
    building_column,
    by_floor,
    finding_columns,
    home_columns,
    names,
    order_columns,
    table_of_thirds,
)
from dashboards.grafana.panels import Column, Look, Panel, coloured, lines, link, stat, table
from dashboards.grafana.queries import Target, history, newest, newest_rows
from heating.measurement import Measurement

HOME_TAGS = ("home", "station", "branch", "building")


def control_room(site: Site) -> Dashboard:
    """Return the dashboard of the control room."""
    return Dashboard(
        uid=CONTROL,
        title=site.say("control_board"),
        panels=[
            *_figures(site),
            _temperatures(site),
            table_of_thirds(site, site.say("branches_thirds"), (9, 6, 7, 9)),
            _buildings(site),
            _homes(site),
            *_work(site),
        ],
        start="now-24h",
        refresh="30s",
    )


def _figures(site: Site) -> list[Panel]:
    say = site.say
    minutes = looks.steps((None, looks.PLAIN), (10, looks.RED))
    warm = Look(unit="celsius", decimals=1, thresholds=by_floor(site))
    to_data, to_service = link(say("data_board"), DATA), link(say("service_board"), SERVICE)
    shown = (
        ("homes_cold", _now("cold"), alarm(1, looks.ORANGE)),
        ("homes_confirmed", _now("confirmed"), alarm(1, looks.RED)),
        ("homes_unknown", _now("unknown"), alarm(1, looks.PINK).leading(to_data)),
        ("rate_now", _now("qualified_rate"), RATE),
        ("rate_today", _today(), RATE),
        ("online_rate", _now("online_rate"), ONLINE.leading(to_data)),
        ("mean_line", _now("mean_c"), warm),
        ("p10_line", _now("p10_c"), warm),
        ("outdoor_line", _now("outdoor_c"), CELSIUS),
        ("orders_open", _now("orders"), Look(decimals=0).leading(to_service)),
        ("orders_overdue", _now("overdue"), alarm(1, looks.RED).leading(to_service)),
        ("judged_age", _now("judge_lag_s", per=60), Look(unit=MINUTES, decimals=0, thresholds=minutes)),
    )
    hints = {"rate_now": "rate_hint", "rate_today": "rate_today_hint", "online_rate": "online_hint"}
    return [
        stat(
            say(title), (4 * (i % 6), 3 * (i // 6), 4, 3), [target], look,
            time_from="now/d" if title == "rate_today" else JUST_NOW,
            description=say(hints[title]) if title in hints else "",
        )
        for i, (title, target, look) in enumerate(shown)
    ]  # fmt: skip


def _now(field: str, per: float = 1) -> Target:
    return newest(Measurement.SITE_STATUS, [field], per=per)


def _today() -> Target:
    """Ask for the share of homes not cold, over all minutes of the range."""
    judged = '(sum("cold") + sum("ok") + sum("below_target"))'
    return Target(query=f'SELECT 1 - sum("cold") / {judged} AS "rate" FROM "site_status" WHERE $timeFilter', table=True)


def _temperatures(site: Site) -> Panel:
    say, status = site.say, Measurement.SITE_STATUS
    targets = [
        history(status, 'mean("mean_c")', alias=say("mean_line")),
        history(status, 'mean("p10_c")', alias=say("p10_line")),
        history(status, 'mean("outdoor_c")', alias=say("outdoor_line")),
    ]
    overrides = [
        coloured(say("mean_line"), looks.GREEN),
        coloured(say("p10_line"), looks.ORANGE),
        coloured(
            say("outdoor_line"),
            looks.SKY,
            custom__lineStyle={"fill": "dash", "dash": [8, 6]},
            custom__axisPlacement="right",
            custom__axisLabel=say("outdoor_line"),
        ),
    ]
    limits = looks.steps((None, "transparent"), (site.day_c, looks.RED))
    look = Look(unit="celsius", decimals=1, thresholds=limits)
    return lines(
        say("temperatures"), (0, 6, 9, 9), targets, look, overrides=overrides,
        custom={"thresholdsStyle": {"mode": "dashed"}},
    )  # fmt: skip


def _buildings(site: Site) -> Panel:
    say = site.say
    columns = [
        *(c for c in area_columns(say, building_column(say)) if c.name not in ("total", "vertical_k")),
        Column(name="station", title=say("station_name"), hidden=True),
        Column(name="branch", title=say("branch_name"), hidden=True),
    ]
    target = newest_rows(
        Measurement.BUILDING_STATUS,
        names(columns),
        tags=("station", "branch", "building"),
        by="cold",
        having='"cold" > 0',
    )
    return table(say("worst_buildings"), (16, 6, 8, 9), [target], columns, sort="cold", limit=12, time_from=NOW)


def _homes(site: Site) -> Panel:
    columns = home_columns(site.say)
    target = newest_rows(Measurement.COLD_HOME, names(columns), tags=HOME_TAGS, by="urgency", having='"urgency" > 0')
    return table(
        site.say("near_end_homes"), (0, 15, 14, 13), [target], columns, sort="urgency", limit=100, time_from=NOW
    )


def _work(site: Site) -> list[Panel]:
    say = site.say
    orders, findings = order_columns(say), finding_columns(say)
    order_rows = newest_rows(
        Measurement.ORDER_STATUS, names(orders), tags=("order_no",), by="unfinished", having='"unfinished" > 0'
    )
    finding_rows = newest_rows(
        Measurement.FINDING_STATUS,
        names(findings),
        tags=("kind", "subject_type", "subject"),
        by="open",
        having='"open" > 0',
    )
    return [
        table(say("late_orders"), (14, 15, 10, 7), [order_rows], orders, sort="late", limit=50, time_from=NOW),
        table(say("causes"), (14, 22, 10, 6), [finding_rows], findings, sort="points", limit=50, time_from=NOW),
    ]
