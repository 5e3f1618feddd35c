"""A dashboard: variables, panels, annotations, links; written as the classic schema that Grafana 10.4 to 13 load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dashboards.grafana.panels import Panel, headed
from dashboards.grafana.queries import DATASOURCE, known_values, tag_values
from dashboards.grafana.words import Say
from heating.measurement import Measurement

# The schema of Grafana 10.4; later ones read it without a word.
SCHEMA_VERSION = 39
TAG = "heatwatch"
# Chosen one after the other: what is chosen narrows what follows.
CHAIN = ("station", "branch", "building", "home", "point")

# A home is offered by its place in the grid of its building, and chosen by either.
SPOT = "/^(?<text>[^|]*)\\|(?<value>.*)$/"

Uid = str
CONTROL, STATION, BUILDING, HOME, DATA, SERVICE = (
    "heatwatch-control", "heatwatch-station", "heatwatch-building", "heatwatch-home", "heatwatch-data",
    "heatwatch-service",
)  # fmt: skip


class Site(msgspec.Struct, frozen=True):
    """What all dashboards need of the site; `day_c` and `night_c` are the floors of apartments in force [°C]."""

    name: str
    zone: ZoneInfo
    say: Say
    day_c: float = 18.0
    night_c: float = 16.0


class Variable(msgspec.Struct, frozen=True):
    """One choice at the head of a dashboard: a tag of the register's points, within what was chosen before."""

    name: str
    label: str
    within: tuple[str, ...] = ()
    kind: str = "room"

    def to_json(self) -> dict[str, Any]:
        """Return the variable as Grafana keeps it."""
        where = {name: f"${{{name}:raw}}" for name in self.within} | {"kind": self.kind}
        query = self._query(where)
        return {
            "name": self.name,
            "label": headed(self.label),
            "type": "query",
            "datasource": DATASOURCE,
            "query": query,
            "definition": query,
            "refresh": 1,
            "regex": SPOT if self.name == "home" else "",
            "sort": 3,
            "hide": 2 if self.name == "entry" else 0,
            "multi": False,
            "includeAll": False,
            "skipUrlSync": False,
            "current": {},
            "options": [],
        }

    def _query(self, where: dict[str, str]) -> str:
        if self.name == "home":
            return known_values(
                Measurement.POINT_PLACE, "spot", by="network_end", tags=["home"], where=where, within="60d"
            )
        tag = "point" if self.name in ("point", "entry") else self.name
        return tag_values(Measurement.POINT_PLACE, tag, where)


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """One dashboard."""

    uid: Uid
    title: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    annotations: Sequence[dict[str, Any]] = ()
    start: str = "now-24h"
    refresh: str = "1m"
    description: str = ""

    def to_json(self, site: Site) -> dict[str, Any]:
        """Return the dashboard as Grafana keeps it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": site.zone.key,
            "weekStart": "monday",
            "refresh": self.refresh,
            "time": {"from": self.start, "to": "now"},
            "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m"]},
            "templating": {"list": [variable.to_json() for variable in self.variables]},
            "annotations": {"list": list(self.annotations)},
            "links": [
                {
                    "type": "dashboards",
                    "title": site.say("boards"),
                    "tags": [TAG],
                    "asDropdown": False,
                    # From a building to its branch and its homes; a dashboard without the variable ignores it.
                    "includeVars": True,
                    "keepTime": True,
                    "targetBlank": False,
                    "icon": "external link",
                    "tooltip": "",
                    "url": "",
                }
            ],
            "panels": [panel.to_json(number) for number, panel in enumerate(self.panels, 1)],
        }


def chain(say: Say, until: str) -> list[Variable]:
    """Return the variables from the station down to `until`."""
    names = CHAIN[: CHAIN.index(until) + 1]
    return [Variable(name, say(name), names[:i]) for i, name in enumerate(names)]
