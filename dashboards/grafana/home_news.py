"""Which homes are worth a look for `home_now`: a large site has few news a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboards.grafana.home_rows import home_now, places_in_building
from dashboards.grafana.rows import HEARTBEAT, Row
from dashboards.homes import JUDGED, HomeRow
from dashboards.snapshot import Snapshot
from heating.instants import to_ms
from heating.register import Register


@dataclass(frozen=True, slots=True)
class _Seen:
    """A home as a row was made of it, with the newest temperature of its point [°C]."""

    home: HomeRow
    temperature_c: float | None


class HomeNews:
    """Lets homes pass that are not as they were seen last, and those without a row for an hour."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._written_ms: dict[str, int] = {}
        self._columns: tuple[Register, dict[str, str]] | None = None
        self._beat_ms = int(HEARTBEAT.total_seconds() * 1000)

    def of(self, snapshot: Snapshot, temperature_c: Mapping[str, float]) -> list[_Seen]:
        """Return the homes to make rows of; `temperature_c` has the newest reading of each point [°C]."""
        if self._columns is None or self._columns[0] is not snapshot.register:
            self._columns = (snapshot.register, places_in_building(snapshot.homes))
            self._seen.clear()
        at_ms = to_ms(snapshot.at)
        news = []
        for home in snapshot.homes:
            fresh = temperature_c.get(home.point_id) if home.status in JUDGED else None
            seen = _Seen(home, fresh)
            written = self._written_ms.get(home.home)
            if written is None or at_ms - written >= self._beat_ms or self._seen.get(home.home) != seen:
                news.append(seen)
        return news

    def rows(self, news: Iterable[_Seen], at: datetime) -> Iterator[Row]:
        """Yield the rows of homes that passed."""
        columns = self._columns[1] if self._columns else {}
        news = list(news)
        fresh = {one.home.point_id: one.temperature_c for one in news if one.temperature_c is not None}
        return home_now([one.home for one in news], columns, fresh, at)

    def written(self, news: Iterable[_Seen], rows: Iterable[Row]) -> None:
        """Note what the store has taken, of the homes that passed."""
        self._seen |= {one.home.home: one for one in news}
        self._written_ms |= {str(row.cells["home"]): row.ts_ms for row in rows}
