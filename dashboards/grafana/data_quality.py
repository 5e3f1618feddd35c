"""Data quality: which sensors are silent, what was not stored, how late readings come, how complete days are."""

from __future__ import annotations

from itertools import accumulate

from dashboards.grafana import looks
from dashboards.grafana.board import DATA, Dashboard, Site
from dashboards.grafana.collector_panels import clock_panels, loss_marks, loss_panels
from dashboards.grafana.columns import JUST_NOW, MINUTES, NOW, ONLINE, ONLINE_STEPS, alarm, finding_columns, names
from dashboards.grafana.panels import Column, Look, Panel, bars, coloured, lines, stat, table
from dashboards.grafana.queries import Target, history, newest, newest_rows
from dashboards.reasons import REASON_WORDS
from heating.measurement import Measurement

_FATES = {
    "stored": looks.GREEN,
    "late": looks.YELLOW,
    "repeated": looks.SKY,
    "ignored": looks.GREY,
    "quarantined": looks.RED,
}

# Counters that say how much they grew.
_SPANS = {"quarantined_24h": "24h", "late_24h": "24h"}


def data_quality(site: Site) -> Dashboard:
    """Return the dashboard of data quality."""
    figures, flow = _figures(site), _flow(site)
    told = [*_late(site), *_completeness(site), _findings(site), _reasons(site)]
    return Dashboard(
        uid=DATA,
        title=site.say("data_board"),
        panels=[*figures, *flow, *told, *loss_panels(site, 30), *clock_panels(site, 30)],
        annotations=[loss_marks(site.say, [len(figures) + n for n in range(1, len(flow) + 1)])],
    )


def _figures(site: Site) -> list[Panel]:
    say, status = site.say, Measurement.SITE_STATUS
    late = looks.steps((None, looks.PLAIN), (15, looks.ORANGE), (30, looks.RED))
    delay = Look(unit=MINUTES, decimals=1, thresholds=late)
    shown = (
        ("online_rate", newest(status, ["online_rate"]), ONLINE),
        ("devices_online", newest(status, ["online"]), Look(decimals=0)),
        ("devices_silent", _silent(), alarm(1, looks.PINK)),
        ("quarantined_24h", _within("quarantined"), alarm(1, looks.ORANGE)),
        ("late_24h", _within("late"), Look(decimals=0)),
        ("losses_24h", newest(status, ["losses_24h"]), alarm(1, looks.RED)),
        ("strangers", newest(status, ["strangers"]), alarm(1, looks.ORANGE)),
        ("lag_p95", newest(status, ["lag_p95_s"], per=60), delay),
        ("newest_age", newest(status, ["newest_age_s"], per=60), delay),
    )
    # The short ones are narrower, so that nine fit.
    widths = [2 if title in ("devices_online", "devices_silent", "late_24h") else 3 for title, _, _ in shown]
    return [
        stat(say(title), (left, 0, width, 4), [target], look, time_from=_SPANS.get(title, JUST_NOW))
        for (title, target, look), width, left in zip(shown, widths, accumulate(widths, initial=0), strict=False)
    ]


def _silent() -> Target:
    return Target(
        query='SELECT last("devices") - last("online") AS "silent" FROM "site_status" WHERE $timeFilter', table=True
    )


def _within(fate: str) -> Target:
    """Ask how much a counter grew in the range; reasons of the same fate are counters of their own."""
    inner = (
        f'SELECT spread("readings") AS "readings" FROM "intake" WHERE $timeFilter AND "fate" = \'{fate}\' '
        "AND \"reason\" = ''"
    )
    return Target(query=f'SELECT sum("readings") AS "readings" FROM ({inner})', table=True)


def _flow(site: Site) -> list[Panel]:
    say = site.say
    grown = 'non_negative_difference(last("readings"))'
    targets = [
        history(
            Measurement.INTAKE, grown, alias=_fate(site, fate), where={"fate": fate, "reason": ""}, fill="previous",
            every="$__interval",
        )
        for fate in _FATES
        if fate != "late"
    ]  # fmt: skip
    colours = [coloured(_fate(site, fate), colour) for fate, colour in _FATES.items() if fate != "late"]
    online = history(Measurement.SITE_STATUS, 'mean("online_rate")', alias=say("online_rate"))
    rate = Look(unit="percentunit", decimals=0, low=0.0, high=1.0)
    return [
        bars(say("intake_history"), (0, 4, 14, 8), targets, Look(decimals=0), overrides=colours, interval="10m"),
        lines(
            say("online_history"), (14, 4, 10, 8), [online], rate,
            overrides=[coloured(say("online_rate"), looks.GREEN, custom__fillOpacity=10)],
        ),
    ]  # fmt: skip


def _fate(site: Site, fate: str) -> str:
    return site.say("late_readings" if fate == "late" else fate)


def _late(site: Site) -> list[Panel]:
    say, status = site.say, Measurement.SITE_STATUS
    lag = [
        history(status, 'mean("lag_p50_s") / 60', alias=say("lag_p50")),
        history(status, 'mean("lag_p95_s") / 60', alias=say("lag_p95")),
    ]
    behind = [
        history(status, 'max("newest_age_s") / 60', alias=say("newest_age")),
        history(status, 'max("judge_lag_s") / 60', alias=say("judged_age")),
        history(status, 'max("waiting")', alias=say("waiting")),
    ]
    return [
        lines(
            say("lag_history"), (0, 12, 12, 8), lag, Look(unit=MINUTES, decimals=1, low=0.0),
            overrides=[coloured(say("lag_p50"), looks.SKY), coloured(say("lag_p95"), looks.ORANGE)],
        ),
        lines(
            say("flow_history"), (12, 12, 12, 8), behind, Look(unit=MINUTES, decimals=1, low=0.0),
            overrides=[
                coloured(say("newest_age"), looks.SKY),
                coloured(say("judged_age"), looks.PINK),
                coloured(
                    say("waiting"), looks.RED, unit="none", decimals=0, custom__axisPlacement="right",
                    custom__axisLabel=say("waiting"), custom__axisSoftMax=10,
                ),
            ],
        ),
    ]  # fmt: skip


def _completeness(site: Site) -> list[Panel]:
    say = site.say
    columns = [
        Column(name="Time", title=say("day"), unit="time:YYYY-MM-DD", width=120),
        Column(name="station", title=say("station_name")),
        Column(name="completeness", title=say("completeness"), unit="percentunit", decimals=1, width=175,
               thresholds=ONLINE_STEPS,
               colour="color-text"),
        Column(name="hours", title=say("hours_seen"), decimals=0, width=105),
        Column(name="expected_hours", title=say("hours_expected"), decimals=0, width=130),
        Column(name="points", title=say("points_count"), decimals=0, width=75),
    ]  # fmt: skip
    target = Target(
        query='SELECT "station", "completeness", "hours", "expected_hours", "points" FROM "data_day" '
        "WHERE $timeFilter ORDER BY time DESC",
        table=True,
    )
    return [
        table(
            say("completeness"), (0, 20, 10, 10), [target], columns, time_from="30d",
            description=say("completeness_hint"),
        )
    ]  # fmt: skip


def _findings(site: Site) -> Panel:
    columns = [c for c in finding_columns(site.say) if c.name not in ("cause",)]
    kinds = ("silent", "sensor_stuck", "sensor_spike", "sensor_offset", "window_open")
    having = '"open" > 0 AND (' + " OR ".join(f"\"kind\" = '{kind}'" for kind in kinds) + ")"
    target = newest_rows(
        Measurement.FINDING_STATUS, names(columns), tags=("kind", "subject_type", "subject"), by="open", having=having
    )
    return table(
        site.say("data_findings"), (10, 20, 8, 10), [target], columns, sort="start_ms", descending=False, time_from=NOW
    )


def _reasons(site: Site) -> Panel:
    say = site.say
    columns = [
        Column(name="fate", title=say("kind"), width=105, mappings=looks.words(say, ("quarantined", "ignored"))),
        Column(name="reason", title=say("reason"), mappings=looks.words(say, REASON_WORDS)),
        Column(name="readings", title=say("readings"), decimals=0, width=80),
    ]
    target = newest_rows(
        Measurement.INTAKE, names(columns), tags=("fate", "reason"), by="readings", having="\"reason\" != ''"
    )
    return table(say("quarantine_reasons"), (18, 20, 6, 10), [target], columns, sort="readings", time_from=NOW)
