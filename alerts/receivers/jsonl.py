"""Lines of JSON in a file, each synced to disk before it counts as delivered."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from alerts.receivers.port import message
from heating.errors import DeliveryFailed
from heating.order import Notice

# Only the line written last can be one that was not recorded as delivered; a digest may be long.
_TAIL_BYTES = 1 << 20
_OURS = b'{"schema":'


class FileDeliverer:
    """Appends to a file, which may be moved away by a log rotation at any time.

    A process killed between write and record comes again with the same notice: it looks for the id in the tail of the
    file and does not write the line twice. A line torn by a kill or a full disk is cut off before the next one.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def deliver(self, notice: Notice) -> None:
        """Append one line and sync it; a full or missing disk is tried again."""
        try:
            self._append(notice.id, message(notice) + b"\n")
        except OSError as wrong:
            raise DeliveryFailed(f"{self._path}: {wrong.strerror or wrong}", permanent=False) from wrong

    def _append(self, notice_id: str, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            if not self._holds(handle, notice_id):
                _write_all(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(self._path.parent)

    def _holds(self, handle: int, notice_id: str) -> bool:
        size = os.fstat(handle).st_size
        start = max(size - _TAIL_BYTES, 0)
        tail = os.pread(handle, size - start, start)
        lines = tail.split(b"\n")
        torn = lines.pop()
        if torn:
            self._mend(handle, size, torn)
        # The id is compared in the parsed line: a digest names the ids of other notices too.
        return any(_id(line) == notice_id for line in reversed(lines) if notice_id.encode() in line)

    def _mend(self, handle: int, size: int, torn: bytes) -> None:
        """Remove our own torn line; what others left without an end of line gets one."""
        if torn.startswith(_OURS) or _OURS.startswith(torn):
            os.ftruncate(handle, size - len(torn))
        else:
            _write_all(handle, b"\n")


def _id(line: bytes) -> object:
    try:
        return msgspec.json.decode(line).get("id")
    except (msgspec.DecodeError, AttributeError):
        return None


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
