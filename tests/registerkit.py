"""Register files for tests: written from few cells, read as a site in China reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from heating.register_file import RegisterFile, read_register
from heating.words import Language

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(folder: Path, text: str | bytes, fraction: float = 0.8, language: Language = Language.EN) -> RegisterFile:
    file = folder / "points.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_register(file, SHANGHAI, fraction, language)


def table(*rows: dict[str, Any]) -> str:
    """A register of rows that each need say only what matters to the test."""
    filled = [{"point_id": f"P{n}", "station": "S1", "building": "1", "floor": "3"} | row for n, row in enumerate(rows)]
    names = list(dict.fromkeys(name for row in filled for name in row))
    return "\n".join([",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in filled)])
