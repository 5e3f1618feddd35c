"""All stages of a site in one place, though each is a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from consolekit import NOW, Site
from litestar.testing import TestClient

from dashboards.console.app import create_app
from dashboards.console.desk import Desk
from dashboards.console.health import SILENT, site_stages
from dashboards.words import word
from heating.errors import LedgerUnavailable
from heating.stage import Health, StageNote
from heating.words import Language

WELL = Health(alive=True, fresh=True, text="well")
BEHIND = Health(alive=True, fresh=False, text="store away")


def note(stage: str, seconds_ago: float, health: Health = WELL) -> StageNote:
    return StageNote(stage=stage, at=NOW - timedelta(seconds=seconds_ago), health=health)


def test_a_stage_is_as_it_last_said_until_it_has_been_silent_too_long() -> None:
    edge = SILENT.total_seconds()
    notes = [note("collector", 4, BEHIND), note("alerts", edge), note("analyzer", edge + 0.001)]
    shown = site_stages({}, notes, (), NOW)
    assert (shown["collector"].alive, shown["collector"].fresh, shown["collector"].age_s) == (True, False, 4.0)
    assert shown["alerts"].ok
    assert not shown["analyzer"].alive
    assert not shown["analyzer"].fresh
    assert shown["analyzer"].text.startswith("silent since ")
    assert shown["analyzer"].text.endswith("then: well")


def test_a_stage_that_said_it_ended_is_stopped_and_no_riddle() -> None:
    ended = Health(alive=False, fresh=False, text="not running")
    shown = site_stages({}, [note("alerts", 3, ended), note("analyzer", 3_600, ended)], (), NOW)
    assert {name: (stage.alive, stage.text) for name, stage in shown.items()} == {
        "alerts": (False, "not running"),
        "analyzer": (False, "not running"),
    }


def test_a_process_knows_its_own_stages_better_than_any_note() -> None:
    shown = site_stages({"console": WELL}, [note("console", 900, BEHIND)], (), NOW)
    assert shown["console"].ok
    assert shown["console"].age_s == 0


def test_a_stage_that_never_came_is_missed_and_one_long_given_up_is_not() -> None:
    shown = site_stages({}, [note("service_rows", 8 * 86_400), note("alerts", 8 * 86_400)], ("alerts",), NOW)
    assert list(shown) == ["alerts"]
    assert (shown["alerts"].alive, shown["alerts"].at, shown["alerts"].text) == (False, None, "never seen")


def test_healthz_is_of_the_process_and_tells_of_the_site(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    own_site.ledger.stages.note({"collector": WELL}, NOW - timedelta(minutes=5))
    with client_of(own_site) as client:
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert set(answer.json()["stages"]) == {"analyzer"}
        site = answer.json()["site"]
        assert site["status"] == "failing"
        assert {name: stage["alive"] for name, stage in site["stages"].items()} == {
            "collector": False,
            "analyzer": True,
        }
        assert site["stages"]["collector"]["age_s"] == 300
        assert client.get("/healthz?site=true").status_code == 503
        assert client.head("/healthz?site=true").status_code == 503
        assert client.head("/healthz").status_code == 200
        own_site.ledger.stages.note({"collector": WELL}, NOW)
        assert client.get("/healthz?site=true").status_code == 200


def test_the_overview_shows_the_stopped_stage_and_since_when(
    own_site: Site, client_of: Callable[..., TestClient]
) -> None:
    own_site.ledger.stages.note({"collector": WELL}, NOW - timedelta(minutes=5))
    with client_of(own_site) as client:
        shown = client.get("/").text
    (line,) = [line for line in shown.splitlines() if f"<b>{word('collector', Language.ZH)}</b>" in line]
    assert "h-not_alive" in line
    assert "5 分钟前" in line


def test_healthz_answers_when_the_ledger_does_not(own_site: Site, make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(own_site)

    class Away:
        def notes(self) -> list[StageNote]:
            raise LedgerUnavailable("locked")

    class Ledger:
        stages = Away()

    desk.ledger = Ledger()  # type: ignore[assignment]
    with TestClient(create_app(desk), base_url="http://127.0.0.1") as client:
        assert client.get("/healthz").status_code == 200
        assert "site" not in client.get("/healthz").json()
        assert client.get("/healthz?site=true").status_code == 503
