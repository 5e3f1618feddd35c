"""A small TCP proxy on loopback: a cable that a test can cut."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """Forwards connections to a port of this machine until `cut`; `swallow` makes new ones get no answer at all."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._open = True
        self._swallows = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        """Break every connection, and any new one at once."""
        with self._lock:
            self._open = False
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def swallow(self) -> None:
        """Break every connection; accept new ones and stay silent."""
        self.cut()
        with self._lock:
            self._open = self._swallows = True

    def mend(self) -> None:
        with self._lock:
            self._open, self._swallows = True, False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                if self._swallows:
                    self._ends.append(near)
                    far.close()
                    continue
                if self._open:
                    self._ends += [near, far]
                    for one, other in ((near, far), (far, near)):
                        threading.Thread(target=_pump, args=(one, other), daemon=True).start()
                    continue
            near.close()
            far.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
