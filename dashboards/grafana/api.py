"""A live Grafana through its API: version, and the push of folder, data source and dashboards.

Pushed again, nothing changes: each saved version carries a digest of what was pushed as its message. Where a person
saved a version since, the digest is gone and the next push puts ours on top; the person's stays in the history.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import niquests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaException

from dashboards.grafana.board import Dashboard, Site
from dashboards.grafana.changes import Change, Pushed
from dashboards.grafana.provisioning import FOLDER, Source, datasource_body
from dashboards.settings import GrafanaSettings
from heating.errors import ConfigError, InputError
from heating.settings import read_secret

log = logging.getLogger(__name__)

_TIMEOUT_S = 15.0
_SIGN = "heatwatch "


def grafana_version(settings: GrafanaSettings) -> str:
    """Return the version of the Grafana that the configuration names.

    Raises
    ------
    ConfigError
        If it cannot be reached, or refuses the token.
    """
    with _grafana(settings) as api:
        health = api.health.check()
        # Health is open to everybody; what a token may do shows elsewhere.
        api.search.search_dashboards(limit=1)
        return str(health.get("version", "of unknown version"))


def push(settings: GrafanaSettings, site: Site, boards: Sequence[Dashboard], source: Source) -> list[Pushed]:
    """Bring folder, data source and dashboards into a live Grafana; say what changed.

    Raises
    ------
    ConfigError
        If Grafana cannot be reached, or refuses the token.
    InputError
        If Grafana refuses one of the things, with its reason.
    """
    with _grafana(settings) as api:
        done = [_push_folder(api, site.say("folder")), _push_source(api, source)]
        done += [_push_board(api, board.title, board.to_json(site)) for board in boards]
    log.info("dashboards pushed changed=%d of=%d", sum(p.change is not Change.UNCHANGED for p in done), len(done))
    return done


@contextmanager
def _grafana(settings: GrafanaSettings) -> Iterator[GrafanaApi]:
    """Open the API; its errors become lines that name the key, and what would be right."""
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"grafana.url = {settings.url!r}: must be an address such as http://127.0.0.1:3000")
    token = read_secret("grafana.token_file", settings.token_file)
    base = settings.url if parts.path in ("", "/") else settings.url.rstrip("/") + "/"
    api = GrafanaApi.from_url(base, credential=token, timeout=_TIMEOUT_S)
    try:
        yield api
    except GrafanaException as refused:
        raise _named(settings, refused) from None
    except (niquests.RequestException, OSError) as gone:
        raise ConfigError(f"grafana.url = {settings.url!r}: does not answer ({type(gone).__name__})") from None
    finally:
        api.client.s.close()


def _named(settings: GrafanaSettings, refused: GrafanaException) -> Exception:
    said = " ".join(str(refused.message).split())[:300]
    if refused.status_code in (401, 403):
        return ConfigError(
            f"grafana.token_file = {settings.token_file!r}: Grafana refuses it ({refused.status_code}); "
            "it must hold the token of a service account with the role Admin"
        )
    if refused.status_code == 404:
        return ConfigError(f"grafana.url = {settings.url!r}: answers, but not as Grafana does (404)")
    return InputError(f"Grafana at {settings.url} refuses: {said}")


def _push_folder(api: GrafanaApi, title: str) -> Pushed:
    present = _found(lambda: api.folder.get_folder(FOLDER))
    if present is None:
        api.folder.create_folder(title, uid=FOLDER)
        return Pushed("folder", title, Change.CREATED)
    if present["title"] == title:
        return Pushed("folder", title, Change.UNCHANGED)
    api.folder.update_folder(FOLDER, title=title, overwrite=True)
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


def _found(ask: Any) -> dict[str, Any] | None:
    try:
        answer = ask()
    except GrafanaException as refused:
        if refused.status_code == 404:
            return None
        raise
    assert isinstance(answer, dict)
    return answer
