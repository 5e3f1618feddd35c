"""The adapters under contract: each test of the store runs on every one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from parts import need
from peers.influxd import Influxd, influxd

from heating.store import ReadingStore, open_store

ADAPTERS = ["embedded", "remote", pytest.param("influx", marks=pytest.mark.influx)]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    need("influxd")
    with influxd(tmp_path_factory.mktemp("influxd")) as server:
        yield server


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Callable[[str, Path], AbstractContextManager[ReadingStore]]:
    """Open a new, empty store of an adapter in a folder."""

    @contextmanager
    def open_one(adapter: str, folder: Path) -> Iterator[ReadingStore]:
        if adapter == "influx":
            server = request.getfixturevalue("influx_server")
            store = open_store(server.url(f"heat {next(_numbers)}"), role="owner")
            with closing(store):
                yield store
            return
        url = f"duckdb:///{folder}/heat.duckdb"
        with closing(open_store(url, role="owner")) as owner, closing(open_store(url, role="reader")) as guest:
            yield owner if adapter == "embedded" else guest

    return open_one


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, opened, tmp_path: Path) -> Iterator[ReadingStore]:
    with opened(request.param, tmp_path) as one:
        yield one
