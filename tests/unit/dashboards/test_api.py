"""The HTTP API over a real store and ledger (contract §9)."""

from __future__ import annotations

from collections.abc import Callable

from consolekit import CONTACT, NOW, Site
from litestar.testing import TestClient

from dashboards.console.users import Users
from heating.instants import rfc3339


def test_homes(client: TestClient) -> None:
    answer = client.get("/api/v1/homes").json()
    assert (answer["schema"], len(answer["homes"]), answer["profile"]) == (1, 288, "enterprise")
    first = answer["homes"][0]
    assert (first["home"], first["status"], first["rank"]) == ("和平站/3/1/101", "cold", 1)
    assert first["reasons"] == ["low_floor", "network_end"]
    assert first["cause"]["scope"] == "branch_end"
    assert first["order"] == "2026-0001"
    assert [h["rank"] for h in answer["homes"][:39]] == list(range(1, 40))
    assert {h["rank"] for h in answer["homes"][39:]} == {None}
    some = client.get("/api/v1/homes", params={"status": "cold", "building": "长青站/6"}).json()["homes"]
    assert len(some) == 4
    wrong = client.get("/api/v1/homes", params={"status": "icy"})
    assert wrong.status_code == 400
    assert "status: Invalid enum value 'icy'" in wrong.json()["detail"]


def test_findings(client: TestClient) -> None:
    rows = client.get("/api/v1/findings", params={"kind": "silent"}).json()["findings"]
    assert [f["id"] for f in rows] == ["F-silent"]
    before = client.get("/api/v1/findings", params={"from": "2026-12-01", "to": "2026-12-02"}).json()["findings"]
    assert before == []
    wrong = client.get("/api/v1/findings", params={"from": "yesterday"})
    assert (wrong.status_code, wrong.json()["detail"][:32]) == (400, "from: 'yesterday' is no time; gi")


def test_orders_and_their_sheet(client: TestClient) -> None:
    answer = client.get("/api/v1/orders")
    assert CONTACT.phone not in answer.text
    rows = answer.json()["orders"]
    assert [o["id"] for o in rows] == ["2026-0001", "2026-0002"]
    assert rows[0]["overdue"] is True
    assert rows[0]["possible"][0] == "contacted"
    sheet = client.get("/api/v1/orders/2026-0001").json()
    assert sheet["homes"][0]["contact"]["phone"] == sheet["contact"]["phone"] == CONTACT.phone
    assert {"unit", "address", "content", "cause", "trigger", "priority", "due", "history"} <= sheet.keys()
    assert client.get("/api/v1/orders/none").status_code == 404


def test_an_event_moves_an_order(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site) as client:
        url = "/api/v1/orders/2026-0001/events"
        answer = client.post(url, json={"kind": "contacted", "by": "王"})
        assert (answer.status_code, answer.json()["state"]) == (201, "contacted")
        assert client.post(url, json={"kind": "contacted"}).status_code == 400
        unknown = client.post(url, json={"kind": "on_site", "extra": 1})
        assert unknown.status_code == 400
        assert "unknown field `extra`" in unknown.json()["detail"]
        assert client.post("/api/v1/orders/none/events", json={"kind": "note"}).status_code == 404


def test_points_hold_no_personal_data(client: TestClient) -> None:
    answer = client.get("/api/v1/points", params={"kind": "room"})
    assert len(answer.json()["points"]) == 288
    assert CONTACT.name not in answer.text


def visit(**more: object) -> dict[str, object]:
    return {
        "point_id": "P3-1-101", "arrived_at": rfc3339(NOW), "measured_at": rfc3339(NOW), "temperature_c": 17.4,
        "height_m": 1.2, "closed_min": 30, "instrument": {"number": "T-7", "calibrated_on": "2026-10-01"},
        "resident_signed": True, "inspector_signed": True, "inspector": "赵",
    } | more  # fmt: skip


def test_a_visit_is_appended_beside_the_sensor(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site) as client:
        made = client.post("/api/v1/inspections", json=visit())
        assert made.status_code == 201
        record = made.json()
        assert record["shortcomings"] == []
        assert record["record"]["sensor_c"] == 16.6
        assert round(record["offset_k"], 6) == -0.8
        unsigned = client.post("/api/v1/inspections", json=visit(resident_signed=False)).json()
        assert unsigned["shortcomings"] == ["unsigned"]
        first = record["record"]["id"]
        assert client.post("/api/v1/inspections", json=visit(corrects=first)).status_code == 400
        assert client.post("/api/v1/inspections", json=visit(corrects="V0", correction_reason="x")).status_code == 400
        good = client.post("/api/v1/inspections", json=visit(corrects=first, correction_reason="看错读数"))
        assert good.status_code == 201
        listed = client.get("/api/v1/inspections", params={"point": "P3-1-101"}).json()["inspections"]
        assert len(listed) == 3
        assert listed[0]["record"]["temperature_c"] == 17.4
        assert own_site.ledger.chain.verify().broken_at is None


def test_a_visit_that_cannot_be_is_refused(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site) as client:
        for wrong in (
            {"point_id": "nowhere"},
            {"measured_at": "2027-01-01T00:00:00+08:00"},
            {"temperature_c": 99},
            {"phone": "13812345678"},
        ):
            assert client.post("/api/v1/inspections", json=visit(**wrong)).status_code == 400


def test_inspections_need_the_inspector(own_site: Site, users: Users, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site, users=users) as client:
        bearer = {"Authorization": "Bearer inspector:inspector"}
        made = client.post("/api/v1/inspections", json=visit(), headers=bearer)
        assert made.json()["record"]["inspector"] == "inspector"
        dispatch = {"Authorization": "Bearer dispatch:dispatch"}
        assert client.post("/api/v1/inspections", json=visit(), headers=dispatch).status_code == 403


def test_openapi_lists_the_edges_of_the_contract(client: TestClient) -> None:
    paths = client.get("/schema/openapi.json").json()["paths"]
    for path in ("homes", "findings", "orders", "orders/{order_id}/events", "points", "inspections"):
        assert f"/api/v1/{path}" in paths
    assert "/healthz" in paths
    assert "/metrics" in paths
    assert "/orders" not in paths


def test_metrics_count_answers(client: TestClient) -> None:
    client.get("/api/v1/points")
    text = client.get("/metrics").text
    assert "# TYPE heatwatch_console_requests_total counter" in text
