"""What a raw frame says of one instant."""

from __future__ import annotations

from dataclasses import dataclass

from collector.payloads.tree import Node


@dataclass(frozen=True, slots=True)
class Record:
    """Values of one instant by the names of the maker's codec; `ts_ms` None means now."""

    values: Node
    ts_ms: int | None = None
    logged: bool = False
