"""Service: orders by state, clocks met over the month, what happened last."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import HOME, SERVICE, Dashboard, Site
from dashboards.grafana.columns import CLOCK_TIME, NOW, RATE, WAY, alarm, names, order_columns, order_details
from dashboards.grafana.order_rows import STEPS
from dashboards.grafana.panels import Column, Look, Panel, bars, coloured, link, stat, table
from dashboards.grafana.queries import Target, history, newest, newest_rows
from heating.measurement import Measurement

_DONE = '(sum("met") + sum("missed") + sum("early") + sum("late"))'


def service(site: Site) -> Dashboard:
    """Return the dashboard of the service."""
    return Dashboard(
        uid=SERVICE,
        title=site.say("service_board"),
        panels=[*_figures(site), _states(site), _clocks(site), *_days(site), _orders(site), _events(site)],
        start="now-30d",
    )


def _figures(site: Site) -> list[Panel]:
    say, status = site.say, Measurement.SITE_STATUS
    share = Target(query=f'SELECT sum("met") / {_DONE} AS "share" FROM "order_day" WHERE $timeFilter', table=True)
    opened = Target(
        query=f'SELECT {_OPENED} AS "orders" FROM "order_day" WHERE $timeFilter AND "step" = \'issued\'', table=True
    )
    count, late = Look(decimals=0), alarm(1, looks.RED)
    return [
        stat(say("orders_open"), (0, 0, 4, 4), [newest(status, ["orders"])], count, time_from=NOW),
        stat(say("orders_overdue"), (4, 0, 4, 4), [newest(status, ["overdue"])], late, time_from=NOW),
        stat(say("orders_in_range"), (0, 4, 4, 4), [opened], count),
        stat(say("share_met"), (4, 4, 4, 4), [share], RATE),
        stat(say("orders_in_month"), (0, 8, 4, 5), [opened], count, time_from="now/M"),
        stat(say("share_in_month"), (4, 8, 4, 5), [share], RATE, time_from="now/M"),
    ]


_OPENED = 'sum("met") + sum("missed") + sum("early") + sum("late") + sum("due") + sum("waiting") + sum("dropped")'


def _states(site: Site) -> Panel:
    """Show the orders of each state as a bar with its number."""
    say = site.say
    columns = [
        Column(name="state", title=say("status_word"), mappings=looks.order_states(say), width=125,
               colour="color-text"),
        Column(name="orders", title=say("orders_count"), decimals=0, colour="gauge"),
        Column(name="overdue", title=say("is_late"), decimals=0, width=80,
               thresholds=looks.steps((None, looks.PLAIN), (1, looks.RED)), colour="color-text"),
        Column(name="nr", title="#", hidden=True),
    ]  # fmt: skip
    target = newest_rows(Measurement.ORDER_COUNT, names(columns), tags=("state",), by="orders")
    return table(say("by_state"), (8, 0, 6, 13), [target], columns, sort="nr", descending=False, time_from=NOW)


def _clocks(site: Site) -> Panel:
    say = site.say
    columns = [
        Column(name="step", title=say("step"), mappings=looks.words(say, STEPS)),
        Column(name="share", title=say("share_met"), unit="percentunit", decimals=1, width=85,
               thresholds=RATE.thresholds, colour="color-text"),
        Column(name="met", title=say("met"), decimals=0, width=75),
        Column(name="missed", title=say("missed"), decimals=0, width=85),
        Column(name="early", title=say("early"), decimals=0, width=90),
        Column(name="late", title=say("overdue_now"), decimals=0, width=90,
               thresholds=looks.steps((None, looks.PLAIN), (1, looks.RED)), colour="color-text"),
        Column(name="running", title=say("waiting_clock"), decimals=0, width=95),
        Column(name="nr", title="#", hidden=True),
    ]  # fmt: skip
    counts = ", ".join(f'sum("{field}") AS "{field}"' for field in ("met", "missed", "early", "late"))
    inner = (
        f'SELECT {counts}, sum("due") + sum("waiting") AS "running", {_DONE} AS "done", max("nr") AS "nr" '
        'FROM "order_day" WHERE $timeFilter GROUP BY "step"'
    )
    every = Target(query=f'SELECT "step", "met", "missed", "early", "late", "running", "nr" FROM ({inner})', table=True)
    # Nothing done yet has no share, which InfluxQL would call 0.
    share = Target(query=f'SELECT "step", "met" / "done" AS "share" FROM ({inner}) WHERE "done" > 0', table=True)
    joined = {"id": "joinByField", "options": {"byField": "step", "mode": "outer"}}
    return table(
        say("clocks_table"), (14, 0, 10, 13), [every, share], columns, sort="nr", descending=False,
        transformations=[joined],
    )  # fmt: skip


def _days(site: Site) -> list[Panel]:
    say = site.say
    shown = (("met", "met", looks.GREEN), ("missed", "missed", looks.ORANGE), ("late", "overdue_now", looks.RED))
    clocks = [
        history(Measurement.ORDER_DAY, f'sum("{field}")', alias=say(title), every="1d") for field, title, _ in shown
    ]
    return [
        bars(
            say("clocks_history"), (0, 13, 24, 7), clocks, Look(decimals=0),
            overrides=[coloured(say(title), colour) for _, title, colour in shown], interval="1d",
        )
    ]  # fmt: skip


def _orders(site: Site) -> Panel:
    columns = [*order_columns(site.say), *order_details(site.say)]
    target = newest_rows(
        Measurement.ORDER_STATUS, names(columns), tags=("order_no",), by="unfinished", having='"unfinished" > 0'
    )
    return table(site.say("orders_table"), (0, 20, 17, 11), [target], columns, sort="late", limit=200, time_from=NOW)


def _events(site: Site) -> Panel:
    say, label = site.say, site.say("event_label")
    to_home = link(say("home_board"), HOME, **{level: level for level in WAY})
    columns = [
        Column(name="Time", title=say("time"), unit=CLOCK_TIME, width=110),
        Column(name=label, title=say("event"), width=115),
        Column(name="order_no", title=say("order_no"), width=150),
        Column(name="home", title=say("home_id"), link=to_home),
        *(Column(name=level, title=say(level), hidden=True) for level in WAY[:3]),
    ]
    selected = ", ".join(f'"{column.name}"' for column in columns[1:])
    target = Target(
        query=f'SELECT {selected} FROM "order_event" WHERE $timeFilter ORDER BY time DESC LIMIT 200', table=True
    )
    return table(say("events_table"), (17, 20, 7, 11), [target], columns)
