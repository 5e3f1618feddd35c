"""The adapters under contract: each test of the store runs on every one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.ledgerkit import ledger, ledger_url, postgres_server  # noqa: F401  fixtures of the ledger

from heating.store import ReadingStore, open_store

ADAPTERS = ["embedded", "remote"]


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadingStore]:
    yield from stores(request.param, tmp_path)


def stores(adapter: str, folder: Path) -> Iterator[ReadingStore]:
    owner = open_store(f"duckdb:///{folder}/heat.duckdb", role="owner")
    guest = open_store(f"duckdb:///{folder}/heat.duckdb", role="reader")
    try:
        yield owner if adapter == "embedded" else guest
    finally:
        guest.close()
        owner.close()
