"""What the answers of servers mean that Debian does not have: a scripted server gives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from contract.storekit import T0, room, table

from heating.errors import StoreMisconfigured, StoreUnavailable
from heating.store import open_store

pytestmark = pytest.mark.integration


@contextmanager
def answering(answer: Callable[[str, str, bytes], tuple[int, str, bytes]]) -> Iterator[int]:
    """Run a server whose answers (status, version header, body) a function of (method, path, body) gives."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, version, text = answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("X-Influxdb-Version", version)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    try:
        yield listener.server_port
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class TestAnswers:
    """What the answers of servers that Debian does not have mean (statuses and bodies as their sources give them)."""

    @pytest.mark.parametrize(
        ("status", "body", "error", "words"),
        [
            (401, b'{"code":"unauthorized","message":"unauthorized access"}', StoreMisconfigured, "store.token_file"),
            (403, b'{"code":"forbidden","message":"insufficient permissions"}', StoreMisconfigured, "store.token_file"),
            (404, b'{"code":"not found","message":"bucket \\"heat\\" not found"}', StoreMisconfigured, "store.url"),
            (429, b'{"message":"too many requests"}', StoreUnavailable, "429"),
            (500, b'{"error":"write /data: no space left on device"}', StoreUnavailable, "no space left"),
            (500, b'{"error":"open /data: read-only file system"}', StoreUnavailable, "read-only"),
            (503, b"", StoreUnavailable, "503"),
        ],
    )
    def test_of_a_write(self, status, body, error, words):
        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            if path.startswith("/api/v2/write"):
                return status, "v2.7.4", body
            return 200, "v2.7.4", b'{"results":[]}'

        with (
            answering(answer) as port,
            closing(open_store(f"influxdb://127.0.0.1:{port}/heat", create=False)) as store,
            pytest.raises(error, match=words),
        ):
            store.write(table(room("D1", T0)))

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_a_bad_row_is_found_by_halves(self, status):
        kept: list[bytes] = []

        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            if not path.startswith("/api/v2/write"):
                return 200, "v2.7.4", b'{"results":[]}'
            if b"device=D5," in given:
                return status, "v2.7.4", b'{"code":"unprocessable entity","message":"failure writing points"}'
            kept.extend(given.split(b"\n"))
            return 204, "v2.7.4", b""

        with answering(answer) as port, closing(open_store(f"influxdb://127.0.0.1:{port}/heat", create=False)) as store:
            written = store.write(table(*(room(f"D{i}", T0 + i) for i in range(12))))
            assert [row.index for row in written.rejected] == [5]
            assert written.stored.sum() == 11
            assert len(kept) == 11

    def test_a_bucket_is_made_once(self):
        made: list[bytes] = []

        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            if path.startswith("/api/v2/orgs"):
                return 200, "v2.7.4", b'{"orgs":[{"id":"0a1b","name":"heating"}]}'
            if path.startswith("/api/v2/buckets"):
                if method == "POST":
                    made.append(given)
                    return 201, "v2.7.4", b"{}"
                # As 2.7.12 answers for a name that is not there.
                return 404, "v2.7.4", b'{"code":"not found","message":"bucket \\"heat\\" not found"}'
            return (204, "v2.7.4", b"") if path.startswith("/api/v2/write") else (200, "v2.7.4", b'{"results":[]}')

        with answering(answer) as port:
            url = f"influxdb://127.0.0.1:{port}/heat?org=heating"
            with closing(open_store(url, token="secret")) as store:
                store.write(table(room("D1", T0)))
                store.write(table(room("D1", T0 + 1)))
        assert len(made) == 1
        assert b'"orgID":"0a1b"' in made[0].replace(b" ", b"")

    def test_of_3_core(self, caplog):
        asked: list[tuple[str, str]] = []

        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            asked.append((method, path))
            if path == "/api/v3/configure/database":
                return (409 if asked.count((method, path)) > 1 else 200), "3.9.6", b"attempted to create a resource"
            return (204, "3.9.6", b"") if path.startswith("/api/v2/write") else (200, "3.9.6", b'{"results":[]}')

        with answering(answer) as port:
            for device in ("D1", "D2"):
                with closing(open_store(f"influxdb://127.0.0.1:{port}/heat")) as store:
                    assert store.write(table(room(device, T0))).stored.all()
                    with pytest.raises(StoreMisconfigured, match=r"^store\.retention_days"):
                        store.forget_before(T0)
        assert asked.count(("POST", "/api/v3/configure/database")) == 2
        assert "influx_untried version=3.9.6" in caplog.text

    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (400, b'{"error":"Database heat not found"}', r"^store\.url: .* no database or bucket 'heat'"),
            (
                500,
                b"Query would scan 432 Parquet files, exceeding the file limit. Use\n\na",
                r"^store\.url.*-file-limit",
            ),
        ],
    )
    def test_of_3_core_to_a_query(self, status, body, said):
        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            return (200, "3.9.6", b"") if path == "/ping" else (status, "3.9.6", body)

        with (
            answering(answer) as port,
            closing(open_store(f"influxdb://127.0.0.1:{port}/heat", create=False)) as store,
            pytest.raises(StoreMisconfigured, match=said) as refused,
        ):
            store.newest()
        assert "\n" not in str(refused.value)

    def test_a_token_for_one_bucket_is_enough(self):
        def answer(method: str, path: str, given: bytes) -> tuple[int, str, bytes]:
            if path.startswith(("/api/v2/orgs", "/api/v2/buckets")):
                return 403, "v2.7.4", b'{"code":"forbidden","message":"insufficient permissions"}'
            return (204, "v2.7.4", b"") if path.startswith("/api/v2/write") else (200, "v2.7.4", b'{"results":[]}')

        with (
            answering(answer) as port,
            closing(open_store(f"influxdb://127.0.0.1:{port}/heat?org=heating", token="secret")) as store,
        ):
            assert store.write(table(room("D1", T0))).stored.all()
