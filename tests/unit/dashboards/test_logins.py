"""Who guesses has to wait, who is removed is out, and the users file is written whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from consolekit import Site
from litestar.testing import TestClient
from typer.testing import CliRunner

from dashboards.console.app import create_app
from dashboards.console.attempts import LIMIT, WINDOW, FailedLogins
from dashboards.console.desk import Desk
from dashboards.console.users import Role, Row, User, hash_secret, load_users, read_users, users_text
from heating.clock import ManualClock
from heatwatch.cli import app

T0 = datetime(2026, 12, 15, tzinfo=UTC)


def test_an_address_that_fails_too_often_waits_and_then_may_again() -> None:
    logins = FailedLogins()
    for i in range(LIMIT):
        assert logins.wait_s("10.0.0.1", T0) == 0, i
        logins.failed("10.0.0.1", T0 + timedelta(seconds=i))
    assert logins.wait_s("10.0.0.1", T0 + timedelta(seconds=LIMIT)) == WINDOW.total_seconds() - LIMIT + 1
    assert logins.wait_s("10.0.0.2", T0) == 0
    assert logins.wait_s("10.0.0.1", T0 + WINDOW) == 0  # the first guess is forgotten
    logins.failed("10.0.0.1", T0 + WINDOW)
    assert logins.wait_s("10.0.0.1", T0 + WINDOW) > 0
    logins.succeeded("10.0.0.1")
    assert logins.wait_s("10.0.0.1", T0 + WINDOW) == 0


def test_a_host_that_picks_other_ipv6_addresses_is_the_same_guesser() -> None:
    logins = FailedLogins()
    for i in range(LIMIT):
        logins.failed(f"2001:db8:1:2::{i:x}", T0)
    assert logins.wait_s("2001:db8:1:2:ffff::1", T0) > 0
    assert logins.wait_s("2001:db8:1:3::1", T0) == 0


def test_memory_of_addresses_is_bounded() -> None:
    logins = FailedLogins()
    for i in range(10_000):
        logins.failed(f"host{i}", T0)
    assert len(logins._failed) == 4096


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    file = tmp_path / "users.toml"
    file.write_text(users_text([Row("li", Role.DISPATCH, hash_secret("right"))]), "utf-8")
    return file


def test_the_console_stops_a_guesser_but_not_who_is_in(
    site: Site, users_file: Path, make_desk: Callable[..., Desk]
) -> None:
    desk = make_desk(site, load_users(str(users_file)))
    with TestClient(create_app(desk), base_url="http://127.0.0.1") as client:
        assert client.get("/api/v1/findings", auth=("li", "right")).status_code == 200
        answers = [client.get("/api/v1/findings", auth=("li", f"guess{i}")) for i in range(LIMIT + 1)]
        assert [a.status_code for a in answers] == [401] * LIMIT + [429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= WINDOW.total_seconds() + 1
        assert client.get("/api/v1/findings", auth=("li", "right")).status_code == 200
        assert client.get("/api/v1/findings").status_code == 401  # no guess: a browser before it asks its user
        assert isinstance(desk.clock, ManualClock)
        desk.clock.advance(WINDOW.total_seconds())
        assert client.get("/api/v1/findings", auth=("li", "guess")).status_code == 401


def test_a_running_console_hears_of_users_that_come_and_go(users_file: Path) -> None:
    users = load_users(str(users_file))
    assert users.check("li", "right") == User("li", Role.DISPATCH)
    users_file.write_text(users_text([Row("wang", Role.ADMIN, hash_secret("other"))]), "utf-8")
    os.utime(users_file, ns=(1, 1))
    assert users.check("li", "right") is None
    assert users.check("wang", "other") == User("wang", Role.ADMIN)
    users_file.write_text("users = 3", "utf-8")
    assert users.check("wang", "other") == User("wang", Role.ADMIN), "a broken file locks nobody out"


@pytest.fixture
def run(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "heatwatch.toml").write_text(
        f'console.users_file = "{tmp_path}/users.toml"\nledger.url = "sqlite:///{tmp_path}/l.sqlite"\n', "utf-8"
    )

    def command(*words: str, given: str | None = None) -> tuple[int, str, BaseException | None]:
        done = CliRunner().invoke(app, ["--config", str(tmp_path / "heatwatch.toml"), "users", *words], input=given)
        return done.exit_code, done.output, done.exception

    return command


def test_users_are_added_listed_renewed_and_removed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "users.toml"
    code, shown, _ = run("add", '李"调度', "--role", "dispatch", "--json")
    assert code == 0
    secret = shown.split('"secret": "')[1].split('"')[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in file.read_text("utf-8")
    users = load_users(str(file))
    assert users.check('李"调度', secret) == User('李"调度', Role.DISPATCH)
    assert "is a user already" in str(run("add", '李"调度', "--role", "admin")[2])
    assert run("add", '李"调度', "--role", "admin", "--renew", "--prompt", given="a longer secret\n")[0] == 0
    assert users.check('李"调度', secret) is None
    assert users.check('李"调度', "a longer secret") == User('李"调度', Role.ADMIN)
    assert run("add", "wall", "--role", "control_room")[0] == 0
    assert [row.name for row in read_users(file)] == ['李"调度', "wall"]
    assert "wall" in run("list")[1]
    assert run("remove", "wall")[0] == 0
    assert "is no user" in str(run("remove", "wall")[2])
    assert "at least 10" in str(run("add", "x", "--role", "admin", "--prompt", given="short\n")[2])
    assert "colon" in str(run("add", "a:b", "--role", "admin")[2])
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".users")]
