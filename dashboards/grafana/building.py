"""Building: floors × units, top against bottom, every home's state over time."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import BUILDING, HOME, Dashboard, Site, Variable, chain
from dashboards.grafana.columns import CELSIUS, KELVIN, KELVIN_FINE, NOW, RATE, alarm, by_floor, home_columns, names
from dashboards.grafana.panels import Look, Override, Panel, coloured, lines, link, stat, table
from dashboards.grafana.queries import Target, chosen, history, newest, newest_rows
from heating.measurement import Measurement

_HERE = chosen("station", "branch", "building")
_ENTRY = {"point": "${entry:raw}"}


def building(site: Site) -> Dashboard:
    """Return the dashboard of a building."""
    entry = Variable("entry", site.say("entry"), ("station", "building"), kind="entry")
    return Dashboard(
        uid=BUILDING,
        title=site.say("building_board"),
        variables=[*chain(site.say, "building"), entry],
        panels=[*_figures(site), _grid(site), _homes(site), *_histories(site), _states(site)],
    )


def _figures(site: Site) -> list[Panel]:
    say = site.say
    warm = Look(unit="celsius", decimals=1, thresholds=by_floor(site))
    shown = (
        ("homes_cold", _now("cold"), alarm(1, looks.ORANGE), 3),
        ("homes_confirmed", _now("confirmed"), alarm(1, looks.RED), 3),
        ("homes_unknown", _now("unknown"), alarm(1, looks.PINK), 3),
        ("homes_total", _now("total"), Look(decimals=0), 2),
        ("rate_now", _now("qualified_rate"), RATE, 3),
        ("mean_line", _now("mean_c"), warm, 3),
        ("vertical", _now("vertical_k"), KELVIN, 3),
        ("supply", newest(Measurement.ENTRY, ["supply_c"], where=_ENTRY), CELSIUS, 2),
        ("return", newest(Measurement.ENTRY, ["return_c"], where=_ENTRY), CELSIUS, 2),
    )
    panels, x = [], 0
    for title, target, look, width in shown:
        hint = say("vertical_hint") if title == "vertical" else ""
        panels.append(stat(say(title), (x, 0, width, 4), [target], look, time_from=NOW, description=hint))
        x += width
    return panels


def _now(field: str) -> Target:
    return newest(Measurement.BUILDING_STATUS, [field], where=_HERE)


def _grid(site: Site) -> Panel:
    """Lay the homes out as they stand in the building; a cell has sign, temperature and colour of its state."""
    say = site.say
    homes = newest_rows(
        Measurement.HOME_NOW, ["storey", "place", "cell"], tags=["home", "place"], by="storey", where=_HERE
    )
    # Floors where nobody is watched stand in the grid too, but for towers: what is drawn above another is above it.
    bare = newest_rows(
        Measurement.EMPTY_STOREY, ["storey", "place"], tags=["floor"], by="storey", where=_HERE, within="2d"
    )
    to_home = link(say("home_board"), HOME) | {"url": _TO_HOME}
    return Panel(
        type="table",
        title=site.say("grid"),
        description=site.say("grid_hint"),
        at=(0, 4, 12, 17),
        targets=[homes, bare],
        options={"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
        defaults={
            "custom": {"align": "center", "cellOptions": {"type": "color-background", "mode": "basic"}, "minWidth": 50},
            "mappings": looks.cells(),
            "thresholds": looks.steps((None, "transparent")),
            "color": {"mode": "thresholds"},
            "noValue": "",
            # A column is named by its place; else InfluxQL names all of them by the value, and shows one for all.
            "displayName": "${__field.name}",
            "links": [to_home],
        },
        overrides=[
            Override(
                "storey\\place",
                {
                    "displayName": site.say("storey"),
                    "custom.cellOptions": {"type": "auto"},
                    "custom.width": 60,
                    "decimals": 0,
                    "unit": "none",
                    "mappings": [],
                    "links": [],
                },
            )
        ],
        transformations=[
            {"id": "merge", "options": {}},
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "place", "desc": False}]}},
            {
                "id": "groupingToMatrix",
                "options": {"columnField": "place", "rowField": "storey", "valueField": "cell", "emptyValue": "empty"},
            },
            _number("storey\\place"),
            # Sorting goes by the shown name, which InfluxQL makes the first; the other is that of later versions.
            *(_top_down(name) for name in ("storey", "storey\\place")),
        ],
        time_from=NOW,
    )


# The row of the grid is the floor, the column the place on it: `spot` of `place_cells`.
_TO_HOME = (
    f"/d/{HOME}?${{__url_time_range}}&var-station=${{station:percentencode}}&var-branch=${{branch:percentencode}}"
    "&var-building=${building:percentencode}&var-home=${__data.fields[0]:percentencode}F%20${__field.name:percentencode}"
)


def _top_down(field: str) -> dict[str, object]:
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": True}]}}


def _number(field: str) -> dict[str, object]:
    """Make a column one of numbers, so that floor 10 is above floor 9."""
    conversions = [{"targetField": field, "destinationType": "number"}]
    return {"id": "convertFieldType", "options": {"fields": {}, "conversions": conversions}}


def _homes(site: Site) -> Panel:
    columns = [column for column in home_columns(site.say) if column.name not in ("side", "cause")]
    target = newest_rows(
        Measurement.HOME_NOW, names(columns), tags=("home", "station", "branch", "building"), by="urgency", where=_HERE
    )
    return table(site.say("homes_list"), (12, 4, 12, 17), [target], columns, sort="urgency", time_from=NOW)


def _histories(site: Site) -> list[Panel]:
    say = site.say
    spread = history(Measurement.BUILDING_STATUS, 'mean("vertical_k")', alias=say("vertical"), where=_HERE)
    warm = [
        history(Measurement.BUILDING_STATUS, 'mean("mean_c")', alias=say("mean_line"), where=_HERE),
        history(Measurement.BUILDING_STATUS, 'mean("p10_c")', alias=say("p10_line"), where=_HERE),
        history(Measurement.ENTRY, 'mean("supply_c")', alias=say("supply"), where=_ENTRY),
        history(Measurement.ENTRY, 'mean("return_c")', alias=say("return"), where=_ENTRY),
    ]
    water = {
        "custom__axisPlacement": "right",
        "custom__axisLabel": say("water"),
        "custom__thresholdsStyle": {"mode": "off"},
        "decimals": 0,
    }
    colours = [
        coloured(say("mean_line"), looks.GREEN),
        coloured(say("p10_line"), looks.ORANGE),
        # Water on an axis of its own: beside it rooms would be one flat line.
        coloured(say("supply"), looks.RED, **water),
        coloured(say("return"), looks.BLUE, **water),
    ]
    look = Look(unit="celsius", decimals=1, thresholds=looks.steps((None, "transparent"), (site.day_c, looks.RED)))
    return [
        lines(
            say("temperature_history"), (0, 21, 14, 8), warm, look, overrides=colours,
            custom={"thresholdsStyle": {"mode": "dashed"}, "axisLabel": say("rooms")},
        ),
        lines(
            say("vertical_history"), (14, 21, 10, 8), [spread], KELVIN_FINE, description=say("vertical_hint"),
            overrides=[coloured(say("vertical"), looks.PINK, custom__fillOpacity=15)],
        ),
    ]  # fmt: skip


def _states(site: Site) -> Panel:
    target = history(Measurement.HOME_NOW, 'last("status")', alias="$tag_home", where=_HERE, tags=["home"])
    return state_timeline(site, site.say("states_history"), (0, 29, 24, 16), target)


def state_timeline(site: Site, title: str, at: tuple[int, int, int, int], target: object) -> Panel:
    """Return states over time, one row a line."""
    return Panel(
        type="state-timeline",
        title=title,
        at=at,
        targets=[target],  # type: ignore[list-item]
        options={
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.85,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        defaults={
            # Every series has a row an hour at least: a longer gap is one.
            "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": 4_500_000},
            "mappings": looks.states(site.say),
            "color": {"mode": "thresholds"},
            "thresholds": looks.steps((None, looks.PLAIN)),
        },
        interval="5m",
    )
