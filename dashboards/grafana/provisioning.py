"""Provisioning files of Grafana: data source, dashboard folders, four rules on the pipeline itself.

There are no contact points and no policy tree: a provisioned tree would replace the site's own. Alerts on homes come
from heatwatch; these rules are the second pair of eyes on heatwatch.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dashboards.grafana.board import Site
from dashboards.grafana.queries import DATASOURCE

FOLDER, ALERT_FOLDER = "heatwatch", "heatwatch-health"
_INTERVAL_S = 60


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


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: fires where the newest value of a query is above or below a limit, or where there is none."""

    uid: str
    title: str
    query: str
    within_s: int
    above: bool
    limit: float
    hold: str


def alerting(site: Site) -> dict[str, Any]:
    """Return the rules of the pipeline's health, in a folder of their own; in queries a `$` needs no doubling."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": "heatwatch",
                "folder": site.say("alert_folder"),
                "interval": f"{_INTERVAL_S}s",
                "rules": [_rule(rule) for rule in _rules(site)],
            }
        ],
    }


def _rules(site: Site) -> list[_Rule]:
    status = 'FROM "site_status" WHERE $timeFilter'
    return [
        _Rule(
            uid="heatwatch-collector",
            title=site.say("alert_collector"),
            query='SELECT spread("readings") AS "value" FROM "intake" WHERE $timeFilter '
            "AND \"fate\" = 'received' AND \"reason\" = ''",
            within_s=900,
            above=False,
            limit=1.0,
            hold="5m",
        ),
        _Rule(
            uid="heatwatch-store",
            title=site.say("alert_store"),
            query=f'SELECT last("newest_age_s") AS "value" {status}',
            within_s=600,
            above=True,
            limit=1800.0,
            hold="5m",
        ),
        _Rule(
            uid="heatwatch-analyzer",
            title=site.say("alert_analyzer"),
            query=f'SELECT last("judge_lag_s") AS "value" {status}',
            within_s=600,
            above=True,
            limit=600.0,
            hold="2m",
        ),
        _Rule(
            uid="heatwatch-online",
            title=site.say("alert_online"),
            query=f'SELECT last("online_rate") AS "value" {status}',
            within_s=600,
            above=False,
            limit=0.9,
            hold="15m",
        ),
    ]


def _rule(rule: _Rule) -> dict[str, Any]:
    query = {
        "refId": "A",
        "relativeTimeRange": {"from": rule.within_s, "to": 0},
        "datasourceUid": DATASOURCE["uid"],
        "model": {
            "refId": "A",
            "datasource": DATASOURCE,
            "query": rule.query,
            "rawQuery": True,
            "resultFormat": "time_series",
            "intervalMs": 60_000,
            "maxDataPoints": 43_200,
        },
    }
    reduced = _expression("B", "reduce", expression="A", reducer="last", settings={"mode": "dropNN"})
    evaluator = {"type": "gt" if rule.above else "lt", "params": [rule.limit]}
    judged = _expression("C", "threshold", expression="B", conditions=[{"evaluator": evaluator}])
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "for": rule.hold,
        # Where nothing comes, what writes these rows, the store or both are down.
        "noDataState": "Alerting",
        "execErrState": "Error",
        "labels": {"team": "heatwatch"},
        "annotations": {"summary": rule.title},
        "data": [query, reduced, judged],
    }


def _expression(ref: str, kind: str, **more: Any) -> dict[str, Any]:
    model = {"refId": ref, "type": kind, "datasource": {"type": "__expr__", "uid": "__expr__"}, **more}
    return {"refId": ref, "relativeTimeRange": {"from": 0, "to": 0}, "datasourceUid": "__expr__", "model": model}
