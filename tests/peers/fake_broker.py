"""A broker that only shakes hands, to answer what no real one can be made to answer."""

from __future__ import annotations

import socket
import threading


class FakeBroker:
    """Accepts MQTT 5 connections; answers CONNECT and SUBSCRIBE.

    `suback` is the reason code of the latter, None for no answer; `farewell` follows it, and ends the connection.
    """

    def __init__(self, suback: int | None, *, farewell: bytes = b"") -> None:
        self._suback = suback
        self._farewell = farewell
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer:
            while head := peer.recv(1):
                body = _exactly(peer, _length(peer))
                if head[0] >> 4 == 1:
                    self.connections += 1
                    peer.sendall(b"\x20\x03\x00\x00\x00")
                elif head[0] >> 4 == 8 and self._suback is not None:
                    peer.sendall(b"\x90\x04" + body[:2] + b"\x00" + bytes([self._suback]))
                    if self._farewell:
                        peer.sendall(self._farewell)
                        return
                elif head[0] >> 4 == 12:
                    peer.sendall(b"\xd0\x00")


def _length(peer: socket.socket) -> int:
    size = shift = 0
    while True:
        byte = peer.recv(1)[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += peer.recv(size - len(data))
    return data
