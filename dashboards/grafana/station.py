"""Station and branch: water out and back, near against far, how warm its homes are."""

from __future__ import annotations

from dashboards.grafana import looks
from dashboards.grafana.board import STATION, Dashboard, Site, chain
from dashboards.grafana.columns import (
    CELSIUS,
    JUST_NOW,
    KELVIN_FINE,
    NOW,
    RATE,
    alarm,
    area_columns,
    building_column,
    by_floor,
    names,
    table_of_thirds,
)
from dashboards.grafana.panels import Column, Look, Panel, coloured, lines, stat, table
from dashboards.grafana.queries import chosen, history, newest, newest_rows
from heating.measurement import Measurement

_HERE = chosen("station", "branch")


def station_and_branch(site: Site) -> Dashboard:
    """Return the dashboard of a station and one of its branches."""
    return Dashboard(
        uid=STATION,
        title=site.say("station_board"),
        variables=chain(site.say, "branch"),
        panels=[
            *_figures(site),
            *_water(site),
            *_imbalance(site),
            _distribution(site),
            _branches(site),
            _buildings(site),
        ],
    )


def _figures(site: Site) -> list[Panel]:
    say, branch = site.say, Measurement.BRANCH_STATUS
    warm = Look(unit="celsius", decimals=1, thresholds=by_floor(site))
    shown = (
        ("homes_cold", branch, "cold", alarm(1, looks.ORANGE)),
        ("homes_confirmed", branch, "confirmed", alarm(1, looks.RED)),
        ("homes_unknown", branch, "unknown", alarm(1, looks.PINK)),
        ("rate_now", branch, "qualified_rate", RATE),
        ("mean_line", branch, "mean_c", warm),
        ("p10_line", branch, "p10_c", warm),
        ("supply", Measurement.BRANCH_PROFILE, "supply_c", CELSIUS),
        ("return", Measurement.BRANCH_PROFILE, "return_c", CELSIUS),
    )
    return [
        stat(
            say(title), (3 * i, 0, 3, 4), [newest(measurement, [field], where=_HERE)], look,
            time_from=NOW if measurement is branch else JUST_NOW,
        )
        for i, (title, measurement, field, look) in enumerate(shown)
    ]  # fmt: skip


def _water(site: Site) -> list[Panel]:
    say, profile = site.say, Measurement.BRANCH_PROFILE
    whole = [
        history(profile, 'mean("supply_c")', alias=say("supply"), where=_HERE),
        history(profile, 'mean("return_c")', alias=say("return"), where=_HERE),
    ]
    ends = [
        history(profile, f'mean("{end}_supply_c")', alias=f"{say('supply')} · {say(end)}", where=_HERE)
        for end in ("near", "middle", "far")
    ]
    return [
        lines(
            say("supply_return"), (0, 4, 12, 8), whole, CELSIUS,
            overrides=[coloured(say("supply"), looks.RED), coloured(say("return"), looks.BLUE)],
        ),
        lines(say("ends_supply"), (12, 4, 12, 8), ends, CELSIUS, overrides=_ends(say("supply") + " · ", site)),
    ]  # fmt: skip


def _imbalance(site: Site) -> list[Panel]:
    say = site.say
    rooms = [
        history(Measurement.BRANCH_PROFILE, f'mean("{end}_c")', alias=say(end), where=_HERE)
        for end in ("near", "middle", "far")
    ]
    spread = history(Measurement.BRANCH_STATUS, 'mean("horizontal_k")', alias=say("horizontal"), where=_HERE)
    limits = Look(unit="celsius", decimals=1, thresholds=looks.steps((None, "transparent"), (site.day_c, looks.RED)))
    return [
        lines(
            say("ends_rooms"), (0, 12, 12, 8), rooms, limits, overrides=_ends("", site),
            custom={"thresholdsStyle": {"mode": "dashed"}},
        ),
        lines(
            say("imbalance"), (12, 12, 12, 8), [spread], KELVIN_FINE, description=say("horizontal_hint"),
            overrides=[coloured(say("horizontal"), looks.PINK, custom__fillOpacity=15)],
        ),
    ]  # fmt: skip


def _ends(prefix: str, site: Site) -> list[object]:
    colours = (("near", looks.GREEN), ("middle", looks.SKY), ("far", looks.RED))
    return [coloured(prefix + site.say(end), colour) for end, colour in colours]


def _distribution(site: Site) -> Panel:
    """Count homes by degree over time; every home has a row at least once an hour."""
    target = history(
        Measurement.HOME_NOW, 'mean("temperature_c")', alias="$tag_home", where=_HERE, tags=["home"], every="1h"
    )
    return Panel(
        type="heatmap",
        title=site.say("distribution"),
        at=(0, 20, 10, 14),
        targets=[target],
        options={
            "calculate": True,
            "calculation": {"xBuckets": {"mode": "size", "value": "1h"}, "yBuckets": {"mode": "size", "value": "1"}},
            "color": {"mode": "scheme", "scheme": "Viridis", "steps": 64, "exponent": 0.5, "fill": "dark-orange"},
            "cellGap": 1,
            "filterValues": {"le": 1e-9},
            "yAxis": {"axisPlacement": "left", "unit": "celsius", "decimals": 0},
            "rowsFrame": {"layout": "auto"},
            "showValue": "auto",
            "tooltip": {"mode": "single", "yHistogram": True},
            "legend": {"show": True},
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
        },
        defaults={"custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}},
    )


def _branches(site: Site) -> Panel:
    """Set the branches of the station side by side."""
    return table_of_thirds(site, site.say("branches_of_station"), (10, 20, 14, 6), where=chosen("station"))


def _buildings(site: Site) -> Panel:
    say = site.say
    columns = [
        *area_columns(say, building_column(say)),
        Column(name="station", title=say("station_name"), hidden=True),
        Column(name="branch", title=say("branch_name"), hidden=True),
    ]
    target = newest_rows(
        Measurement.BUILDING_STATUS, names(columns), tags=("station", "branch", "building"), by="cold", where=_HERE
    )
    return table(say("buildings_of_branch"), (10, 26, 14, 8), [target], columns, sort="cold", time_from=NOW)
