"""An HTTP server in front of another that lets every answer wait: a database that is slow but well."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowHttp:
    """Forwards to a port of this machine; each answer comes `delay_s` late."""

    def __init__(self, target: int) -> None:
        self.delay_s = 0.0
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _forwarding(target, self))
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> SlowHttp:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def linger(self) -> None:
        self._closing.wait(self.delay_s)


def _forwarding(target: int, slow: SlowHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            url = f"http://127.0.0.1:{target}{self.path}"
            asked = urllib.request.Request(url, body if self.command == "POST" else None, headers, method=self.command)
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    status, told, text = answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as refusal:
                with refusal:
                    status, told, text = refusal.code, refusal.headers, refusal.read()
            slow.linger()
            self.send_response(status)
            for name in ("Content-Type", "Content-Encoding", "X-Influxdb-Version"):
                if name in told:
                    self.send_header(name, told[name])
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    return Handler
