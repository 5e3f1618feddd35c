"""Structured logs on stderr: `time level room event key=value`, or one JSON object a line.

Code logs an event with its values (`log.info("store away for_s=%s", seconds)`); nothing is logged per message.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from heating.errors import ConfigError

_LEVELS = ("debug", "info", "warning", "error")


class TextFormatter(logging.Formatter):
    """One line for people and grep."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, room and message; a traceback follows where there is one."""
        when = _instant(record)
        line = f"{when} {record.levelname.lower():7} {record.name} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, room, message and traceback as JSON."""
        entry = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "room": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str = "info", style: str = "text") -> None:
    """Send all logs to stderr.

    Raises
    ------
    ConfigError
        If level or style is unknown.
    """
    if level not in _LEVELS:
        raise ConfigError(f"--log-level: {level!r} is none of {', '.join(_LEVELS)}")
    if style not in ("text", "json"):
        raise ConfigError(f"--log-format: {style!r} is neither text nor json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("apscheduler", "urllib3", "httpx", "uvicorn", "litestar"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def to_file(path: Path) -> None:
    """Send all logs to a file instead, where the terminal shows something else."""
    root = logging.getLogger()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(root.handlers[0].formatter if root.handlers else TextFormatter())
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
