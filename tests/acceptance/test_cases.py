"""The rule as cases: each folder of `cases/` holds points, readings and what must be said of them (contract §6).

`expected.toml`: `at` (or `from` and `to`), site settings where they are not the defaults, then the rows of homes as far
as they are stated and all breaches (`cold_home` findings) of the points that are stated. The text `"null"` means null.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.settings import AnalyzerSettings
from heating.instants import parse_instant
from heating.readings_file import read_readings
from heating.register_file import read_register
from heating.regulation import load_profile
from heating.site import Outage, SubjectType

CASES = sorted(Path(__file__).with_name("cases").glob("*/expected.toml"))
TIMES = ("since", "measured_at", "start", "end", "confirmed_at")


@dataclass(frozen=True)
class RuleCase:
    folder: Path
    expected: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.expected.get("timezone", "Asia/Shanghai"))

    def instant(self, text: str) -> datetime:
        return parse_instant(text, self.zone)

    def outages(self) -> tuple[Outage, ...]:
        return tuple(
            Outage(
                outage_id=str(number),
                subject_type=SubjectType(row["subject_type"]),
                subject_id=row["subject_id"],
                start=self.instant(row["start"]),
                end=self.instant(row["end"]) if "end" in row else None,
                reason=row["reason"],
            )
            for number, row in enumerate(self.expected.get("outages", []))
        )

    def said(self) -> dict[str, Any]:
        """What `analyze --json` says of the case."""
        register = read_register(self.folder / "points.csv", self.zone)
        register.require_good()
        readings = read_readings(self.folder / "readings.csv", register.register(), self.zone).table
        estate = Estate(register.register())
        rules = Rules(
            settings=msgspec.convert(self.expected.get("analyzer", {}), AnalyzerSettings),
            enterprise=load_profile("enterprise"),
            legal=load_profile("tianjin"),
            zone=self.zone,
            seasons=tuple((row["from"], row["to"]) for row in self.expected.get("seasons", [])),
            outages=self.outages(),
        )
        if "at" in self.expected:
            span = Span(None, self.instant(self.expected["at"]))
        else:
            span = Span(self.instant(self.expected["from"]), self.instant(self.expected["to"]))
        analysis = analyze(estate, rules, Observations.of_table(estate, readings), span)
        return dict(msgspec.json.decode(msgspec.json.encode(analysis)))

    def plain(self, row: dict[str, Any]) -> dict[str, Any]:
        """A stated row with instants comparable and nulls as null."""
        row = {key: None if value == "null" else value for key, value in row.items()}
        return {key: self.instant(value) if key in TIMES and value else value for key, value in row.items()}


@pytest.fixture(params=CASES, ids=[path.parent.name for path in CASES])
def case(request: pytest.FixtureRequest) -> RuleCase:
    return RuleCase(request.param.parent, tomllib.loads(request.param.read_text("utf-8")))


def test_case(case: RuleCase) -> None:
    said = case.said()
    homes = {row["point_id"]: case.plain(row) for row in said["homes"]}
    for row in case.expected.get("homes", []):
        wanted = case.plain(row)
        assert {key: homes[wanted["point_id"]][key] for key in wanted} == wanted
    stated: dict[str, list[dict[str, Any]]] = {}
    for row in case.expected.get("breaches", []):
        stated.setdefault(row["point"], [])
        if not row.get("none"):
            keys = ("start", "end", "confirmed_at", "ended_by")
            stated[row["point"]].append(case.plain({key: row.get(key) for key in keys}))
    for point, wanted_rows in stated.items():
        assert breaches_of(case, said, point) == wanted_rows, point
    assert said["schema"] == 1


def breaches_of(case: RuleCase, said: dict[str, Any], point: str) -> list[dict[str, Any]]:
    mine = [f for f in said["findings"] if f["kind"] == "cold_home" and f["subject"]["id"] == point]
    for finding in mine:
        assert finding["confirmed"] == (finding["confirmed_at"] is not None)
    return [case.plain({key: f[key] for key in ("start", "end", "confirmed_at", "ended_by")}) for f in mine]
