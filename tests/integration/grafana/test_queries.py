"""Every query of every panel against a real InfluxDB that the simulated estate has filled through the real pipeline."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from grafanakit import SITE, ZONE, Plan, Play
from peers.influxd import influxd

from dashboards.grafana.board import CHAIN, Site
from dashboards.grafana.build import dashboards_of
from dashboards.grafana.provisioning import alerting
from dashboards.grafana.words import speaker
from heating.instants import local_midnight, to_ms
from heating.ledger import open_ledger
from heating.store import open_store
from heating.words import Language

pytestmark = [pytest.mark.influx, pytest.mark.integration]

PLAN = Plan(homes=60, hours=9.0)
BOARDS = {board.uid: board for board in dashboards_of(Site(SITE, ZONE, speaker(Language.ZH)))}
CASES = [
    pytest.param(uid, number, id=f"{uid}-{number}-{panel.title}")
    for uid, board in BOARDS.items()
    for number, panel in enumerate(board.panels)
]
# What may be empty although all is well: packets wait in a process that is not played, and few readings have marks.
MAY_BE_EMPTY = {"waiting", "quality"}


@dataclass(frozen=True)
class Server:
    """A filled database, with what a person would have chosen at the head of the dashboards."""

    port: int
    chosen: dict[str, str]

    def series(self, query: str) -> list[dict[str, Any]]:
        parameters = urllib.parse.urlencode({"db": "heat", "epoch": "ms", "q": query})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/query?{parameters}", timeout=30) as answer:
            result = json.load(answer)["results"][0]
        assert "error" not in result, (query, result)
        return list(result.get("series", []))

    def ask(self, query: str, since: datetime) -> list[dict[str, Any]]:
        span = f"time >= {to_ms(since)}ms and time <= {to_ms(PLAN.end)}ms"
        text = query.replace("$timeFilter", span).replace("$__interval", "10m")
        return self.series(re.sub(r"\$\{(\w+):raw\}", lambda found: self.chosen[found[1]], text))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("grafana")
    with influxd(folder / "influx") as process:
        store = open_store(process.url(), role="owner", token=None)
        ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        try:
            Play(store, ledger, folder, PLAN).run()
            empty = Server(process.port, {})
            yield Server(process.port, _choose(empty))
        finally:
            store.close()
            ledger.close()


def _choose(server: Server) -> dict[str, str]:
    """Choose the home with the highest priority that has an order, as the variables of its dashboard offer it."""
    rows = server.series('SELECT last("urgency"), "order_no" FROM "home_now" WHERE "urgency" > 0 GROUP BY "home"')
    by_urgency = sorted(rows, key=lambda row: (row["values"][0][2] != "", row["values"][0][1]), reverse=True)
    home = by_urgency[0]["tags"]["home"]
    place = server.series(f'SELECT * FROM "point_place" WHERE "home" = \'{home}\' LIMIT 1')[0]
    row = dict(zip(place["columns"], place["values"][0], strict=True))
    chosen = {name: row[name] for name in CHAIN}
    for variable in BOARDS["heatwatch-building"].variables:
        if variable.name == "entry":
            filled = Server(server.port, chosen)
            found = filled.ask(variable.to_json()["query"], PLAN.end)
            chosen["entry"] = found[0]["values"][0][1] if found else "none"
    return chosen


@pytest.mark.parametrize(("uid", "number"), CASES)
def test_a_panel_gets_the_columns_that_it_uses(server: Server, uid: str, number: int) -> None:
    board = BOARDS[uid]
    body = board.panels[number].to_json(1)
    since = _since(body.get("timeFrom") or board.start)
    names, empty = _fields(server, body, since)
    assert _used(body) <= names | empty, sorted(_used(body) - names)
    assert not empty - MAY_BE_EMPTY - {_alias_of(body, name) for name in MAY_BE_EMPTY}


@pytest.mark.parametrize("uid", BOARDS)
def test_a_variable_offers_what_was_chosen(server: Server, uid: str) -> None:
    for variable in BOARDS[uid].variables:
        found = server.ask(variable.to_json()["query"], PLAN.end)
        offered = {row[1] for series in found for row in series["values"]}
        assert server.chosen[variable.name] in offered | {"none"}


def test_annotations_tell_what_was_done_for_the_home(server: Server) -> None:
    annotation = BOARDS["heatwatch-home"].to_json(Site(SITE, ZONE, speaker(Language.ZH)))["annotations"]["list"][0]
    (series,) = server.ask(annotation["query"], PLAN.end - timedelta(days=2))
    event = series["columns"].index(annotation["textColumn"])
    assert {"生成"} <= {row[event] for row in series["values"]}
    assert annotation["tagsColumn"] in series["columns"]


def test_rules_on_the_pipeline_get_one_value(server: Server) -> None:
    for rule in alerting(Site(SITE, ZONE, speaker(Language.ZH)))["groups"][0]["rules"]:
        model = rule["data"][0]["model"]
        since = PLAN.end - timedelta(seconds=rule["data"][0]["relativeTimeRange"]["from"])
        (series,) = server.ask(model["query"], since)
        assert series["columns"] == ["time", "value"]
        assert isinstance(series["values"][0][1], (int, float))


def test_the_list_by_priority_is_that_of_the_console(server: Server) -> None:
    panel = next(p for p in BOARDS["heatwatch-control"].panels if p.targets[0].query.count('"urgency" > 0'))
    (series,) = server.ask(panel.targets[0].query, PLAN.end - timedelta(minutes=75))
    rows = [dict(zip(series["columns"], row, strict=True)) for row in series["values"]]
    assert {row["cell"].split()[0] for row in rows} <= {"cold", "confirmed"}
    (cold,) = server.series('SELECT last("cold") FROM "site_status"')
    assert len(rows) == cold["values"][0][1]


def _fields(server: Server, body: dict[str, Any], since: datetime) -> tuple[set[str], set[str]]:
    """Return the names of the fields as Grafana has them, and those of queries that gave nothing."""
    names: set[str] = set()
    empty: set[str] = set()
    for target in body["targets"]:
        found = server.ask(target["query"], since)
        if target["resultFormat"] == "table":
            selected = {name if name != "time" else "Time" for series in found for name in series["columns"]}
            names |= selected
            if not found:
                empty |= {re.findall(r'"(\w+)"', target["query"])[0]}
        elif found:
            names |= {_line(target["alias"], series) for series in found}
        else:
            empty |= {target["alias"]}
    return names, empty


def _line(alias: str, series: dict[str, Any]) -> str:
    return re.sub(r"\$tag_(\w+)", lambda found: str(series["tags"][found[1]]), alias)


def _alias_of(body: dict[str, Any], field: str) -> str:
    return next((t.get("alias", "") for t in body["targets"] if f'"{field}"' in t["query"]), "")


def _used(body: dict[str, Any]) -> set[str]:
    """Return the names of fields that transformations and overrides speak of."""
    used = {o["matcher"]["options"] for o in body["fieldConfig"]["overrides"]}
    for transformation in body["transformations"]:
        options = transformation["options"]
        match transformation["id"]:
            case "organize":
                used |= set(options["indexByName"])
            case "sortBy" if "\\" not in options["sort"][0]["field"]:
                used |= {one["field"] for one in options["sort"]}
            case "groupingToMatrix":
                used |= {options["columnField"], options["rowField"], options["valueField"]}
                # The first column of a matrix is named by both.
                used -= {f"{options['rowField']}\\{options['columnField']}"}
    return used


def _since(text: str) -> datetime:
    if text == "now/d":
        return local_midnight(PLAN.end.astimezone(ZONE).date(), ZONE)
    number, unit = re.fullmatch(r"(?:now-)?(\d+)([mhd])", text).groups()  # type: ignore[union-attr]
    return PLAN.end - int(number) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[unit]
