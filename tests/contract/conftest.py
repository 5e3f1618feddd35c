"""The adapters under contract: each test of the store runs on every one.

`HEATWATCH_TEST_INFLUX=influxdb://127.0.0.1:8086/{database}?org=O` with `HEATWATCH_TEST_INFLUX_TOKEN` names a server of
another generation to run on instead of Debian's; every test makes a database or bucket of its own there.
"""

from __future__ import annotations

import itertools
import os
import time
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
            database, named = f"heat {time.time_ns()} {next(_numbers)}", os.environ.get("HEATWATCH_TEST_INFLUX")
            url = named.format(database=database) if named else request.getfixturevalue("influx_server").url(database)
            token = os.environ.get("HEATWATCH_TEST_INFLUX_TOKEN") if named else None
            with closing(open_store(url, role="owner", token=token)) as store:
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
