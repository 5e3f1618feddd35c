"""Control room: how the city stands, which homes come first, where it is worst."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import CONTROL, Dashboard, Site
from dashboards.grafana.columns import (
    JUST_NOW,
    NOW,
    ONLINE_STEPS,
    RATE,
    alarm,
    area_columns,
    branch_column,
    building_column,
    by_floor,
    finding_columns,
    home_columns,
    names,
    order_columns,
)
from dashboards.grafana.panels import Column, Look, Panel, coloured, lines, stat, table
from dashboards.grafana.queries import Target, history, newest, newest_rows
from heating.measurement import Measurement

HOME_TAGS = ("home", "station", "branch", "building")


def control_room(site: Site) -> Dashboard:
    """Return the dashboard of the control room."""
    return Dashboard(
        uid=CONTROL,
        title=site.say("control_board"),
        panels=[*_figures(site), _temperatures(site), _thirds(site), _buildings(site), _homes(site), *_work(site)],
        start="now-24h",
        refresh="30s",
    )


def _figures(site: Site) -> list[Panel]:
    say = site.say
    seconds = looks.steps((None, looks.PLAIN), (600, looks.RED))
    shown = (
        ("homes_cold", "cold", alarm(1, looks.ORANGE), 3),
        ("homes_confirmed", "confirmed", alarm(1, looks.RED), 3),
        ("homes_unknown", "unknown", alarm(1, looks.PINK), 3),
        ("rate_now", "qualified_rate", RATE, 3),
        ("rate_today", "", RATE, 3),
        ("online_rate", "online_rate", Look(unit="percentunit", decimals=1, thresholds=ONLINE_STEPS), 3),
        ("orders_open", "orders", alarm(10**9, looks.PLAIN), 2),
        ("orders_overdue", "overdue", alarm(1, looks.RED), 2),
        ("judged_age", "judge_lag_s", Look(unit="s", decimals=0, thresholds=seconds), 2),
    )
    panels, x = [], 0
    for title, field, look, width in shown:
        at = (x, 0, width, 4)
        if field:
            hint = {"rate_now": say("rate_hint"), "online_rate": say("online_hint")}.get(title, "")
            target = newest(Measurement.SITE_STATUS, [field])
            panels.append(stat(say(title), at, [target], look, time_from=JUST_NOW, description=hint))
        else:
            panels.append(stat(say(title), at, [_today()], look, time_from="now/d", description=say("rate_today_hint")))
        x += width
    return panels


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
        say("temperatures"), (0, 4, 9, 9), targets, look, overrides=overrides,
        custom={"thresholdsStyle": {"mode": "dashed"}},
    )  # fmt: skip


def _thirds(site: Site) -> Panel:
    say = site.say
    look = {"unit": "celsius", "decimals": 1, "thresholds": by_floor(site), "colour": "color-text", "width": 75}
    columns = [
        branch_column(say),
        *(Column(name=f"{third}_c", title=say(third), **look) for third in ("near", "middle", "far")),  # type: ignore[arg-type]
        Column(name="spread_k", title=say("spread"), unit="suffix: K", decimals=1, width=105),
        Column(name="station", title=say("station_name"), hidden=True),
    ]
    target = newest_rows(Measurement.BRANCH_PROFILE, names(columns), tags=("station", "branch"), by="far_c")
    return table(
        say("branches_thirds"), (9, 4, 7, 9), [target], columns, sort="spread_k", time_from=JUST_NOW,
        description=say("horizontal_hint"),
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
    return table(say("worst_buildings"), (16, 4, 8, 9), [target], columns, sort="cold", limit=12, time_from=NOW)


def _homes(site: Site) -> Panel:
    columns = home_columns(site.say)
    target = newest_rows(Measurement.HOME_NOW, names(columns), tags=HOME_TAGS, by="urgency", having='"urgency" > 0')
    return table(
        site.say("near_end_homes"), (0, 13, 15, 14), [target], columns, sort="urgency", limit=100, time_from=NOW
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
        table(say("late_orders"), (15, 13, 9, 7), [order_rows], orders, sort="late", limit=50, time_from=NOW),
        table(say("causes"), (15, 20, 9, 7), [finding_rows], findings, sort="points", limit=50, time_from=NOW),
    ]
