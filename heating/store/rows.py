"""Rows of the embedded store's tables: which to ask for, and their columns on the way in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heating.reading import VALUE_FIELDS, Bools, Ints, ReadingTable
from heating.store.catalog import Catalog
from heating.store.duck import Columns, holed

# The columns of a reading, of the table `reading r`.
ROW = ", ".join(f"r.{name}" for name in ("series", "ts", *VALUE_FIELDS, "quality"))
# Up to so many series are asked for by number; beyond, it is faster to read all and choose in numpy.
_FEW = 500


def reading_columns(series: Ints, rows: ReadingTable) -> dict[str, Any]:
    """Return readings as columns of the table `reading`; NaN become no value."""
    columns: dict[str, Any] = {"series": series.astype(np.int32), "ts": rows.ts_ms}
    columns |= {name: holed(getattr(rows, name)) for name in VALUE_FIELDS}
    return columns | {"quality": rows.quality.astype(np.int16)}


def among(numbers: Ints) -> str:
    """Return the condition for few series; for many it is faster to read all and choose in numpy."""
    if len(numbers) > _FEW:
        return ""
    return f" AND series IN ({', '.join(map(str, numbers.tolist()))})" if len(numbers) else " AND false"


def select(found: Columns, which: Bools | Ints) -> Columns:
    """Return the rows that a mask or an index array selects."""
    return {name: column[which] for name, column in found.items()}


def in_order_stored(found: Columns) -> Columns:
    """Return rows in the order in which they were stored, by their `place`."""
    place = found["place"]
    return found if (np.diff(place) > 0).all() else select(found, np.argsort(place, kind="stable"))


def owner_of(catalog: Catalog, numbers: Ints, points: Sequence[str]) -> Ints:
    """Return the index into `points` of every series, -1 for others, int64 (series,)."""
    index = {point: place for place, point in enumerate(points)}
    owner = np.full(len(catalog), -1, dtype=np.int64)
    owner[numbers] = [index[point] for point in catalog.tag(numbers, 0).tolist()]
    return owner
