"""`/metrics` and `/healthz` on a port of their own (`metrics.port`), for processes without a console."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from dashboards.console.health import health_report, render_metrics
from heating.clock import Clock
from heating.errors import ConfigError
from heating.stage import Health, Metric

Page = Callable[[], tuple[int, str, bytes]]


class MetricsExporter:
    """A small HTTP server with the pages that the console has too; `with` starts and stops it.

    Raises
    ------
    ConfigError
        If it cannot listen at the address.
    """

    def __init__(
        self,
        address: tuple[str, int],
        metrics: Callable[[], Sequence[Metric]],
        health: Callable[[], Mapping[str, Health]],
        clock: Clock,
    ) -> None:
        def healthz() -> tuple[int, str, bytes]:
            stages = health()
            status = 200 if all(stage.ok for stage in stages.values()) else 503
            return status, "application/json", msgspec.json.encode(health_report(stages, clock.now()))

        def numbers() -> tuple[int, str, bytes]:
            return 200, "text/plain; version=0.0.4", render_metrics(metrics()).encode()

        try:
            self._server = ThreadingHTTPServer(address, _handler({"/metrics": numbers, "/healthz": healthz}))
        except OSError as wrong:
            host, port = address
            raise ConfigError(
                f"metrics.host = {host!r}, metrics.port = {port}: cannot listen there ({wrong.strerror})"
            ) from wrong
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


def _handler(pages: Mapping[str, Page]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, kind, body = page() if page else (404, "text/plain", b"no such page\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing per request."""

    return Handler
