"""Core panels of Grafana as typed values; `to_json` writes what 10.4 to 13 load without migrating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dashboards.grafana.queries import DATASOURCE, Target

# The column of time that every query of InfluxQL returns, also of queries that were joined.
_TIMES = ("Time", "Time 1", "Time 2")
_REFS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Override(msgspec.Struct, frozen=True):
    """What differs for one field, by its name: ids of Grafana's properties to values."""

    field: str
    properties: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the override as Grafana keeps it."""
        return {
            "matcher": {"id": "byName", "options": self.field},
            "properties": [{"id": key, "value": value} for key, value in self.properties.items()],
        }


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a table: the name in the query, its title, how it looks; `link` leads on from a cell."""

    name: str
    title: str
    unit: str = ""
    decimals: int | None = None
    width: int | None = None
    mappings: list[dict[str, Any]] | None = None
    thresholds: dict[str, Any] | None = None
    colour: str = ""
    link: dict[str, Any] | None = None
    hidden: bool = False
    align: str = ""

    def override(self) -> Override:
        """Return how the column looks."""
        given: dict[str, Any] = {"displayName": headed(self.title)}
        plain = {"unit": self.unit, "decimals": self.decimals, "mappings": self.mappings, "thresholds": self.thresholds}
        custom = {"custom.width": self.width, "custom.align": self.align}
        given |= {key: value for key, value in (plain | custom).items() if value not in ("", None)}
        if self.link:
            given["links"] = [self.link]
        if self.colour:
            given["custom.cellOptions"] = {
                "type": self.colour,
                **({"mode": "basic"} if self.colour != "color-text" else {}),
            }
        if self.hidden:
            # The one is the property up to Grafana 12.1, the other from 12.2.
            given |= {"custom.hidden": True, "custom.hideFrom.viz": True}
            # Links put its text into an address: a blank must stay one.
            given["noValue"] = ""
        return Override(self.name, given)


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel; `at` is (x, y, width, height) on the grid of 24 columns.

    Attributes
    ----------
    time_from
        A range of its own (`2h`, `now/d`): "now" must not show what is old.
    """

    type: str
    title: str
    at: tuple[int, int, int, int]
    targets: Sequence[Target]
    options: dict[str, Any]
    defaults: dict[str, Any]
    overrides: Sequence[Override] = ()
    transformations: Sequence[dict[str, Any]] = ()
    description: str = ""
    time_from: str = ""
    links: Sequence[dict[str, Any]] = ()
    interval: str = ""

    def to_json(self, number: int) -> dict[str, Any]:
        """Return the panel as Grafana keeps it."""
        x, y, width, height = self.at
        body: dict[str, Any] = {
            "id": number,
            "type": self.type,
            "title": self.title,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "datasource": DATASOURCE,
            "targets": [target.to_json(ref) for ref, target in zip(_REFS, self.targets, strict=False)],
            "options": self.options,
            "fieldConfig": {"defaults": self.defaults, "overrides": [o.to_json() for o in self.overrides]},
            "transformations": list(self.transformations),
        }
        if self.description:
            body["description"] = self.description
        if self.time_from:
            body |= {"timeFrom": self.time_from, "hideTimeOverride": True}
        if self.links:
            body["links"] = list(self.links)
        if self.interval:
            body["interval"] = self.interval
        return body


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How numbers of a panel look."""

    unit: str = "none"
    decimals: int | None = None
    thresholds: dict[str, Any] | None = None
    mappings: Sequence[dict[str, Any]] = ()
    low: float | None = None
    high: float | None = None
    missing: str = "–"
    links: tuple[dict[str, Any], ...] = ()

    def leading(self, link: dict[str, Any]) -> Look:
        """Return the look with a link to where more is said."""
        return msgspec.structs.replace(self, links=(link,))

    def defaults(self) -> dict[str, Any]:
        """Return the defaults of the fields."""
        plain = {"mode": "absolute", "steps": [{"value": None, "color": "text"}]}
        given = {"decimals": self.decimals, "min": self.low, "max": self.high, "links": list(self.links) or None}
        return {
            "unit": self.unit,
            "mappings": list(self.mappings),
            "thresholds": self.thresholds or plain,
            "color": {"mode": "thresholds"},
            "noValue": self.missing,
            **{key: value for key, value in given.items() if value is not None},
        }


def stat(
    title: str, at: tuple[int, int, int, int], targets: Sequence[Target], look: Look, *, fields: str = "", **more: Any
) -> Panel:
    """Return one large figure, or several; `fields` names the one that is shown where a row has more."""
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": f"/^{fields}$/" if fields else ""},
        "orientation": "auto",
        "textMode": "value",
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "wideLayout": True,
    }
    shown = options | more.pop("options", {})
    return Panel(type="stat", title=title, at=at, targets=targets, options=shown, defaults=look.defaults(), **more)


def lines(title: str, at: tuple[int, int, int, int], targets: Sequence[Target], look: Look, **more: Any) -> Panel:
    """Return lines over time."""
    defaults = look.defaults() | {
        "color": {"mode": "palette-classic-by-name"},
        "custom": {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 2,
            "fillOpacity": 0,
            "showPoints": "never",
            "spanNulls": 7_200_000,
            "axisPlacement": "auto",
            "thresholdsStyle": {"mode": "off"},
            **more.pop("custom", {}),
        },
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(type="timeseries", title=title, at=at, targets=targets, options=options, defaults=defaults, **more)


def bars(title: str, at: tuple[int, int, int, int], targets: Sequence[Target], look: Look, **more: Any) -> Panel:
    """Return bars over time, stacked from nought."""
    look = msgspec.structs.replace(look, low=0.0)
    custom = {"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}
    return lines(title, at, targets, look, custom=custom | more.pop("custom", {}), **more)


def table(
    title: str,
    at: tuple[int, int, int, int],
    targets: Sequence[Target],
    columns: Sequence[Column],
    *,
    sort: str = "",
    descending: bool = True,
    limit: int = 0,
    missing: str = "–",
    **more: Any,
) -> Panel:
    """Return a table of the named columns in their order; `missing` is said of no rows, and in blank cells."""
    transformations: list[dict[str, Any]] = list(more.pop("transformations", ()))
    if sort:
        transformations.append(
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": sort, "desc": descending}]}}
        )
    if limit:
        transformations.append({"id": "limit", "options": {"limitField": limit}})
    transformations.append(
        {
            "id": "organize",
            "options": {
                "excludeByName": {} if any(c.name == "Time" for c in columns) else dict.fromkeys(_TIMES, True),
                "indexByName": {c.name: i for i, c in enumerate(columns)},
                "renameByName": {},
            },
        }
    )
    return Panel(
        type="table",
        title=title,
        at=at,
        targets=targets,
        options={"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
        defaults=Look(missing=missing).defaults()
        | {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False}},
        overrides=[column.override() for column in columns],
        transformations=transformations,
        **more,
    )


def coloured(title_or_name: str, colour: str, **properties: Any) -> Override:
    """Return the fixed colour of one line, with other properties by their ids (dots as double underscores)."""
    fixed = {"color": {"mode": "fixed", "fixedColor": colour}}
    return Override(title_or_name, fixed | {key.replace("__", "."): value for key, value in properties.items()})


def link(title: str, uid: str, **variables: str) -> dict[str, Any]:
    """Return a link to another dashboard; variables are set to fields of the row, the time range goes along."""
    given = "".join(f"&var-{name}={of_row(field)}" for name, field in variables.items())
    return {"title": title, "url": f"/d/{uid}?${{__url_time_range}}{given}", "targetBlank": False}


def headed(text: str) -> str:
    """Return a word of the field as it stands at the head of something."""
    return text[:1].upper() + text[1:]


def of_row(field: str) -> str:
    """Return what stands in an address for the value of a field of the row."""
    return f'${{__data.fields["{field}"]:percentencode}}'
