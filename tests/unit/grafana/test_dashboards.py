"""Dashboards as data: names of the schema, core panels, words in both languages, the same bytes every time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from collector.payloads.message import Reason, Silence
from dashboards.grafana.board import SCHEMA_VERSION, Dashboard, Site
from dashboards.grafana.build import build, dashboards_of, files
from dashboards.grafana.provisioning import Source, file_secret
from dashboards.grafana.words import GRAFANA_WORDS, speaker
from dashboards.reasons import REASON_WORDS
from heating.measurement import SCHEMAS, Measurement
from heating.words import Language

ZONE = ZoneInfo("Asia/Shanghai")
SOURCE = Source(url="http://influxdb:8086", database="heat", token=file_secret("/run/secrets/grafana_influx"))
CORE = {"stat", "timeseries", "table", "state-timeline", "heatmap"}
TRANSFORMATIONS = {"sortBy", "limit", "organize", "groupingToMatrix", "joinByField", "convertFieldType", "merge"}


def site(language: Language = Language.ZH) -> Site:
    return Site("试验站", ZONE, speaker(language))


BOARDS = dashboards_of(site())


def queries(board: Dashboard) -> list[str]:
    body = board.to_json(site())
    targets = [target["query"] for panel in body["panels"] for target in panel["targets"]]
    variables = [variable["query"] for variable in body["templating"]["list"]]
    return targets + variables + [annotation["query"] for annotation in body["annotations"]["list"]]


def test_there_is_a_dashboard_for_each_place_and_duty() -> None:
    assert [board.uid.removeprefix("heatwatch-") for board in BOARDS] == [
        "control",
        "station",
        "building",
        "home",
        "data",
        "service",
    ]


@pytest.mark.parametrize("query", [q for board in BOARDS for q in queries(board)])
def test_queries_use_names_of_the_schema(query: str) -> None:
    measurements = [Measurement(name) for name in re.findall(r'FROM "(\w+)"', query)]
    assert measurements
    known = {name for m in measurements for name in (*SCHEMAS[m].tags, *SCHEMAS[m].fields, m.value)}
    made = set(re.findall(r'AS "(\w+)"', query))
    assert set(re.findall(r'"(\w+)"', query)) <= known | made


@pytest.mark.parametrize("query", [q for board in BOARDS for q in queries(board)])
def test_queries_run_on_every_generation_of_influxdb(query: str) -> None:
    assert not re.search(r"=~|!~|\bINTO\b|CONTINUOUS|SAMPLE\(", query, re.IGNORECASE)
    assert query.startswith("SHOW TAG VALUES") or "$timeFilter" in query or "time > now() - " in query


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_only_core_panels_in_the_schema_of_the_oldest_grafana(board: Dashboard) -> None:
    body = board.to_json(site())
    assert body["schemaVersion"] == SCHEMA_VERSION == 39
    assert body["timezone"] == "Asia/Shanghai"
    assert {panel["type"] for panel in body["panels"]} <= CORE
    used = {t["id"] for panel in body["panels"] for t in panel["transformations"]}
    assert used <= TRANSFORMATIONS
    assert len({panel["id"] for panel in body["panels"]}) == len(body["panels"])


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_do_not_overlap(board: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board.panels:
        x, y, width, height = panel.at
        assert x + width <= 24
        cells = {(i, j) for i in range(x, x + width) for j in range(y, y + height)}
        assert not cells & taken, panel.title
        taken |= cells


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_colour_is_always_a_word_or_a_sign_too(board: Dashboard) -> None:
    for panel in board.to_json(site())["panels"]:
        for mapping in _mappings(panel):
            for result in _results(mapping):
                assert "color" not in result or result["text"].strip(), panel["title"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_links_lead_to_dashboards_and_set_their_variables(board: Dashboard) -> None:
    variables = {b.uid: {v.name for v in b.variables} for b in BOARDS}
    for panel in board.to_json(site())["panels"]:
        columns = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
        for url in _links(panel):
            uid = re.match(r"/d/([^?]+)\?", url)
            assert uid, url
            # The board of a place is a column: the link sets what the lowest of them has.
            lowest = "heatwatch-home" if '"board"' in uid[1] else uid[1]
            assert set(re.findall(r"var-(\w+)=", url)) <= variables[lowest]
            assert set(re.findall(r'__data\.fields\["(\w+)"\]', url)) <= columns


@pytest.mark.parametrize("language", Language)
def test_columns_of_a_table_have_titles_of_their_own(language: Language) -> None:
    """Grafana shows one column's values in all columns of the same title."""
    for board in dashboards_of(site(language)):
        for panel in board.panels:
            titles = [o.properties["displayName"] for o in panel.overrides if "displayName" in o.properties]
            assert len(titles) == len(set(titles)), (board.title, panel.title, titles)


def test_every_word_is_said_in_both_languages() -> None:
    chinese, english = (json.dumps(_texts(language), ensure_ascii=False) for language in Language)
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert not re.search(r"[\u4e00-\u9fff]", english)


def test_no_key_is_left_without_a_word() -> None:
    asked: set[str] = set()

    def say(key: str) -> str:
        asked.add(key)
        return speaker(Language.ZH)(key)

    list(files(Site("试验站", ZONE, say), SOURCE, "/d"))
    assert {key for key in asked if speaker(Language.ZH)(key) == key} == set()
    assert not GRAFANA_WORDS.keys() - asked, "words that nobody says"


def test_every_reason_of_the_collector_has_a_word() -> None:
    assert set(REASON_WORDS) == {reason.value for reason in (*Reason, *Silence)}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        build(tmp_path / folder, site(), SOURCE, "/var/lib/heatwatch/dashboards")
    first, second = (sorted((tmp_path / folder).rglob("*.*")) for folder in ("a", "b"))
    assert [f.relative_to(tmp_path / "a") for f in first] == [f.relative_to(tmp_path / "b") for f in second]
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_provisioning_is_yaml_that_names_secrets_but_holds_none() -> None:
    found = {name: yaml.safe_load(text) for name, text in files(site(), SOURCE, "/d") if name.endswith(".yaml")}
    source = found["provisioning/datasources/heatwatch.yaml"]["datasources"][0]
    assert (source["uid"], source["name"], source["type"]) == ("heatwatch", "heatwatch", "influxdb")
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token $__file{/run/secrets/grafana_influx}"}
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    provider = found["provisioning/dashboards/heatwatch.yaml"]["providers"][0]
    assert provider["options"]["path"] == "/d"


def test_rules_are_six_and_leave_policies_and_contacts_alone() -> None:
    text = dict(files(site(), SOURCE, "/d"))["provisioning/alerting/heatwatch.yaml"]
    found = yaml.safe_load(text)
    assert set(found) == {"apiVersion", "groups"}
    rules = found["groups"][0]["rules"]
    assert len(rules) == 6
    assert [rule["uid"] for rule in rules if rule["labels"]["severity"] == "warning"] == ["heatwatch-quarantine"]
    # Where nothing comes any more, one of them says so.
    assert [rule["noDataState"] for rule in rules] == ["Alerting", "OK", "OK", "OK", "OK", "OK"]
    assert all(rule["execErrState"] == rule["noDataState"] for rule in rules)
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in rules)
    # Grafana takes the model of a query as it stands: here a dollar is not doubled.
    assert "$$" not in text


def test_accounts_of_1x_come_from_a_file() -> None:
    source = Source(url="http://i:8086", database="heat", user="grafana", password=file_secret("/run/secrets/influx"))
    text = dict(files(site(), source, "/d"))["provisioning/datasources/heatwatch.yaml"]
    found = yaml.safe_load(text)["datasources"][0]
    assert found["user"] == "grafana"
    assert found["secureJsonData"] == {"password": "$__file{/run/secrets/influx}"}


def _mappings(panel: dict[str, Any]) -> list[dict[str, Any]]:
    config = panel["fieldConfig"]
    properties = [p for o in config["overrides"] for p in o["properties"] if p["id"] == "mappings"]
    return [*config["defaults"].get("mappings", []), *(m for p in properties for m in p["value"])]


def _results(mapping: dict[str, Any]) -> list[dict[str, Any]]:
    options = mapping["options"]
    return [options["result"]] if mapping["type"] == "regex" else list(options.values())


def _links(panel: dict[str, Any]) -> list[str]:
    overrides = panel["fieldConfig"]["overrides"]
    every = [link["url"] for link in panel["fieldConfig"]["defaults"].get("links", [])]
    return every + [u["url"] for o in overrides for p in o["properties"] if p["id"] == "links" for u in p["value"]]


def _texts(language: Language) -> list[Any]:
    return [json.loads(text) if name.endswith("json") else text for name, text in files(site(language), SOURCE, "/d")]
