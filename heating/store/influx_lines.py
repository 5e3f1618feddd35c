"""Rows as line protocol, and texts as InfluxDB can carry them.

Tag values cannot hold a line break, nor end with a backslash. Those few characters travel as `%0A`, `%5C` and so on,
and come back as they were; a `%2F` in the id of a place stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import Floats, KindCode, ReadingTable

_UNFIT = re.compile(r"%(?=0A|0D|00|5C|25)|[\n\r\0\\]")
_CARRIED = re.compile(r"%(0A|0D|00|5C|25)")
_PATTERN = re.compile(r"[.+*?()|\[\]{}^$/]")
_SPECIAL = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_KINDS = tuple(Measurement[kind.name] for kind in KindCode)
_KEPT = 20_000  # values of a field, so that one that never comes again cannot fill the memory


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
    """Builds lines; what leads a line (measurement and tags) and values that come again are written once and kept."""

    def __init__(self) -> None:
        self._heads = _Heads()
        self._numbers: dict[str, _Numbers] = {}

    def readings(self, batch: ReadingTable) -> list[str]:
        """Return one line a reading; each must have a value of its kind."""
        kinds = batch.kind.tolist()
        measurements = [_KINDS[kind] for kind in kinds]
        heads = map(
            self._heads.__getitem__, zip(measurements, batch.point.tolist(), batch.device.tolist(), strict=True)
        )
        bodies = self._reading_bodies(batch, set(kinds))
        if len(bodies) == 1:
            (found,) = bodies.values()
        else:
            found = [bodies[kind][row] for row, kind in enumerate(kinds)]
        return [f"{head} {body[1:]} {ts}" for head, body, ts in zip(heads, found, batch.ts_ms.tolist(), strict=True)]

    def rollup(self, rows: RollUp) -> list[str]:
        """Return one line a row; a row without any value has none and falls out."""
        schema = SCHEMAS[rows.measurement]
        tags = zip(*(rows.tags[name].tolist() for name in schema.tags), strict=True)
        columns = [_texts(name, rows.texts[name].tolist()) for name in schema.texts]
        columns += [self._column(name, rows.floats[name]) for name in schema.floats]
        return [
            f"{self._heads[rows.measurement, *values]} {fields[1:]} {ts}"
            for values, ts, *cells in zip(tags, rows.ts_ms.tolist(), *columns, strict=True)
            if (fields := "".join(cells))
        ]

    def _reading_bodies(self, batch: ReadingTable, kinds: set[int]) -> dict[int, list[str]]:
        quality = batch.quality.astype(float)
        given = {name for kind in kinds for name in SCHEMAS[_KINDS[kind]].floats}
        columns = {name: self._column(name, quality if name == "quality" else getattr(batch, name)) for name in given}
        return {
            kind: list(map("".join, zip(*(columns[name] for name in SCHEMAS[_KINDS[kind]].floats), strict=True)))
            for kind in kinds
        }

    def _column(self, name: str, column: Floats) -> list[str]:
        """Return `,name=value` a row, nothing where absent."""
        if np.isnan(column).all():
            return [""] * len(column)
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = _Numbers(name)
        values = column.tolist()
        return list(map(found.__getitem__ if len(found) < _KEPT else found.written, values))


class _Heads(dict[tuple[str, ...], str]):
    """What leads a line, by measurement and tags."""

    def __missing__(self, key: tuple[str, ...]) -> str:
        measurement, *values = key
        # InfluxDB sorts tags by name: sent so, it need not. An empty tag is one that is not there.
        tags = sorted(zip(SCHEMAS[Measurement(measurement)].tags, values, strict=True))
        written = (f",{name}={carried(value).translate(_SPECIAL)}" for name, value in tags if value)
        self[key] = head = str(measurement) + "".join(written)
        return head


class _Numbers(dict[float, str]):
    """Values of a field, written. Sensors give few different ones, and looking one up costs a sixth of writing it.

    Where there is no end of new ones, as of delays, nothing is looked up any more.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, value: float) -> str:
        text = self.written(value)
        if text and len(self) < _KEPT:  # nor is NaN kept: no NaN is found again
            self[value] = text
        return text

    def written(self, value: float) -> str:
        """Return `,name=value`, blank for NaN. A float never looks like an integer's `20i`: `20.0`."""
        return f",{self._name}={value + 0.0!r}" if value == value else ""  # plus zero: -0.0 is 0.0, always


def _texts(name: str, column: list[str]) -> list[str]:
    return [f',{name}="{text.translate(_STRING)}"' for text in column]


_STRING = str.maketrans({"\\": "\\\\", '"': '\\"'})
