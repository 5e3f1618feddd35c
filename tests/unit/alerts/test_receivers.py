"""Receivers against real files and a real HTTP server on loopback, and the courier's manners."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from alertkit import START, World, cold

from alerts.receivers import check, make
from alerts.receivers.jsonl import FileDeliverer
from alerts.settings import AppriseReceiver, ConsoleReceiver, FileReceiver, WebhookReceiver
from heating.errors import ConfigError, DeliveryFailed, LedgerUnavailable
from heating.order import Notice


def notice(number: int = 1) -> Notice:
    body = {"schema": 1, "id": f"WO-2026-000001.{number}.x", "why": "order_opened", "text": "低温"}
    return Notice(
        id=str(body["id"]), receiver="x", why="order_opened", subject="WO-2026-000001", created_at=START,
        next_try=START, body=body,
    )  # fmt: skip


class Server:
    """Answers with the codes of a script, then 200; keeps what it got."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.got: list[tuple[dict[str, str], dict[str, object]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.url = ""


@contextmanager
def serving(*codes: int) -> Iterator[Server]:
    state = Server(*codes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.gate.wait(10)
            code = state.codes.pop(0) if state.codes else 200
            state.got.append((dict(self.headers), body))
            self.send_response(code)
            self.send_header("Location", state.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hook?key=geheim"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_webhook_posts_with_idempotency_key_and_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with serving() as server:
        make(WebhookReceiver(name="w", url=server.url, token_file=str(token))).deliver(notice())
    head, body = server.got[0]
    assert head["Idempotency-Key"] == body["id"] == "WO-2026-000001.1.x"
    assert head["Authorization"] == "Bearer s3cret"
    assert list(body)[:2] == ["schema", "id"]


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(301, True), (400, True), (401, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_webhook_tells_for_good_from_for_now(code: int, permanent: bool) -> None:
    with serving(code) as server:
        receiver = make(WebhookReceiver(name="w", url=server.url))
        with pytest.raises(DeliveryFailed) as failure:
            receiver.deliver(notice())
    assert failure.value.permanent is permanent
    assert "geheim" not in str(failure.value)
    assert len(server.got) == 1, "a redirection is not followed"


def test_webhook_that_hangs_or_is_gone_is_tried_again() -> None:
    with serving() as server:
        server.gate.clear()
        with pytest.raises(DeliveryFailed, match="no answer") as failure:
            make(WebhookReceiver(name="w", url=server.url, timeout_s=0.2)).deliver(notice())
        assert not failure.value.permanent
    with pytest.raises(DeliveryFailed) as failure:
        make(WebhookReceiver(name="w", url=server.url)).deliver(notice())
    assert not failure.value.permanent
    assert "geheim" not in str(failure.value)


def test_file_does_not_double_a_line_that_was_written_before_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "n.jsonl"
    for _ in range(2):
        FileDeliverer(str(path)).deliver(notice())
    FileDeliverer(str(path)).deliver(notice(2))
    assert [json.loads(line)["id"][-3:] for line in path.read_text().splitlines()] == ["1.x", "2.x"]


def test_file_does_not_take_a_digest_that_names_a_notice_for_the_notice(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(json.dumps({"schema": 1, "id": "digest", "notices": [{"id": notice().id}]}) + "\n")
    FileDeliverer(str(path)).deliver(notice())
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("torn", "kept"), [('{"schema":1,"id":"WO', ""), ("someone's own line", "someone's own line\n")]
)
def test_file_mends_a_torn_line(tmp_path: Path, torn: str, kept: str) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text("first\n" + torn)
    FileDeliverer(str(path)).deliver(notice())
    text = path.read_text()
    assert text.startswith("first\n" + kept + '{"schema":1,"id":"WO-2026-000001.1.x"')
    assert text.endswith("\n")


def test_a_folder_in_the_way_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed) as failure:
        FileDeliverer(str(tmp_path)).deliver(notice())
    assert not failure.value.permanent


def test_wrong_settings_are_named_and_secrets_are_not(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("http://x/?key=geheim\nInjected: 1")
    wrong = {
        "url or url_file": WebhookReceiver(name="w"),
        "cannot be read": WebhookReceiver(name="w", url="http://x", token_file=str(tmp_path / "none")),
        "one line": WebhookReceiver(name="w", url_file=str(secret)),
        "no file": WebhookReceiver(name="w", url="http://x", tls_ca=str(tmp_path / "none")),
    }
    for text, settings in wrong.items():
        with pytest.raises(ConfigError, match=text) as failure:
            make(settings)
        assert "geheim" not in str(failure.value)
    with pytest.raises(ConfigError, match="used twice"):
        check((ConsoleReceiver(name="a"), ConsoleReceiver(name="a")))
    with pytest.raises(ConfigError, match="belong together"):
        check((ConsoleReceiver(name="a", quiet_from="22:00"),))


def test_apprise_that_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    urls = tmp_path / "urls"
    urls.write_text("json://localhost\n")
    with pytest.raises(ConfigError, match="pip install 'heatwatch"):
        make(AppriseReceiver(name="chat", urls_file=str(urls)))


def test_courier_backs_off_and_sends_once_after_success(tmp_path: Path) -> None:
    with serving(503, 503) as server:
        world = World(tmp_path, WebhookReceiver(name="w", url=server.url), retry_first_s=60)
        world.record(cold("P3-101"))
        world.at(0)
        assert len(server.got) == 1
        world.at(0.4)
        assert len(server.got) == 1, "not before half of the first wait"
        world.at(1.1)
        world.at(1.9)
        assert len(server.got) == 2
        world.at(4)
        world.at(5)
        world.restart()
        world.at(6)
    assert [body["id"] for _, body in server.got] == ["WO-2026-000001.1.w"] * 3
    assert world.ledger.outbox.waiting() == 0


def test_a_refusal_for_good_does_not_block_what_follows(tmp_path: Path) -> None:
    with serving(400) as server:
        world = World(tmp_path, WebhookReceiver(name="w", url=server.url))
        world.record(cold("P3-101"), cold("P7-101"))
        world.at(0)
    assert len(server.got) == 2
    (courier,) = world.stage.couriers
    assert (courier.counts["given_up"], courier.counts["delivered"]) == (1, 1)
    assert world.ledger.outbox.waiting() == 0


def test_given_up_after_its_time(tmp_path: Path) -> None:
    world = World(tmp_path, WebhookReceiver(name="w", url="http://127.0.0.1:9/"), give_up_h=2, retry_most_s=600)
    world.record(cold("P3-101"))
    for minute in range(0, 180, 5):
        world.at(minute)
    assert world.stage.couriers[0].counts["given_up"] >= 1


def test_a_hanging_receiver_keeps_no_other_waiting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lines = tmp_path / "n.jsonl"
    with serving() as server:
        server.gate.clear()
        world = World(tmp_path, WebhookReceiver(name="w", url=server.url), FileReceiver(name="f", path=str(lines)))
        world.record(cold("P3-101"))
        world.stage.look()
        slow, quick = world.stage.couriers
        stop = threading.Event()
        thread = threading.Thread(target=slow.round, args=(world.clock, stop))
        thread.start()
        assert quick.round(world.clock, stop) == 1
        assert thread.is_alive()
        server.gate.set()
        thread.join(10)
    assert slow.counts["delivered"] == 1
    assert "geheim" not in caplog.text


def test_notices_for_receivers_that_are_gone_are_given_up(tmp_path: Path) -> None:
    world = World(tmp_path, FileReceiver(name="old", path=str(tmp_path / "x")))
    world.record(cold("P3-101"))
    world.stage.look()
    stop = threading.Event()
    stop.set()
    later = World(tmp_path, FileReceiver(name="new", path=str(tmp_path / "y")))
    later.stage.run(stop)
    assert world.ledger.outbox.waiting() == 0


def test_a_ledger_that_is_away_after_the_sending_makes_no_second_one(tmp_path: Path) -> None:
    with serving() as server:
        world = World(tmp_path, WebhookReceiver(name="w", url=server.url))
        world.record(cold("P3-101"))
        world.stage.look()
        real = world.ledger.outbox.delivered

        def away(notice_id: str, at: datetime) -> None:
            raise LedgerUnavailable("database is locked")

        world.ledger.outbox.delivered = away  # type: ignore[method-assign]
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                world.stage.deliver()
        world.ledger.outbox.delivered = real  # type: ignore[method-assign]
        world.stage.deliver()
    assert len(server.got) == 1
    assert world.ledger.outbox.waiting() == 0
