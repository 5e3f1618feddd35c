from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consolekit import NOW, ZONE, Site, open_site, record_event
from litestar.testing import TestClient

from dashboards.console.app import create_app
from dashboards.console.desk import ConsoleHooks, ConsoleSite, Desk, Sources
from dashboards.console.users import Role, User, Users, hash_secret
from heating.clock import ManualClock
from heating.stage import Health
from heating.words import Language

BASE = "http://127.0.0.1"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site that tests only look at."""
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A site that a test may change."""
    with open_site(tmp_path) as opened:
        yield opened


def desk_of(site: Site, users: Users | None = None, health: Health | None = None) -> Desk:
    hooks = ConsoleHooks(
        functools.partial(record_event, site.ledger),
        lambda now: {"analyzer": health or Health(alive=True, fresh=True, text="4 s")},
    )
    sources = Sources(site.store, site.ledger, ManualClock(NOW))
    return Desk(sources, ConsoleSite("示范", ZONE), Language.ZH, hooks, users)


@pytest.fixture
def make_desk() -> Callable[..., Desk]:
    return desk_of


@pytest.fixture
def client_of() -> Callable[..., TestClient]:
    def make(site: Site, **more: object) -> TestClient:
        return TestClient(create_app(desk_of(site, **more)), base_url=BASE)  # type: ignore[arg-type]

    return make


@pytest.fixture
def client(site: Site, client_of: Callable[..., TestClient]) -> Iterator[TestClient]:
    with client_of(site) as opened:
        yield opened


@pytest.fixture(scope="session")
def users() -> Users:
    """One user a role; name and secret are the role."""
    return Users([(User(role.value, role), hash_secret(role.value)) for role in Role])
