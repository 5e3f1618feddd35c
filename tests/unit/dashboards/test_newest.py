"""The newest readings kept in memory are those that the store would give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from consolekit import NOW, Site, open_site

from dashboards.newest import NewestReadings
from heating.instants import to_ms
from heating.reading import KindCode, Reading, ReadingTable
from heating.site import PointKind

WITHIN = timedelta(minutes=90)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def deliver(site: Site, point: str, minutes: float, value: float) -> None:
    at = to_ms(NOW + timedelta(minutes=minutes))
    row = Reading(kind=PointKind.ROOM, point_id=point, device_id=f"X{point}", ts_ms=at, temperature_c=value)
    site.store.write(ReadingTable.of([row]))
    site.ledger.journal.announce(at, at, (), NOW)


# Minutes after NOW: what each delivery is dated, in the order of arrival, and when is read.
@pytest.mark.parametrize(
    ("dated", "read"),
    [((1, 2), 3), ((-30, -5), 1), ((4,), 3), ((2,), -2), ((1,), 200)],
    ids=["in time", "late", "ahead of the clock", "clock set back", "after a pause"],
)
def test_it_is_what_the_store_says(site: Site, dated: tuple[float, ...], read: float) -> None:
    kept = NewestReadings(site.store, site.ledger, KindCode.ROOM, WITHIN)
    first = kept.read(NOW)
    point, other = str(first.point[0]), "P-new"
    for minutes in dated:
        deliver(site, point, minutes, 11.0 + minutes)
        deliver(site, other, minutes, 12.0 + minutes)
    for later in (read, read + 2):
        at = NOW + timedelta(minutes=later)
        found = kept.read(at)
        wanted = site.store.latest(KindCode.ROOM, at_ms=to_ms(at), within_ms=WITHIN // timedelta(milliseconds=1))
        assert found.point.tolist() == wanted.point.tolist()
        assert found.temperature_c.tolist() == wanted.temperature_c.tolist()
