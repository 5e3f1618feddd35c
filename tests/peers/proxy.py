"""A small TCP proxy on loopback: a cable that a test can cut."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """Forwards connections to a port of this machine until `cut`; `swallow` makes new ones get no answer at all.

    `mute` loses what is sent to that port, while what comes from it still arrives.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._open = True
        self._swallows = self._mute = False
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

    def mute(self) -> None:
        """Lose what is sent from now on; who sent it does not learn of that."""
        self._mute = True

    def mend(self) -> None:
        with self._lock:
            self._open, self._swallows, self._mute = True, False, False

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
                        threading.Thread(target=self._pump, args=(one, other, one is near), daemon=True).start()
                    continue
            near.close()
            far.close()

    def _pump(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not (outward and self._mute):
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
