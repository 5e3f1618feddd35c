"""Reading what was derived back out of the embedded store."""

from __future__ import annotations

import numpy as np

from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.reading import Ints
from heating.store.catalog import Catalog
from heating.store.duck import Database, filled, written
from heating.store.rows import among, select


def rollup_of(
    database: Database, catalog: Catalog, measurement: Measurement, numbers: Ints, stretch_ms: tuple[int, int]
) -> RollUp:
    """Return the rows of some series over [start, end), ordered by instant, then tags."""
    schema = SCHEMAS[measurement]
    found = database.rows(f"SELECT * FROM {measurement} WHERE ts >= ? AND ts < ?{among(numbers)}", stretch_ms)
    chosen = np.zeros(len(catalog), dtype=np.bool_)
    chosen[numbers] = True
    found = select(found, chosen[found["series"]])
    rank = _rank_by_tags(catalog, numbers, len(schema.tags))
    found = select(found, np.lexsort((rank[found["series"]], found["ts"])))
    absent, blank = np.full(len(found["ts"]), np.nan), np.full(len(found["ts"]), "", dtype=object)
    return RollUp(
        measurement,
        found["ts"],
        {name: catalog.tag(found["series"], place) for place, name in enumerate(schema.tags)},
        {name: filled(found.get(name, absent)) for name in schema.floats},
        {name: written(found.get(name, blank)) for name in schema.texts},
    )


def _rank_by_tags(catalog: Catalog, numbers: Ints, tags: int) -> Ints:
    """Return the place of each series in the order of its tags, int64 (series,); of others it says nothing."""
    rank = np.empty(len(catalog), dtype=np.int64)
    columns = [catalog.tag(numbers, place).astype(str) for place in range(tags)]
    rank[numbers[np.lexsort(columns[::-1])]] = np.arange(len(numbers))
    return rank
