"""`dashboards push` against exchanges that were recorded with a real Grafana 12.2, replayed by a small server.

A request must be one of the recorded, with the same content where that matters; its answers come in their order.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.grafana.api import grafana_version
from dashboards.grafana.board import Site
from dashboards.grafana.build import dashboards_of
from dashboards.grafana.changes import Change, Pushed
from dashboards.grafana.health_rules import health_rules
from dashboards.grafana.provisioning import Source
from dashboards.grafana.push import push
from dashboards.grafana.words import speaker
from dashboards.settings import GrafanaSettings
from heating.errors import ConfigError, InputError
from heating.words import Language

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "exchanges" / "grafana-12.json").read_text("utf-8")
)
SOURCE = Source(url="http://127.0.0.1:8086", database="heat", token="secret-of-the-store")


class Replay:
    """Answers as the recorded Grafana did; `asked` collects (method, path, body)."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        self.left = [dict(exchange) for exchange in exchanges]
        self.asked: list[tuple[str, str, Any]] = []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        for exchange in self.left:
            if (exchange["method"], exchange["path"]) == (method, path):
                self.left.remove(exchange)
                self._sign(exchange["answer"])
                return exchange["status"], exchange["answer"]
        return 599, {"message": f"not recorded: {method} {path}"}

    def _sign(self, answer: Any) -> None:
        """Put the digest of what our dashboards are today where the recording has that of its day."""
        if isinstance(answer, dict) and "versions" in answer:
            for version in answer["versions"]:
                if version["message"].startswith("heatwatch "):
                    version["message"] = SIGNS.get((version["uid"], version["version"]), version["message"])
        if isinstance(answer, dict) and "rules" in answer:
            answer["rules"] = list(map(_laid_over, answer["rules"], health_rules(speaker(Language.ZH))))


def _laid_over(recorded: Any, ours: Any) -> Any:
    """Put our values of today where the recording has those of its day; what Grafana added stays."""
    if isinstance(ours, dict):
        return {**recorded, **{key: _laid_over(recorded[key], value) for key, value in ours.items()}}
    if isinstance(ours, list):
        return list(map(_laid_over, recorded, ours))
    return ours


SIGNS: dict[tuple[str, int], str] = {}


@contextmanager
def replayed(name: str | list[dict[str, Any]]) -> Iterator[tuple[GrafanaSettings, Replay]]:
    replay = Replay(RECORDED[name] if isinstance(name, str) else name)

    class Handler(BaseHTTPRequestHandler):
        def _go(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = json.loads(body) if body[:1] in (b"{", b"[") else None
            status, answer = replay.answer(self.command, self.path, sent)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _go  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield GrafanaSettings(url=f"http://127.0.0.1:{server.server_address[1]}"), replay
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def site(language: Language = Language.ZH) -> Site:
    return Site("x", ZoneInfo("Asia/Shanghai"), speaker(language))


def send(settings: GrafanaSettings, language: Language = Language.ZH) -> list[Change]:
    done: list[Pushed] = push(settings, site(language), dashboards_of(site(language))[:2], SOURCE)
    return [one.change for one in done]


def writes(replay: Replay) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in replay.asked if method != "GET"]


@pytest.fixture(autouse=True, scope="module")
def signs() -> Iterator[None]:
    """Learn what a push of today signs its dashboards with: it is what the recorded server kept."""
    SIGNS.clear()
    for name, language, number in (("first", Language.ZH, 2), ("other_language", Language.EN, 3)):
        with replayed(name) as (settings, replay):
            send(settings, language)
        for _, path, body in replay.asked:
            if path == "/api/dashboards/db":
                SIGNS[body["dashboard"]["uid"], number] = body["message"]
    yield
    SIGNS.clear()


def test_the_first_push_creates_everything_with_what_grafana_needs() -> None:
    with replayed("first") as (settings, replay):
        assert set(send(settings)) == {Change.CREATED}
    bodies = {(method, path): body for method, path, body in replay.asked}
    folders = [body for method, path, body in replay.asked if (method, path) == ("POST", "/api/folders")]
    assert folders[0] == {"title": "室温监测", "uid": "heatwatch"}
    assert [folder["uid"] for folder in folders] == ["heatwatch", "heatwatch-health"]
    source = bodies["POST", "/api/datasources"]
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token secret-of-the-store"}
    saved = bodies["POST", "/api/dashboards/db"]
    assert (saved["folderUid"], saved["overwrite"]) == ("heatwatch", True)
    assert not replay.left


def test_the_second_push_changes_nothing() -> None:
    with replayed("second") as (settings, replay):
        assert set(send(settings)) == {Change.UNCHANGED}
    assert writes(replay) == []


def test_another_language_changes_titles_in_place() -> None:
    with replayed("other_language") as (settings, replay):
        changes = send(settings, Language.EN)
    assert changes.pop(1) is Change.UNCHANGED
    assert set(changes) == {Change.CHANGED}
    assert ("PUT", "/api/folders/heatwatch") in writes(replay)


def test_a_version_saved_by_a_person_is_put_under_ours() -> None:
    exchanges = json.loads(json.dumps(RECORDED["second"]))
    for exchange in exchanges:
        if exchange["path"].endswith("heatwatch-control/versions"):
            edited = {**exchange["answer"]["versions"][0], "version": 99, "message": "made the font larger"}
            exchange["answer"]["versions"].insert(0, edited)
    saved = next(e for e in RECORDED["first"] if e["path"] == "/api/dashboards/db")
    with replayed([*exchanges, saved]) as (settings, replay):
        assert send(settings)[2] is Change.CHANGED
    assert len(writes(replay)) == 1


RULES = "/api/v1/provisioning/folder/heatwatch-health/rule-groups/heatwatch"


def test_rules_come_as_one_group_and_nothing_else_of_the_alerts_is_touched() -> None:
    with replayed("first") as (settings, replay):
        send(settings)
    bodies = {(method, path): body for method, path, body in replay.asked}
    group = bodies["PUT", RULES]
    assert (group["interval"], len(group["rules"])) == (60, 6)
    assert {rule["folderUID"] for rule in group["rules"]} == {"heatwatch-health"}
    asked = {path for _, path in bodies if "provisioning" in path}
    assert all("/alert-rules/heatwatch-" in path or path == RULES for path in asked)


def test_a_rule_that_is_not_as_ours_is_put_right() -> None:
    exchanges = json.loads(json.dumps(RECORDED["second"]))
    for exchange in exchanges:
        if exchange["path"] == RULES:
            exchange["answer"]["rules"].pop()
    saved = next(e for e in RECORDED["first"] if (e["method"], e["path"]) == ("PUT", RULES))
    with replayed([*exchanges, saved]) as (settings, replay):
        assert send(settings)[-1] is Change.CHANGED
    assert writes(replay) == [("PUT", RULES)]


def test_rules_from_files_stay_as_the_files_say() -> None:
    exchanges = json.loads(json.dumps(RECORDED["second"]))
    for exchange in exchanges:
        if "/alert-rules/" in exchange["path"]:
            exchange["answer"]["provenance"] = "file"
            exchange["answer"]["title"] = "another"
    with replayed(exchanges) as (settings, replay):
        assert send(settings)[-1] is Change.UNCHANGED
    assert writes(replay) == []


def test_the_version_is_that_of_grafana() -> None:
    with replayed("version") as (settings, _):
        recorded = RECORDED["version"][0]["answer"]["buildInfo"]["version"]
        assert grafana_version(settings) == recorded


def test_a_wrong_token_is_one_line_that_names_its_key() -> None:
    with replayed("wrong_token") as (settings, _), pytest.raises(ConfigError, match=r"^grafana\.token_file = .*401"):
        send(settings)


def test_what_grafana_refuses_is_said_in_its_words() -> None:
    exchanges = json.loads(json.dumps(RECORDED["first"]))
    for exchange in exchanges:
        if exchange["path"] == "/api/dashboards/db":
            exchange |= {"status": 400, "answer": {"message": "Cannot save provisioned dashboard"}}
    with replayed(exchanges) as (settings, _), pytest.raises(InputError, match="Cannot save provisioned dashboard"):
        send(settings)


@pytest.mark.parametrize("url", ["", "127.0.0.1:3000", "ftp://h"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^grafana\.url = .*http://127\.0\.0\.1:3000"):
        grafana_version(GrafanaSettings(url=url))


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^grafana\.url = 'http://127\.0\.0\.1:9': does not answer"):
        grafana_version(GrafanaSettings(url="http://127.0.0.1:9"))
