"""Six alert rules on the pipeline itself: the second pair of eyes on heatwatch. Alerts on homes come from heatwatch.

One cause, one alarm. Where nothing comes any more (no readings, nobody who writes these rows, no database), only the
first rule fires; the others judge what comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dashboards.grafana.queries import DATASOURCE
from dashboards.grafana.words import Say

RULE_GROUP, ALERT_FOLDER = "heatwatch", "heatwatch-health"
INTERVAL_S = 60
_STATUS = 'FROM "site_status" WHERE $timeFilter'


class _Query(msgspec.Struct, frozen=True):
    """One number: the newest value of a query over the last `within_s` seconds."""

    query: str
    within_s: int


_RECEIVED = _Query(
    'SELECT spread("readings") AS "value" FROM "intake" WHERE $timeFilter '
    "AND \"fate\" = 'received' AND \"reason\" = ''",
    900,
)
_NEWEST_AGE = _Query(f'SELECT last("newest_age_s") AS "value" {_STATUS}', 600)
_JUDGE_LAG = _Query(f'SELECT last("judge_lag_s") AS "value" {_STATUS}', 600)
_LOSSES = _Query(f'SELECT last("losses_1h") AS "value" {_STATUS}', 600)
# An hour and the minutes between the rows: where nothing changes they come once an hour.
_MADE_ROOM = _Query(
    'SELECT spread("readings") AS "value" FROM "intake" WHERE $timeFilter '
    "AND \"fate\" = 'quarantine_dropped' AND \"reason\" = ''",
    3900,
)
_ONLINE = _Query(f'SELECT last("online_rate") AS "value" {_STATUS}', 600)


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: fires where `condition` holds for `hold`; in it `$N1`, `$N2` are the numbers of the queries.

    `silence` is the state where no rows come or the database does not answer: `Alerting` or `OK`. `severity` is for
    the site's policies to route by.
    """

    name: str
    queries: Sequence[_Query]
    condition: str
    hold: str
    silence: str = "OK"
    severity: str = "critical"


_RULES = (
    _Rule(name="collector", queries=[_RECEIVED], condition="$N1 < 1", hold="5m", silence="Alerting"),
    # Readings come, but none that is new gets into the store: all quarantined, or all late.
    _Rule(name="store", queries=[_NEWEST_AGE, _RECEIVED], condition="$N1 > 1800 && $N2 >= 1", hold="5m"),
    _Rule(name="analyzer", queries=[_JUDGE_LAG], condition="$N1 > 600", hold="2m"),
    # It ends an hour after the last one, so that the next one is told again.
    _Rule(name="loss", queries=[_LOSSES], condition="$N1 > 0", hold="0s"),
    # Nothing is missing that anybody could have used, and it goes on for days: not one with the above.
    _Rule(name="quarantine", queries=[_MADE_ROOM], condition="$N1 > 0", hold="0s", severity="warning"),
    _Rule(name="online", queries=[_ONLINE, _RECEIVED], condition="$N1 < 0.9 && $N2 >= 1", hold="15m"),
)


def health_rules(say: Say) -> list[dict[str, Any]]:
    """Return the rules as files and API take them."""
    return [_to_json(rule, say) for rule in _RULES]


def _to_json(rule: _Rule, say: Say) -> dict[str, Any]:
    queries = [_query(f"Q{n}", query) for n, query in enumerate(rule.queries, 1)]
    numbers = [
        _expression(f"N{n}", "reduce", expression=f"Q{n}", reducer="last", settings={"mode": "dropNN"})
        for n in range(1, len(queries) + 1)
    ]
    return {
        "uid": f"heatwatch-{rule.name}",
        "title": say(f"alert_{rule.name}"),
        "condition": "C",
        "for": rule.hold,
        "noDataState": rule.silence,
        # An answer that fails once (a restart of the database) must last as long as a value out of bounds.
        "execErrState": rule.silence,
        "labels": {"team": "heatwatch", "severity": rule.severity},
        "annotations": {"summary": say(f"alert_{rule.name}"), "description": say(f"alert_{rule.name}_hint")},
        "data": [*queries, *numbers, _expression("C", "math", expression=rule.condition)],
    }


def _query(ref: str, query: _Query) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": query.within_s, "to": 0},
        "datasourceUid": DATASOURCE["uid"],
        "model": {
            "refId": ref,
            "datasource": DATASOURCE,
            "query": query.query,
            "rawQuery": True,
            "resultFormat": "time_series",
            "intervalMs": 60_000,
            "maxDataPoints": 43_200,
        },
    }


def _expression(ref: str, kind: str, **more: Any) -> dict[str, Any]:
    model = {"refId": ref, "type": kind, "datasource": {"type": "__expr__", "uid": "__expr__"}, **more}
    return {"refId": ref, "relativeTimeRange": {"from": 0, "to": 0}, "datasourceUid": "__expr__", "model": model}
