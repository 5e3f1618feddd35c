"""Pushes folders, data source, dashboards and the rules on the pipeline into a live Grafana.

Pushed again, nothing changes: each saved version of a dashboard carries a digest of what was pushed as its message.
Where a person saved a version since, the digest is gone and the next push puts ours on top; the person's stays in the
history. Rules cannot be edited by hand, as those from files cannot: no push takes back what somebody set. Contact
points and policies are the site's and are not touched.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaException

from dashboards.grafana.api import opened_grafana
from dashboards.grafana.board import Dashboard, Site
from dashboards.grafana.changes import Change, Pushed
from dashboards.grafana.health_rules import ALERT_FOLDER, INTERVAL_S, RULE_GROUP, health_rules
from dashboards.grafana.provisioning import FOLDER, Source, datasource_body
from dashboards.settings import GrafanaSettings

log = logging.getLogger(__name__)

_SIGN = "heatwatch "


def push(settings: GrafanaSettings, site: Site, boards: Sequence[Dashboard], source: Source) -> list[Pushed]:
    """Bring folders, data source, dashboards and rules into a live Grafana; say what changed.

    Raises
    ------
    ConfigError
        If Grafana cannot be reached, or refuses the token.
    InputError
        If Grafana refuses one of the things, with its reason.
    """
    with opened_grafana(settings) as api:
        done = [_push_folder(api, FOLDER, site.say("folder")), _push_source(api, source)]
        done += [_push_board(api, board.title, board.to_json(site)) for board in boards]
        done += [_push_folder(api, ALERT_FOLDER, site.say("alert_folder")), _push_rules(api, site)]
    log.info("dashboards pushed changed=%d of=%d", sum(p.change is not Change.UNCHANGED for p in done), len(done))
    return done


def _push_folder(api: GrafanaApi, uid: str, title: str) -> Pushed:
    present = _found(lambda: api.folder.get_folder(uid))
    if present is None:
        api.folder.create_folder(title, uid=uid)
        return Pushed("folder", title, Change.CREATED)
    if present["title"] == title:
        return Pushed("folder", title, Change.UNCHANGED)
    api.folder.update_folder(uid, title=title, overwrite=True)
    return Pushed("folder", title, Change.CHANGED)


def _push_source(api: GrafanaApi, source: Source) -> Pushed:
    body = datasource_body(source)
    present = _found(lambda: api.datasource.get_datasource_by_uid(body["uid"]))
    if present is None:
        api.datasource.create_datasource(body)
        return Pushed("data source", body["name"], Change.CREATED)
    if present.get("readOnly") or (_same_source(body, present) and _lets_in(api, body)):
        return Pushed("data source", body["name"], Change.UNCHANGED)
    api.datasource.update_datasource_by_uid(body["uid"], body | {"isDefault": present.get("isDefault", False)})
    return Pushed("data source", body["name"], Change.CHANGED)


def _same_source(body: dict[str, Any], present: dict[str, Any]) -> bool:
    """Compare what can be seen; of secrets only whether ours are set (Grafana keeps those that are used no more)."""
    # Which source is the default is the site's choice; Grafana makes the first one so.
    plain = {key: value for key, value in body.items() if key not in ("secureJsonData", "jsonData", "isDefault")}
    known = present.get("secureJsonFields") or {}
    return (
        all(present.get(key) == value for key, value in plain.items())
        and all((present.get("jsonData") or {}).get(key) == value for key, value in body["jsonData"].items())
        and all(known.get(key) for key in body.get("secureJsonData", ()))
    )


def _lets_in(api: GrafanaApi, body: dict[str, Any]) -> bool:
    """Tell whether the database takes the secret that Grafana has: secrets cannot be read back and compared."""
    if not body.get("secureJsonData"):
        return True
    try:
        answer = str(api.datasource.health(body["uid"]))
    except GrafanaException as refused:
        answer = f"{refused.message} {refused.response}"
    return not re.search(r"\b40[13]\b|unauthori[sz]ed|authorization", answer, re.IGNORECASE)


def _push_board(api: GrafanaApi, title: str, body: dict[str, Any]) -> Pushed:
    sign = _SIGN + hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    present = _found(lambda: api.dashboard.get_dashboard(body["uid"]))
    if present is not None and present["meta"].get("folderUid") == FOLDER and _last_message(api, body["uid"]) == sign:
        return Pushed("dashboard", title, Change.UNCHANGED)
    wanted = {key: value for key, value in body.items() if key != "version"}
    request = {"dashboard": wanted, "folderUid": FOLDER, "overwrite": True, "message": sign}
    api.dashboard.update_dashboard(request)
    if present is None and _last_message(api, body["uid"]) != sign:
        # Grafana calls a first version "Initial save", whatever we say: only a second one carries the digest.
        api.dashboard.update_dashboard(request)
    return Pushed("dashboard", title, Change.CREATED if present is None else Change.CHANGED)


def _last_message(api: GrafanaApi, uid: str) -> str:
    answer = api.dashboard_versions.get_dashboard_versions_by_uid(uid)
    # A list up to Grafana 10, an object with a token for the next page from 11 on.
    versions = answer.get("versions", []) if isinstance(answer, dict) else answer
    return str(max(versions, key=lambda v: v["version"]).get("message", "")) if versions else ""


def _push_rules(api: GrafanaApi, site: Site) -> Pushed:
    rules = health_rules(site.say)
    present = [_found(partial(api.alertingprovisioning.get_alertrule, rule["uid"])) for rule in rules]
    name = site.say("alert_folder")
    if any(rule is not None and rule.get("provenance") == "file" for rule in present):
        # Those from files stay as the files say; Grafana would refuse.
        return Pushed("rules", name, Change.UNCHANGED)
    group = _found(lambda: api.alertingprovisioning.get_rule_group(ALERT_FOLDER, RULE_GROUP))
    wanted = {"title": RULE_GROUP, "folderUid": ALERT_FOLDER, "interval": INTERVAL_S, "rules": rules}
    if group is not None and _contains(group, wanted):
        return Pushed("rules", name, Change.UNCHANGED)
    placed = [rule | {"folderUID": ALERT_FOLDER, "ruleGroup": RULE_GROUP, "orgID": 1} for rule in rules]
    api.alertingprovisioning.update_rule_group(ALERT_FOLDER, RULE_GROUP, wanted | {"rules": placed})
    return Pushed("rules", name, Change.CREATED if group is None else Change.CHANGED)


def _contains(present: Any, wanted: Any) -> bool:
    """Tell whether everything wanted is there; Grafana adds defaults of its own."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(_contains(present.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(present, list) and len(present) == len(wanted)
        return same_length and all(map(_contains, present, wanted))
    return bool(present == wanted)


def _found(ask: Callable[[], Any]) -> dict[str, Any] | None:
    try:
        answer = ask()
    except GrafanaException as refused:
        if refused.status_code == 404:
            return None
        raise
    assert isinstance(answer, dict)
    return answer
