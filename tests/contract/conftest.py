"""The adapters under contract: each test of the store runs on every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from heating.store import ReadingStore, open_store


@pytest.fixture(params=["embedded", "remote"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    yield from stores(request.param, tmp_path)


def stores(adapter: str, folder: Path) -> Iterator[ReadingStore]:
    owner = open_store(f"duckdb:///{folder}/heat.duckdb", role="owner")
    if adapter == "embedded":
        yield owner
    else:
        guest = open_store(f"duckdb:///{folder}/heat.duckdb", role="reader")
        yield guest
        guest.close()
    owner.close()
