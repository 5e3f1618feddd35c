"""The adapters of the ledger: each test here runs on every one."""

from __future__ import annotations

from contract.ledgerkit import ledger, ledger_url, postgres_server

__all__ = ["ledger", "ledger_url", "postgres_server"]
