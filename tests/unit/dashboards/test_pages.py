"""The pages over a real store and ledger."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import msgspec
import pytest
from consolekit import CONTACT, NOW, Site
from litestar.testing import TestClient

from dashboards.console.users import Users
from heating.device_clock import ClockState, DeviceClock
from heating.ledger.port import ClockRecord, Stranger
from heating.loss import LOSS, Loss
from heating.stage import Health

PAGES = (
    "/",
    "/buildings",
    "/building?id=和平站/3",
    "/home?id=和平站/3/1/101",
    "/findings",
    "/orders",
    "/devices",
    "/papers",
)


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_the_overview_says_what_is_cold_and_why(client: TestClient) -> None:
    shown = text_of(client.get("/").text)
    assert "低温用户 39 其中已确认 39" in shown
    assert "无数据用户 1 数据存疑 1 · 免判 1" in shown
    assert "监测用户 288 达标 246" in shown
    assert "室温合格率 86.3 % 按传感器读数，非签字记录" in shown
    assert "在办调度单 2 超时 2" in shown
    assert re.search(r"1 ▼ 低温 已确认 和平站 3号楼 1单元 101室", shown)
    assert "水平失调 支线 和平站 / 东支线 支线末端（管网侧） · 35 支线末端（管网侧） 35 12-15 06:00" in shown
    assert "垂直失调 立管 长青站 / 6 / 2 立管（管网侧） · 4 立管（管网侧） 4" in shown
    assert "设备失联 和平站 1号楼 2单元 401室 传感器（数据侧）" in shown


def test_the_grid_has_one_cell_a_home_with_sign_and_word(client: TestClient) -> None:
    html = client.get("/building", params={"id": "和平站/4"}).text
    cells = re.findall(r'<td class="cell s-(\w+)[^"]*" data-home="([^"]+)">(.*?)</td>', html, re.S)
    assert len(cells) == 36
    by_home = {home: (state, text_of(inner)) for state, home, inner in cells}
    assert by_home["和平站/4/1/302"][0] == "suspect"
    assert "! " in by_home["和平站/4/1/302"][1]
    assert "数据存疑" in by_home["和平站/4/1/302"][1]
    assert all("限值 18.0" in shown for _, shown in by_home.values())


def test_the_home_page_draws_breach_and_floor(client: TestClient) -> None:
    html = client.get("/home", params={"id": "和平站/3/1/101"}).text
    assert '<rect class="breach"' in html
    assert re.search(r'<path class="temperature" d="M44', html)
    assert re.search(r'<path class="floorline" d="M44[^"]*V?', html)
    assert "16.6" in html
    silent = client.get("/home", params={"id": "和平站/1/2/401"}).text
    assert '<rect class="gap"' in silent
    assert "设备失联" in silent


@pytest.mark.parametrize("page", PAGES)
def test_no_page_but_the_order_sheet_holds_personal_data(client: TestClient, page: str) -> None:
    html = client.get(page).text
    assert not any(part in html for part in (CONTACT.name, CONTACT.phone, CONTACT.address))
    sheet = client.get("/orders/2026-0001").text
    assert all(part in sheet for part in (CONTACT.name, CONTACT.phone, CONTACT.address))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_also_english_and_loads_nothing_from_elsewhere(client: TestClient, page: str) -> None:
    html = client.get(page, params={"lang": "en"} if "?" not in page else None).text
    if "?" not in page:
        assert '<html lang="en">' in html
        assert "Work orders" in html
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', html)
    assert "<style" not in html
    assert " style=" not in html


def test_the_language_asked_for_is_remembered(client: TestClient) -> None:
    assert '<html lang="zh-CN">' in client.get("/").text
    client.get("/", params={"lang": "en"})
    assert '<html lang="en">' in client.get("/orders").text
    assert '<html lang="zh-CN">' in client.get("/", params={"lang": "zh-CN"}).text


def test_names_from_the_register_are_escaped(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    evil = own_site.points[0]
    renamed = type(evil)(
        point_id="X", station="<script>alert(1)</script>", building="1", unit="1", floor=1, room="<b>", device_id="DX"
    )
    own_site.ledger.places.import_register([*own_site.points, renamed], {}, own_site.ledger.places.outages()[0].start)
    with client_of(own_site) as client:
        for page in ("/buildings", "/findings", "/"):
            assert "<script>alert" not in client.get(page).text


def test_unknown_things_are_404_in_the_readers_language(client: TestClient) -> None:
    for path in ("/home?id=nobody", "/building?id=nowhere", "/orders/none", "/nothing", "/papers/none"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "没有这个页面或对象" in answer.text


def test_a_step_is_recorded_from_the_form(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site) as client:
        form = {"kind": "contacted", "text": "约18点上门", "by": "李值班"}
        answer = client.post("/orders/2026-0001/events", data=form, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/orders/2026-0001")
        shown = text_of(client.get("/orders/2026-0001").text)
        assert "已联系 李值班 — 约18点上门" in shown
        refused = client.post("/orders/2026-0001/events", data={"kind": "closed"})
        assert refused.status_code == 409
        assert "closed is not possible" in refused.text
        no_reason = client.post("/orders/2026-0001/events", data={"kind": "paused"})
        assert no_reason.status_code == 409


def test_a_post_from_another_site_is_refused(own_site: Site, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site) as client:
        for headers in (
            {"Origin": "http://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9"},
        ):
            answer = client.post("/orders/2026-0001/events", data={"kind": "contacted"}, headers=headers)
            assert answer.status_code == 403
        order = own_site.ledger.orders.get("2026-0001")
        assert order is not None
        assert order.state == "issued"
        fine = client.post(
            "/orders/2026-0001/events", data={"kind": "contacted"}, headers={"Origin": "http://127.0.0.1"},
            follow_redirects=False,
        )  # fmt: skip
        assert fine.status_code == 303


def test_without_users_only_names_of_this_machine_are_answered(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "rebound.example"}).status_code == 403
    assert client.get("/", headers={"Host": "localhost:8080"}).status_code == 200


def test_roles(own_site: Site, users: Users, client_of: Callable[..., TestClient]) -> None:
    with client_of(own_site, users=users) as client:
        assert client.get("/").status_code == 401
        assert client.get("/", auth=("dispatch", "wrong")).status_code == 401
        assert client.get("/healthz").status_code == 200
        sheet = client.get("/orders/2026-0001", auth=("control_room", "control_room"))
        assert sheet.status_code == 200
        assert CONTACT.phone not in sheet.text
        assert "张**" in sheet.text
        assert CONTACT.phone in client.get("/orders/2026-0001", auth=("inspector", "inspector")).text
        assert client.get("/papers/rounds", auth=("control_room", "control_room")).status_code == 403
        for name, wanted in (("control_room", 403), ("inspector", 403), ("dispatch", 303)):
            act = {"kind": "contacted", "by": "somebody else"}
            answer = client.post("/orders/2026-0001/events", data=act, auth=(name, name), follow_redirects=False)
            assert answer.status_code == wanted
        order = own_site.ledger.orders.get("2026-0001")
        assert order is not None
        assert order.history[-1].by == "dispatch"


def test_headers_keep_pages_to_themselves(client: TestClient) -> None:
    for path in ("/", "/nothing", "/api/v1/homes"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_stage_that_is_behind_shows_and_fails_healthz(site: Site, client_of: Callable[..., TestClient]) -> None:
    behind = Health(alive=True, fresh=False, text="last sweep 11 min ago")
    with client_of(site, health=behind) as client:
        answer = client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["stages"]["analyzer"]["text"] == "last sweep 11 min ago"
        assert "分析 滞后 last sweep 11 min ago" in text_of(client.get("/").text)


def test_the_page_of_devices_tells_wrong_clocks_gaps_and_unknown_devices(
    client_of: Callable[..., TestClient], own_site: Site
) -> None:
    client, site = client_of(own_site), own_site
    assert "没有时钟异常或缺号的设备" in text_of(client.get("/devices").text)
    point = site.point("1", "1", "101")
    assert point.device_id

    def clock(device: str, state: ClockState, skew_s: float, missing: int = 0) -> ClockRecord:
        found = DeviceClock(
            device_id=device, state=state, skew_s=skew_s, drift_s_per_day=1.5, packets=9, missing=missing, at=NOW
        )
        return ClockRecord(found)

    other = site.point("1", "1", "201").device_id or ""
    journal = site.ledger.journal
    journal.note_clocks(
        [clock(point.device_id, ClockState.LOCAL_AS_UTC, 28_790.0), clock(other, ClockState.GOOD, -3.0, missing=4)]
    )
    journal.note_clocks([clock("gone", ClockState.AHEAD, 99_999.0)])
    named = "<b>24e124136b502217</b>"
    reading = {"ts_ms": 1, "temperature_c": 19.44, "battery_v": 3.0}
    journal.note_strangers(
        [Stranger(device_id=named, topic="application/a", first_seen=NOW, last_seen=NOW, count=7, reading=reading)]
    )
    html = client.get("/devices").text
    shown = text_of(html)
    assert "时钟正常 1 当地时间当 UTC 1 缺号 4" in shown
    assert re.search(rf"{point.device_id} 和平站 1号楼 1单元 101室 28790.0 1.5 0 12-15 10:30 快 8 h 00 min", shown)
    assert "设备把当地时间当作 UTC 发送" in shown
    assert re.search(rf"{other} .* -3.0 1.5 4 12-15 10:30 时钟正常，有序号从未到达", shown)
    assert "gone" not in shown
    assert f"{named} application/a 12-15 10:30 12-15 10:30 7 19.4 °C · 3.0 V" in shown
    assert named not in html  # a device chooses its id: it is text, never markup


def test_a_quarantine_that_is_full_is_a_warning_and_no_alarm(
    own_site: Site, client_of: Callable[..., TestClient]
) -> None:
    loss = Loss(what="quarantine", since=NOW - timedelta(hours=3), until=NOW - timedelta(hours=2), messages=1200)
    own_site.ledger.chain.append(LOSS, "quarantine", msgspec.to_builtins(loss), loss.until)
    with client_of(own_site) as client:
        html = client.get("/").text
        assert "△ 12-15 07:30 – 12-15 08:30 隔离区已满，最早的 1,200 条拒收报文让位，计数不变" in text_of(html)
        assert '<p class="banner warn" role="status">△' in html
        assert '<p class="banner alarm" role="alert">▼' not in html
        listed = text_of(client.get("/devices", params={"lang": "en"}).text)
        assert (
            "rejected packets of the quarantine, oldest first; the readings stay counted as quarantined 1,200" in listed
        )
        assert "the cap of the quarantine (rows and bytes)" in listed


def test_what_the_broker_lost_is_on_the_first_page_for_a_day_and_among_the_devices_for_a_month(
    own_site: Site, client_of: Callable[..., TestClient]
) -> None:
    with client_of(own_site) as client:
        assert "近31天未发现因限额丢失报文" in text_of(client.get("/devices").text)
        for loss in (
            Loss(what="session", since=NOW - timedelta(days=4), until=NOW - timedelta(days=3), expiry_s=60),
            Loss(what="queue", since=NOW - timedelta(hours=3), until=NOW - timedelta(hours=2), messages=1200),
        ):
            own_site.ledger.chain.append(LOSS, "collector", msgspec.to_builtins(loss), loss.until)
        first = text_of(client.get("/").text)
        assert "▼ 12-15 07:30 – 12-15 08:30 消息服务器队列超限，丢弃 1,200 条报文（含其他客户端）" in first
        assert "未保留采集会话" not in first
        listed = text_of(client.get("/devices").text)
        assert re.search(
            r"12-15 07:30 12-15 08:30 消息服务器队列超限，丢弃报文 1,200 消息服务器队列上限.*12-11 10:30 12-12 10:30 ",
            listed,
        )
        assert "会话保留期限已过（mqtt.session_expiry_s）：60 秒" in listed
        assert "The broker's queue" not in listed
        english = text_of(client.get("/devices", params={"lang": "en"}).text)
        assert "the session had expired (mqtt.session_expiry_s): 60 s" in english
