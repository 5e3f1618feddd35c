"""The console as a stage, over a real socket."""

from __future__ import annotations

import functools
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from consolekit import NOW, ZONE, Site, open_site, record_event

from dashboards.console.desk import ConsoleHooks, ConsoleSite
from dashboards.console.stage import ConsoleStage
from dashboards.console.users import hash_secret
from dashboards.settings import ConsoleSettings
from heating.clock import ManualClock
from heating.errors import ConfigError
from heating.words import Language


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def stage_of(site: Site, settings: ConsoleSettings) -> ConsoleStage:
    hooks = ConsoleHooks(functools.partial(record_event, site.ledger))
    site_name = ConsoleSite("示范", ZONE)
    return ConsoleStage(settings, site.store, site.ledger, ManualClock(NOW), Language.ZH, site_name, hooks)


@contextmanager
def running(site: Site, settings: ConsoleSettings) -> Iterator[ConsoleStage]:
    stage = stage_of(site, settings)
    stop = threading.Event()
    thread = threading.Thread(target=stage.run, args=(stop,))
    thread.start()
    try:
        yield stage
    finally:
        stop.set()
        thread.join(timeout=15)
        assert not thread.is_alive()


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def wait_for(url: str) -> tuple[int, bytes]:
    """Ask until the server answers."""
    pause = threading.Event()
    for _ in range(100):
        try:
            return fetch(url)
        except urllib.error.URLError:
            pause.wait(0.1)
    raise AssertionError(f"{url} did not answer")


def test_it_serves_on_a_free_port_and_stops_cleanly(site: Site) -> None:
    with running(site, ConsoleSettings(port=0)) as stage:
        status, body = wait_for(stage.url)
        assert status == 200
        assert "示范" in body.decode()
        assert stage.health(NOW).ok
        status, body = fetch(f"{stage.url}api/v1/homes")
        assert len(json.loads(body)["homes"]) == 288
        assert {m.name for m in stage.metrics()} >= {"heatwatch_console_requests_total"}
        port = int(stage.url.rstrip("/").rpartition(":")[2])
    assert not stage.health(NOW).alive
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_a_host_that_others_reach_needs_users(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"console\.host = '0\.0\.0\.0'.*console\.users_file"):
        stage_of(site, ConsoleSettings(host="0.0.0.0", port=0))
    file = tmp_path / "users.toml"
    file.write_text(f'[[users]]\nname = "li"\nrole = "admin"\nsecret = "{hash_secret("x")}"\n', encoding="utf-8")
    stage_of(site, ConsoleSettings(host="0.0.0.0", port=0, users_file=str(file))).close()


def test_a_taken_port_names_the_keys(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"console\.port = {port}: cannot listen"):
            stage_of(site, ConsoleSettings(port=port))


def test_a_store_that_is_away_is_503_and_not_a_crash(site: Site) -> None:
    with running(site, ConsoleSettings(port=0)) as stage:
        wait_for(f"{stage.url}healthz")
        site.store.close()
        status, body = fetch(f"{stage.url}api/v1/homes")
        assert status == 503
        assert json.loads(body)["detail"]
        status, body = fetch(stage.url)
        assert status == 503
        assert "数据暂不可用" in body.decode()
