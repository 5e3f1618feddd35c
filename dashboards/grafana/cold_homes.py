"""The list of cold homes as a series of its own: asking sixteen thousand homes which of them are cold takes seconds."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.grafana.rows import Row
from heating.measurement import SCHEMAS, Measurement, RollUp

_NAMES = (*SCHEMAS[Measurement.COLD_HOME].tags, *SCHEMAS[Measurement.COLD_HOME].fields)


class ColdHomes:
    """Picks of the rows of homes those of the cold ones, and the first of each that is cold no more.

    `lately` are the rows of the last hours: who was cold when somebody last wrote.
    """

    def __init__(self, lately: RollUp) -> None:
        # Rows come in the order of time: the last one of a home stands.
        urgency = zip(lately.tags["home"].tolist(), lately.floats["urgency"].tolist(), strict=True)
        self._cold = {home for home, value in dict(urgency).items() if value > 0}

    def of(self, homes: Iterable[Row]) -> list[Row]:
        """Return the rows for the list."""
        return [
            Row(row.ts_ms, {name: row.cells[name] for name in _NAMES})
            for row in homes
            if _is_cold(row) or row.cells["home"] in self._cold
        ]

    def written(self, rows: Iterable[Row]) -> None:
        """Note what the store has taken."""
        for row in rows:
            (self._cold.add if _is_cold(row) else self._cold.discard)(str(row.cells["home"]))


def _is_cold(row: Row) -> bool:
    return float(row.cells["urgency"] or 0.0) > 0
