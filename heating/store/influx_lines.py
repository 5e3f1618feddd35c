"""Rows as line protocol, and texts as InfluxDB can carry them.

Tag values cannot hold a line break, nor end with a backslash. Those few characters travel as `%0A`, `%5C` and so on,
and come back as they were; a `%2F` in the id of a place stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import Floats, KindCode, ReadingTable

_UNFIT = re.compile(r"%(?=0A|0D|00|5C|25)|[\n\r\0\\]")
_CARRIED = re.compile(r"%(0A|0D|00|5C|25)")
_PATTERN = re.compile(r"[.+*?()|\[\]{}^$/]")
_SPECIAL = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_KINDS = tuple(Measurement[kind.name] for kind in KindCode)


def carried(text: str) -> str:
    """Return a text as it is kept in a tag."""
    return _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", text) if _UNFIT.search(text) else text


def original(text: str) -> str:
    """Return the text of a tag as it was given."""
    return _CARRIED.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text


def quoted(text: str) -> str:
    """Return a tag's text as a literal of InfluxQL."""
    return "'" + carried(text).replace("'", "\\'") + "'"


def regex(texts: Iterable[str]) -> str:
    """Return the pattern of InfluxQL that exactly these texts of a tag match."""
    return "/^(" + "|".join(_PATTERN.sub(r"\\\g<0>", carried(text)) for text in texts) + ")$/"


class LineWriter:
    """Builds lines; what leads a line (measurement and tags) is escaped once and kept."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str | int, ...], str] = {}

    def readings(self, batch: ReadingTable) -> list[str]:
        """Return one line a reading; each must have a value of its kind."""
        heads, kinds = self._heads, batch.kind.tolist()
        keys = list(zip(kinds, batch.point.tolist(), batch.device.tolist(), strict=True))
        for key in set(keys) - heads.keys():
            heads[key] = _head(_KINDS[key[0]], key[1:])
        bodies = _reading_bodies(batch, set(kinds))
        return [
            f"{heads[key]} {bodies[key[0]][row][1:]} {ts}"
            for row, (key, ts) in enumerate(zip(keys, batch.ts_ms.tolist(), strict=True))
        ]

    def rollup(self, rows: RollUp) -> list[str]:
        """Return one line a row; a row without any value has none and falls out."""
        schema = SCHEMAS[rows.measurement]
        tags = zip(*(rows.tags[name].tolist() for name in schema.tags), strict=True)
        columns = [_texts(name, rows.texts[name].tolist()) for name in schema.texts]
        columns += [_numbers(name, rows.floats[name]) for name in schema.floats]
        return [
            f"{self._rollup_head(rows.measurement, values)} {fields[1:]} {ts}"
            for values, ts, *cells in zip(tags, rows.ts_ms.tolist(), *columns, strict=True)
            if (fields := "".join(cells))
        ]

    def _rollup_head(self, measurement: Measurement, values: tuple[str, ...]) -> str:
        key = (measurement.value, *values)
        found = self._heads.get(key)
        if found is None:
            found = self._heads[key] = _head(measurement, values)
        return found


def _head(measurement: Measurement, values: Iterable[str]) -> str:
    # InfluxDB sorts tags by name: sent so, it need not. An empty tag is one that is not there.
    tags = sorted(zip(SCHEMAS[measurement].tags, values, strict=True))
    return measurement + "".join(f",{name}={carried(value).translate(_SPECIAL)}" for name, value in tags if value)


def _reading_bodies(batch: ReadingTable, kinds: set[int]) -> dict[int, list[str]]:
    quality = batch.quality.astype(float)
    given = {name for kind in kinds for name in SCHEMAS[_KINDS[kind]].floats}
    columns = {name: _numbers(name, quality if name == "quality" else getattr(batch, name)) for name in given}
    return {
        kind: list(map("".join, zip(*(columns[name] for name in SCHEMAS[_KINDS[kind]].floats), strict=True)))
        for kind in kinds
    }


def _numbers(name: str, column: Floats) -> list[str]:
    """Return `,name=value` a row, nothing where absent. A float never looks like an integer's `20i`: `20.0`."""
    values = column.tolist()
    # Sensors give few different values, and looking one up costs a sixth of writing it. Plus zero: -0.0 is 0.0, always.
    texts = {value: f",{name}={value + 0.0!r}" if value == value else "" for value in set(values)}
    return [texts[value] for value in values]


def _texts(name: str, column: list[str]) -> list[str]:
    return [f',{name}="{text.translate(_STRING)}"' for text in column]


_STRING = str.maketrans({"\\": "\\\\", '"': '\\"'})
