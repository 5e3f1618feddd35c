"""Provisioning files of Grafana: data source, dashboard folder, rules on the pipeline itself.

There are no contact points and no policy tree: a provisioned tree would replace the site's own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.grafana.board import Site
from dashboards.grafana.health_rules import INTERVAL_S, RULE_GROUP, health_rules
from dashboards.grafana.queries import DATASOURCE

FOLDER = "heatwatch"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How Grafana reaches the database.

    Attributes
    ----------
    url, database
        As Grafana sees them; in files, `$NAME` is filled in by Grafana from its environment.
    token
        For 2.x and 3, and 1.8 as `user:password`: a token, or in files where one stands (`file_secret`).
    user, password
        For accounts of 1.x and those that 2.x keeps for InfluxQL.
    """

    url: str
    database: str
    token: str = ""
    user: str = ""
    password: str = ""


def file_secret(path: str) -> str:
    """Say in a provisioning file that a secret stands in a file on Grafana's machine."""
    return f"$__file{{{path}}}" if path else ""


def datasource(source: Source) -> dict[str, Any]:
    """Return the data source: InfluxQL, which 1.x, 2.x and 3 Core understand."""
    return {
        "apiVersion": 1,
        "datasources": [{**datasource_body(source), "version": 1, "editable": False, "orgId": 1}],
    }


def datasource_body(source: Source) -> dict[str, Any]:
    """Return the data source as file and API take it."""
    plain: dict[str, Any] = {"httpMode": "GET", "dbName": source.database, "timeInterval": "60s", "maxSeries": 20_000}
    secret: dict[str, str] = {}
    if source.token:
        plain["httpHeaderName1"] = "Authorization"
        secret["httpHeaderValue1"] = f"Token {source.token}"
    if source.password:
        secret["password"] = source.password
    return {
        "name": "heatwatch",
        "uid": DATASOURCE["uid"],
        "type": "influxdb",
        "access": "proxy",
        "url": source.url,
        "database": source.database,
        **({"user": source.user} if source.user else {}),
        "isDefault": False,
        "jsonData": plain,
        **({"secureJsonData": secret} if secret else {}),
    }


def folders(site: Site, path: str) -> dict[str, Any]:
    """Return the provider of the dashboards, which lie in `path` on Grafana's machine."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "heatwatch",
                "orgId": 1,
                "folder": site.say("folder"),
                "folderUid": FOLDER,
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": path, "foldersFromFilesStructure": False},
            }
        ],
    }


def alerting(site: Site) -> dict[str, Any]:
    """Return the rules on the pipeline's health, in a folder of their own; in queries a `$` needs no doubling."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": RULE_GROUP,
                "folder": site.say("alert_folder"),
                "interval": f"{INTERVAL_S}s",
                "rules": health_rules(site.say),
            }
        ],
    }
