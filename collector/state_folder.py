"""The folder of the spool and of what is known of the broker: usable, and held by one collector at a time."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from pathlib import Path

from heating.errors import ConfigError

log = logging.getLogger(__name__)

# A full disk is no mistake of the configuration: the collector starts, and the broker keeps what comes.
_PASSES = {errno.ENOSPC, errno.EDQUOT}


class StateFolder:
    """A lock on a folder, until `release` or the end of the process; blank = no folder.

    Two collectors on one folder would delete each other's spool.

    Raises
    ------
    ConfigError
        If the folder cannot be made or written, or another process holds it.
    """

    def __init__(self, folder: str) -> None:
        self._handle: int | None = None
        if not folder:
            return
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._handle = _opened(Path(folder) / "lock")
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            self.release()
            raise ConfigError(f"collector.state_dir = {folder!r}: another collector is at work there") from held
        except OSError as problem:
            self.release()
            if problem.errno not in _PASSES:
                raise ConfigError(f"collector.state_dir = {folder!r}: {problem.strerror}") from problem
            log.error("state folder cannot be held folder=%s problem=%s", folder, problem)

    def release(self) -> None:
        """Let others have it; safe to call twice."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def _opened(lock: Path) -> int:
    """Open the lock; on a disk that became read-only since we were here last, what the spool has can still be read."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as problem:
        if problem.errno != errno.EROFS or not lock.exists():
            raise
        log.error("state folder can only be read, the spool will take nothing folder=%s", lock.parent)
        return os.open(lock, os.O_RDONLY)
