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
# What may be blank although all is well: packets wait in a process that is not played, few readings have marks, and
# the ways of orders and findings end at the place that they are about.
MAY_BE_BLANK = {"waiting", "quality", "branch", "building", "home"}


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
        text = query.replace("$timeFilter", span).replace("$__interval", "10m").replace("now()", f"{to_ms(PLAN.end)}ms")
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
    body = BOARDS[uid].panels[number].to_json(1)
    assert complaints(server, body, BOARDS[uid].start) == set()


def test_a_panel_that_lacks_a_column_or_a_row_would_be_found(server: Server) -> None:
    """A column that is never written comes as nulls, a wrong condition as no rows: neither may pass."""
    board = BOARDS["heatwatch-control"]
    panel = next(p for p in board.panels if '"urgency" > 0' in p.targets[0].query)
    for right, wrong, found in (
        ('"deficit_k"', '"deficit"', "deficit_k"),
        ('"cause" AS "cause"', '"no_such" AS "cause"', "cause"),
        ('"urgency" > 0', '"urgency" > 9000', "no row"),
        ('FROM "cold_home"', 'FROM "no_such"', "no row"),
    ):
        body = panel.to_json(1)
        query = body["targets"][0]["query"]
        broken = query.replace(right, wrong) if right in query else query.replace('"cause"', '"no_such" AS "cause"', 1)
        assert broken != query
        body["targets"][0]["query"] = broken
        assert any(found in complaint for complaint in complaints(server, body, board.start)), (right, wrong)


@pytest.mark.parametrize("uid", BOARDS)
def test_a_variable_offers_what_was_chosen(server: Server, uid: str) -> None:
    for variable in BOARDS[uid].variables:
        body = variable.to_json()
        found = server.ask(body["query"], PLAN.end)
        offered = {_value(body["regex"], row[1]) for series in found for row in series["values"]}
        assert server.chosen[variable.name] in offered | {"none"}


def test_a_cell_of_the_grid_leads_to_the_home_that_stands_there(server: Server) -> None:
    (variable,) = (v.to_json() for v in BOARDS["heatwatch-home"].variables if v.name == "home")
    spots = {
        row[1].split("|")[0]: _value(variable["regex"], row[1])
        for row in _rows(server.ask(variable["query"], PLAN.end))
    }
    homes = _rows(
        server.series(
            'SELECT last("urgency"), "storey", "place" FROM "home_now" '
            f'WHERE "building" = \'{server.chosen["building"]}\' GROUP BY "home"'
        ),
        tag="home",
    )
    assert homes
    for _, _, storey, place, home in homes:
        assert spots[f"{storey:.0f}F {place}"] == home


def test_the_grid_of_a_building_has_every_storey(server: Server) -> None:
    grid = next(p for p in BOARDS["heatwatch-building"].panels if any("empty_storey" in t.query for t in p.targets))
    bare = server.series('SELECT last("storey") FROM "empty_storey" GROUP BY "station", "branch", "building"')
    there = Server(server.port, server.chosen | bare[0]["tags"])
    shown = [row[1] for target in grid.targets for row in _rows(there.ask(target.query, PLAN.end - timedelta(hours=1)))]
    assert set(shown) == set(range(int(min(shown)), int(max(shown)) + 1)) - {0}


def test_annotations_tell_what_was_done_for_the_home(server: Server) -> None:
    annotation = BOARDS["heatwatch-home"].to_json(Site(SITE, ZONE, speaker(Language.ZH)))["annotations"]["list"][0]
    (series,) = server.ask(annotation["query"], PLAN.end - timedelta(days=2))
    event = series["columns"].index(annotation["textColumn"])
    assert {"生成"} <= {row[event] for row in series["values"]}
    assert annotation["tagsColumn"] in series["columns"]


def test_losses_are_marked_from_when_to_when(server: Server) -> None:
    annotation = BOARDS["heatwatch-data"].to_json(Site(SITE, ZONE, speaker(Language.ZH)))["annotations"]["list"][0]
    (series,) = server.ask(annotation["query"], PLAN.end - timedelta(hours=24))
    rows = [dict(zip(series["columns"], row, strict=True)) for row in series["values"]]
    assert [row["what"] for row in rows] == ["queue", "session"]
    assert [row[annotation["timeEndColumn"]] - row["time"] for row in rows] == [600_000, 0]  # three drops are one loss
    assert "丢弃 240 条报文" in rows[0][annotation["textColumn"]]
    assert {annotation[name] for name in ("textColumn", "timeEndColumn", "tagsColumn")} <= set(series["columns"])


def test_rules_on_the_pipeline_get_one_value(server: Server) -> None:
    for rule in alerting(Site(SITE, ZONE, speaker(Language.ZH)))["groups"][0]["rules"]:
        queries = [part for part in rule["data"] if part["datasourceUid"] == "heatwatch"]
        assert {part["refId"].replace("Q", "$N") for part in queries} == set(
            re.findall(r"\$N\d", rule["data"][-1]["model"]["expression"])
        )
        for part in queries:
            since = PLAN.end - timedelta(seconds=part["relativeTimeRange"]["from"])
            (series,) = server.ask(part["model"]["query"], since)
            assert series["columns"] == ["time", "value"]
            assert isinstance(series["values"][0][1], (int, float))


def test_the_list_by_priority_is_that_of_the_console(server: Server) -> None:
    panel = next(p for p in BOARDS["heatwatch-control"].panels if p.targets[0].query.count('"urgency" > 0'))
    (series,) = server.ask(panel.targets[0].query, PLAN.end - timedelta(minutes=75))
    rows = [dict(zip(series["columns"], row, strict=True)) for row in series["values"]]
    assert {row["cell"].split()[0] for row in rows} <= {"cold", "confirmed"}
    (cold,) = server.series('SELECT last("cold") FROM "site_status"')
    assert len(rows) == cold["values"][0][1]


def complaints(server: Server, body: dict[str, Any], start: str) -> set[str]:
    """Return what a panel uses and does not get: queries without a row, columns without a value."""
    since = _since(body.get("timeFrom") or start)
    may_be_blank = MAY_BE_BLANK | {_alias_of(body, name) for name in MAY_BE_BLANK}
    names: set[str] = set()
    wrong: set[str] = set()
    for target in body["targets"]:
        found = server.ask(target["query"], since)
        if target["resultFormat"] == "table":
            names |= {name if name != "time" else "Time" for series in found for name in _filled(series)}
        else:
            names |= {_line(target["alias"], series) for series in found if len(_filled(series)) > 1}
        if not any(series["values"] for series in found) and target.get("alias") not in may_be_blank:
            wrong.add(f"no row: {target['query']}")
    return wrong | {f"no value: {name}" for name in _used(body) - names - may_be_blank}


def _filled(series: dict[str, Any]) -> set[str]:
    """Return the columns with a value in a row at least; InfluxQL gives nulls for what nobody ever wrote."""
    columns = zip(series["columns"], zip(*series["values"], strict=True), strict=True)
    return {name for name, values in columns if any(value is not None for value in values)}


def _rows(found: list[dict[str, Any]], tag: str = "") -> list[tuple[Any, ...]]:
    return [(*row, series["tags"][tag]) if tag else tuple(row) for series in found for row in series["values"]]


def _value(regex: str, offered: str) -> str:
    """Return the value of a choice, as Grafana takes it out of a row."""
    if not regex:
        return offered
    found = re.search(regex.strip("/").replace("(?<", "(?P<"), offered)
    assert found
    return found["value"]


def _line(alias: str, series: dict[str, Any]) -> str:
    return re.sub(r"\$tag_(\w+)", lambda found: str(series["tags"][found[1]]), alias)


def _alias_of(body: dict[str, Any], field: str) -> str:
    return next((t.get("alias", "") for t in body["targets"] if f'"{field}"' in t["query"]), "")


def _used(body: dict[str, Any]) -> set[str]:
    """Return the names of fields that transformations and overrides speak of."""
    used = {o["matcher"]["options"] for o in body["fieldConfig"]["overrides"]}
    one = body["options"].get("reduceOptions", {}).get("fields", "")
    used |= {one.strip("/^$")} - {""}
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
    today = PLAN.end.astimezone(ZONE).date()
    if text in ("now/d", "now/M"):
        return local_midnight(today if text == "now/d" else today.replace(day=1), ZONE)
    number, unit = re.fullmatch(r"(?:now-)?(\d+)([mhd])", text).groups()  # type: ignore[union-attr]
    return PLAN.end - int(number) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[unit]
