"""What owner and guests of an embedded store say to each other over the socket: msgpack frames, arrays as raw bytes.

A frame is its length (4 bytes, big-endian) and a message. A guest sends one `Request` and the parts of its table, if it
has one, then `Done`; the owner answers with parts, then `Done` or `Failed`. Tables travel in parts of bounded size.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from heating.errors import StoreUnavailable

PART_ROWS = 100_000
_LENGTH_BYTES = 4
_MOST_BYTES = 1 << 28

Columns = dict[str, NDArray[Any]]


class OwnerGone(StoreUnavailable):
    """The other side of the socket is not there, or went away in the middle of a call."""


class Column(msgspec.Struct, array_like=True, frozen=True):
    """One array: `kind` is a numpy code, or `text`; then `data` are int32 numbers into `names`."""

    kind: str
    data: bytes
    names: list[str] = []


class Request(msgspec.Struct, tag="request", frozen=True):
    """A call of `ReadingStore` by name, with its plain arguments."""

    method: str
    arguments: dict[str, Any] = {}


class Part(msgspec.Struct, tag="part", frozen=True):
    """Some rows."""

    columns: dict[str, Column]


class Done(msgspec.Struct, tag="done", frozen=True):
    """The end of a table, with what is no row."""

    value: Any = None


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """The named error that the call raised."""

    error: str
    text: str


Message = Request | Part | Done | Failed
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_KINDS = ("<i8", "<i4", "<f8", "|b1")


def send(connection: socket.socket, message: Message) -> None:
    """Send one frame."""
    body = _ENCODER.encode(message)
    connection.sendall(len(body).to_bytes(_LENGTH_BYTES, "big") + body)


def receive(connection: socket.socket) -> Message:
    """Receive one frame.

    Raises
    ------
    StoreUnavailable
        If the other side went away or speaks something else.
    """
    size = int.from_bytes(_exactly(connection, _LENGTH_BYTES), "big")
    if size > _MOST_BYTES:
        raise StoreUnavailable(f"a frame of {size} bytes came over the store's socket")
    try:
        return _DECODER.decode(_exactly(connection, size))
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(f"the store's socket speaks something else: {error}") from error


def send_columns(connection: socket.socket, columns: Columns) -> None:
    """Send rows in parts."""
    count = len(next(iter(columns.values()))) if columns else 0
    for start in range(0, count, PART_ROWS):
        part = {name: _packed(column[start : start + PART_ROWS]) for name, column in columns.items()}
        send(connection, Part(part))


def receive_parts(connection: socket.socket) -> Iterator[Columns | Done | Failed]:
    """Yield parts as columns, lastly `Done` or `Failed`."""
    while True:
        message = receive(connection)
        if isinstance(message, Part):
            yield {name: _unpacked(column) for name, column in message.columns.items()}
        elif isinstance(message, Done | Failed):
            yield message
            return
        else:
            raise StoreUnavailable("a request came where rows were expected")


def _exactly(connection: socket.socket, count: int) -> bytes:
    buffer = bytearray(count)
    view, got = memoryview(buffer), 0
    while got < count:
        step = connection.recv_into(view[got:])
        if step == 0:
            raise OwnerGone("the other side of the store's socket went away")
        got += step
    return bytes(buffer)


def _packed(column: NDArray[Any]) -> Column:
    if column.dtype == object:
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(text, len(numbers)) for text in column.tolist()]
        return Column("text", np.array(codes, dtype="<i4").tobytes(), list(numbers))
    return Column(column.dtype.str, np.ascontiguousarray(column).tobytes())


def _unpacked(column: Column) -> NDArray[Any]:
    if column.kind == "text":
        names = np.empty(len(column.names), dtype=object)
        names[:] = column.names
        return np.asarray(names[np.frombuffer(column.data, dtype="<i4")], dtype=object)
    if column.kind not in _KINDS:
        raise StoreUnavailable(f"a column of kind {column.kind!r} came over the store's socket")
    return np.frombuffer(column.data, dtype=column.kind).copy()
