"""Home: its temperature against the floor in force, breaches, marks, device and battery, what was done for it."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import HOME, Dashboard, Site, chain
from dashboards.grafana.building import state_timeline
from dashboards.grafana.columns import CELSIUS, CLOCK_TIME, KELVIN, NOW, PERCENT, by_floor
from dashboards.grafana.panels import Column, Look, Panel, coloured, lines, stat, table
from dashboards.grafana.queries import DATASOURCE, Target, chosen, history, newest, raw
from dashboards.grafana.words import Say
from heating.measurement import Measurement

_HOME = chosen("station", "branch", "building", "home")
_POINT = chosen("point")


def home(site: Site) -> Dashboard:
    """Return the dashboard of a home and one of its points."""
    figures, graphs = _figures(site), [_temperature(site), _state(site)]
    return Dashboard(
        uid=HOME,
        title=site.say("home_board"),
        variables=chain(site.say, "point"),
        panels=[*figures, *graphs, _readings(site), _battery(site), _orders(site)],
        annotations=[_annotations(site.say, [len(figures) + n for n in range(1, len(graphs) + 1)])],
        start="now-48h",
    )


def _figures(site: Site) -> list[Panel]:
    say, now, room = site.say, Measurement.HOME_NOW, Measurement.ROOM
    warm = Look(unit="celsius", decimals=1, thresholds=by_floor(site))
    state = Look(mappings=looks.home_states(say), thresholds=looks.steps((None, looks.PLAIN)))
    order = Look(missing=say("none_now"))
    low = looks.steps((None, looks.PLAIN), (0.0, looks.RED), (2.6, looks.ORANGE), (2.8, looks.GREEN))
    shown = (
        ("status_word", newest(now, ["cell"], where=_HOME), state, "cell"),
        ("temp", newest(room, ["temperature_c"], where=_POINT), warm, ""),
        ("limit", newest(now, ["floor_c"], where=_HOME), CELSIUS, ""),
        ("deficit", _while_cold("deficit_k"), KELVIN, "deficit_k"),
        ("since", _while_cold("since_ms"), Look(unit=CLOCK_TIME), "since_ms"),
        ("humidity", newest(room, ["humidity_pct"], where=_POINT), Look(unit=PERCENT, decimals=0), ""),
        ("battery", newest(room, ["battery_v"], where=_POINT), Look(unit="volt", decimals=2, thresholds=low), ""),
        ("order_no", newest(now, ["order_no"], where=_HOME), order, "order_no"),
    )
    return [
        stat(_titled(say, title), (3 * i, 0, 3, 4), [target], look, fields=field, time_from=NOW)
        for i, (title, target, look, field) in enumerate(shown)
    ]


def _titled(say: Say, title: str) -> str:
    """Say at the first figure which home it is: the variable shows its place in the building."""
    return f"{say(title)} · ${{home:raw}}" if title == "status_word" else say(title)


def _while_cold(field: str) -> Target:
    """Ask for a value of the newest row, which has it only while the home is cold."""
    where = " AND ".join(["$timeFilter", *(f"\"{tag}\" = '{value}'" for tag, value in _HOME.items())])
    inner = f'SELECT last("urgency") AS "urgency", "{field}" AS "{field}" FROM "home_now" WHERE {where}'
    return Target(query=f'SELECT "{field}" FROM ({inner}) WHERE "urgency" > 0', table=True)


def _temperature(site: Site) -> Panel:
    """Draw the temperature, the floor in force, and breaches as shaded stretches behind both."""
    say = site.say
    marked = Target(
        query='SELECT last("temperature_c") FROM "room" WHERE $timeFilter AND "point" = \'${point:raw}\' '
        'AND "quality" > 0 GROUP BY time($__interval) fill(none)',
        alias=say("marked"),
    )
    targets = [
        history(Measurement.ROOM, 'mean("temperature_c")', alias=say("temp"), where=_POINT),
        history(Measurement.HOME_STATUS, 'last("floor_c")', alias=say("limit"), where=_POINT),
        history(Measurement.HOME_NOW, 'last("urgency")', alias=say("breach"), where=_HOME),
        marked,
    ]
    shade = {
        "min": 0,
        "max": 0.0005,
        "unit": "none",
        "custom.axisPlacement": "hidden",
        "custom.fillOpacity": 22,
        "custom.lineWidth": 0,
        "custom.lineInterpolation": "stepAfter",
        "custom.hideFrom": {"legend": False, "tooltip": True, "viz": False},
    }
    points = {"custom__drawStyle": "points", "custom__pointSize": 9, "custom__showPoints": "always"}
    step = {"custom__lineInterpolation": "stepAfter", "custom__lineStyle": {"fill": "dash", "dash": [10, 6]}}
    overrides = [
        coloured(say("temp"), looks.SKY),
        coloured(say("limit"), looks.RED, **step),
        coloured(say("breach"), looks.ORANGE, **shade),
        coloured(say("marked"), looks.PINK, **points),
    ]
    return lines(say("home_history"), (0, 4, 24, 11), targets, CELSIUS, overrides=overrides)


def _state(site: Site) -> Panel:
    target = history(Measurement.HOME_STATUS, 'last("status")', alias=site.say("status_word"), where=_POINT)
    return state_timeline(site, site.say("state_history"), (0, 15, 24, 5), target)


def _readings(site: Site) -> Panel:
    say = site.say
    columns = [
        Column(name="Time", title=say("time"), unit=CLOCK_TIME, width=120),
        Column(name="temperature_c", title=say("temp"), unit="celsius", decimals=1),
        Column(name="humidity_pct", title=say("humidity"), unit=PERCENT, decimals=0),
        Column(name="lag_s", title=say("lag"), unit="dthms", decimals=0),
        Column(name="quality", title=say("marks"), mappings=looks.marks(say), colour="color-text", align="left"),
        Column(name="device", title=say("device")),
    ]
    target = raw(Measurement.ROOM, [c.name for c in columns[1:]], where=_POINT, limit=200)
    return table(say("readings_list"), (0, 20, 11, 11), [target], columns)


def _battery(site: Site) -> Panel:
    say = site.say
    targets = [
        history(Measurement.ROOM, 'mean("battery_v")', alias=say("battery"), where=_POINT),
        history(Measurement.ROOM, 'mean("rssi_dbm")', alias=say("signal"), where=_POINT),
    ]
    overrides = [
        # Between empty and full of the usual cells, so that noise looks like noise.
        coloured(
            say("battery"), looks.GREEN, unit="volt", decimals=1, custom__axisSoftMin=2.0, custom__axisSoftMax=3.6
        ),
        coloured(
            say("signal"),
            looks.SKY,
            unit="dBm",
            decimals=0,
            custom__axisPlacement="right",
            custom__axisSoftMin=-110,
            custom__axisSoftMax=-40,
        ),
    ]
    return lines(say("battery_signal"), (11, 20, 6, 11), targets, Look(), overrides=overrides)


def _orders(site: Site) -> Panel:
    say = site.say
    columns = [
        Column(name="Time", title=say("time"), unit=CLOCK_TIME, width=110),
        Column(name=say("event_label"), title=say("event")),
        Column(name="order_no", title=say("order_no")),
    ]
    target = Target(query=f"{_events(say)} ORDER BY time DESC", table=True)
    hidden = Column(name="event", title=say("kind"), hidden=True)
    return table(say("orders_of_home"), (17, 20, 7, 11), [target], [*columns, hidden], missing=say("none_now"))


def _events(say: Say) -> str:
    label = say("event_label")
    return f'SELECT "{label}", "order_no", "event" FROM "order_event" WHERE $timeFilter AND "home" = \'${{home:raw}}\''


def _annotations(say: Say, panels: list[int]) -> dict[str, object]:
    """Mark on the panels of these numbers what was done for the home.

    Homes that join and remarks come often and say little on a graph; the table has them.
    """
    query = f"{_events(say)} AND \"event\" != 'joined' AND \"event\" != 'note'"
    return {
        "name": say("orders"),
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "filter": {"exclude": False, "ids": panels},
        "iconColor": looks.BLUE,
        "query": query,
        "textColumn": say("event_label"),
        "titleColumn": "",
        "tagsColumn": "order_no",
        "timeEndColumn": "",
        "fromAnnotations": True,
        "target": {
            "refId": "Anno",
            "fromAnnotations": True,
            "query": query,
            "textColumn": say("event_label"),
            "tagsColumn": "order_no",
            "name": say("orders"),
        },
    }
