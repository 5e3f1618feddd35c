"""A kept snapshot is the same as one loaded anew, and reads only what is new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from consolekit import NOW, Site, open_site

from dashboards.snapshot import JudgingRules, SnapshotKeeper, load_snapshot
from heating.instants import to_ms
from heating.measurement import SCHEMAS, Measurement, RollUp

MINUTE = timedelta(minutes=1)


@dataclass
class Counting:
    """A store that notes how long a time is read."""

    store: Any
    spans: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def rollup(self, measurement: Measurement, start_ms: int, end_ms: int) -> RollUp:
        self.spans.append(end_ms - start_ms)
        found: RollUp = self.store.rollup(measurement, start_ms, end_ms)
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def judge(site: Site, point: str, status: str, at: datetime) -> None:
    schema = SCHEMAS[Measurement.HOME_STATUS]
    tags = {name: np.array([point if name == "point" else "x"], dtype=object) for name in schema.tags}
    floats = {name: np.array([15.5]) for name in schema.floats}
    texts = {"status": np.array([status], dtype=object)}
    site.store.write_rollup(RollUp(Measurement.HOME_STATUS, np.array([to_ms(at)]), tags, floats, texts))


def test_what_was_read_is_kept_and_only_news_are_read(site: Site) -> None:
    store, rules = Counting(site.store), JudgingRules()
    keeper = SnapshotKeeper(store, site.ledger, rules)  # type: ignore[arg-type]
    before = keeper.load(NOW)
    point = next(home.point_id for home in before.homes if home.status == "ok")
    judge(site, point, "cold", NOW + MINUTE)
    store.spans.clear()
    now = NOW + 2 * MINUTE
    kept, anew = keeper.load(now), load_snapshot(site.store, site.ledger, now, rules)
    assert kept.home_by_id == anew.home_by_id
    assert kept.home_by_id[kept.register.by_id[point].home_id].status == "cold"
    assert {area.id: area for area in kept.buildings} == {area.id: area for area in anew.buildings}
    assert min(store.spans) < timedelta(minutes=10) / timedelta(milliseconds=1)


def test_the_rest_of_a_sweep_that_was_read_half_way_is_read_later(site: Site) -> None:
    keeper = SnapshotKeeper(site.store, site.ledger, JudgingRules())
    homes = [home for home in keeper.load(NOW).homes if home.status == "ok" and len(home.points) == 1][:2]
    for home in homes:
        judge(site, home.point_id, "cold", NOW + MINUTE)
        assert keeper.load(NOW + MINUTE).home_by_id[home.home].status == "cold"


@pytest.mark.parametrize("step", [timedelta(hours=4), timedelta(hours=-1)], ids=["pause", "clock set back"])
def test_rows_of_another_time_are_no_statement_about_now(site: Site, step: timedelta) -> None:
    keeper = SnapshotKeeper(site.store, site.ledger, JudgingRules())
    keeper.load(NOW)
    anew = load_snapshot(site.store, site.ledger, NOW + step, JudgingRules())
    assert keeper.load(NOW + step).home_by_id == anew.home_by_id
