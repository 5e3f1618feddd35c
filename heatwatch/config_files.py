"""Files that the configuration names: relative ones belong to its folder, secrets are masked in what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from heatwatch.config_schema import Schema

_FILES = frozenset({"points", "tls_ca", "tls_cert", "tls_key", "state_dir", "path"})
_LOCAL_URL = re.compile(r"(duckdb|sqlite):///(?!/)(.+)")
_PASSWORD = re.compile(r"(://[^:/@?#]*):[^@/?#]*@")
_BEHIND_HOST = re.compile(r"^(\w+://[^/?#]+).+")
MASK = "***"


def names_file(key: str) -> bool:
    """Tell whether a key's value is a file or folder."""
    return key in _FILES or key.endswith("_file")


def anchor_files(sections: dict[str, Any], config: Path, schema: Schema) -> None:
    """Make relative files of a configuration relative to its folder, in place; defaults of databases too."""
    folder = config.absolute().parent
    if folder == Path.cwd():
        return
    for section in ("store", "ledger"):
        table = sections.setdefault(section, {})
        if isinstance(table, dict):
            table.setdefault("url", schema.default(section, "url"))
    _change(sections, lambda key, value: _anchor(key, value, folder))


def masked(settings: msgspec.Struct) -> dict[str, Any]:
    """Return settings as plain values for people: no password, no address that holds a secret."""
    shown: dict[str, Any] = msgspec.to_builtins(settings)
    return mask(shown)


def mask(sections: dict[str, Any]) -> dict[str, Any]:
    """Mask what is secret in a tree of settings, in place, and return it."""
    _change(sections, lambda key, value: _PASSWORD.sub(rf"\1:{MASK}@", value))
    alerts = sections.get("alerts")
    receivers = alerts.get("receivers", ()) if isinstance(alerts, dict) else ()
    for receiver in receivers if isinstance(receivers, list | tuple) else ():
        if isinstance(receiver, dict) and isinstance(receiver.get("url"), str):
            # addresses of chat robots hold the secret in path or query
            receiver["url"] = _BEHIND_HOST.sub(rf"\1/{MASK}", receiver["url"])
    return sections


def _anchor(key: str, value: str, folder: Path) -> str:
    if names_file(key) and value and value != "system":
        return str(folder / Path(value).expanduser())
    local = _LOCAL_URL.fullmatch(value) if key == "url" else None
    return f"{local[1]}:///{folder / local[2]}" if local else value


def _change(value: Any, change: Callable[[str, str], str], key: str = "") -> Any:
    """Apply `change` to every text of a tree, in place where it is a table or list; return the tree."""
    if isinstance(value, dict):
        value.update({name: _change(inner, change, name) for name, inner in value.items()})
    elif isinstance(value, list):
        value[:] = [_change(inner, change, key) for inner in value]
    elif isinstance(value, tuple):
        return tuple(_change(inner, change, key) for inner in value)
    elif isinstance(value, str):
        return change(key, value)
    return value
