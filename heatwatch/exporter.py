"""`/metrics` and `/healthz` on a port of their own (`metrics.port`), for processes without a console."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from heating.stage import Health, Metric


class MetricsExporter:
    """A small HTTP server on loopback unless told otherwise; `with` starts and stops it."""

    def __init__(
        self,
        address: tuple[str, int],
        metrics: Callable[[], Sequence[Metric]],
        health: Callable[[], Mapping[str, Health]],
        render: Callable[[Sequence[Metric]], str],
    ) -> None:
        pages = {
            "/metrics": lambda: (200, "text/plain; version=0.0.4", render(metrics())),
            "/healthz": lambda: _health(health()),
        }
        self._server = ThreadingHTTPServer(address, _handler(pages))
        self._thread = threading.Thread(target=self._server.serve_forever, name="exporter", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> MetricsExporter:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def health_document(stages: Mapping[str, Health]) -> dict[str, object]:
    """Return the document of `/healthz`: the whole is ok when every stage is alive and fresh."""
    rows = {name: {"alive": h.alive, "fresh": h.fresh, "text": h.text} for name, h in stages.items()}
    return {"ok": all(h.ok for h in stages.values()), "stages": rows}


def _health(stages: Mapping[str, Health]) -> tuple[int, str, str]:
    document = health_document(stages)
    return 200 if document["ok"] else 503, "application/json", msgspec.json.encode(document).decode()


def _handler(pages: Mapping[str, Callable[[], tuple[int, str, str]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, kind, text = page() if page else (404, "text/plain", "no such page\n")
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing per request."""

    return Handler
