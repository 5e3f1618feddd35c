"""What the configuration may say, read from the types of the settings: for errors that help, and for its pages."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect

Path = tuple[str | int, ...]
_AT = re.compile(r" - at `\$\.?([^`]*)`$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.+)`")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OUR_WORDS = re.compile(r"[a-z_]+: ")  # how the checks of the settings themselves begin


class Schema:
    """The tree of keys below a `Settings` struct."""

    def __init__(self, root: type[msgspec.Struct]) -> None:
        self._root = inspect.type_info(root)

    def fields(self) -> Iterator[tuple[str, inspect.Field]]:
        """Yield section and field of every key, in order."""
        for section in _fields(self._root):
            for field in _fields(plain(section.type)):
                yield section.encode_name, field

    def default(self, section: str, name: str) -> Any:
        """Return the default of a key."""
        return next(default_of(field) for own, field in self.fields() if (own, field.encode_name) == (section, name))

    def at(self, path: Sequence[str | int], raw: object) -> inspect.Type | None:
        """Return the type at a path, None if there is no such key; `raw` says which of several tables stands there."""
        kind: inspect.Type | None = self._root
        for step in path:
            kind = _child(kind, step, raw) if kind is not None else None
            raw = _inside(raw, step)
        return kind

    def unknown(self, raw: object) -> Iterator[tuple[Path, str]]:
        """Yield the keys that do not exist, each with the nearest one that does."""
        for path in _unknown(self._root, raw, ()):
            yield path, self.nearest(path)

    def nearest(self, path: Path) -> str:
        """Return the existing key that comes nearest to a wrong one; its own table counts first."""
        *parent, name = path
        own = readable(parent)
        near = {f"{section}.{field.encode_name}" for section, field in self.fields()}
        if not parent:
            near |= {field.encode_name for field in _fields(self._root)}
        elif kind := self.at(parent, None):
            near |= {f"{own}.{field.encode_name}" for field in _fields(kind)}

        def likeness(key: str) -> float:
            table, _, last = key.rpartition(".")
            return _alike(str(name), last) + 0.3 * _alike(own, table)

        return max(sorted(near), key=likeness)

    def is_secret(self, path: Path) -> bool:
        """Tell whether a key is the secret itself that a `*_file` key would name; only the environment may hold it."""
        return len(path) == 2 and self.at((path[0], f"{path[1]}_file"), None) is not None

    def explain(self, error: msgspec.ValidationError, raw: object) -> tuple[Path, str]:
        """Return the path that an error is about, and what is wrong there, for a person."""
        text = str(error)
        found = _AT.search(text)
        path: Path = tuple(name or int(index) for name, index in (_STEP.findall(found[1]) if found else ()))
        told = text[: found.start()] if found else text
        if _OUR_WORDS.match(told):
            return (*path, told.partition(":")[0]), f"{readable(path)}.{told}"
        if missing := _MISSING.match(told):
            path = (*path, missing[1])
            return path, f"{readable(path)}: missing; {self._right(path, raw)}"
        value = raw
        for step in path:
            value = _inside(value, step)
        said = str(value).lower() if isinstance(value, bool) else repr(value)  # as TOML writes it
        return path, f"{readable(path)} = {said}: {self._right(path, raw)}"

    def spelled(self, sections: dict[str, Any]) -> None:
        """Put the choice that is meant for other ways to write it, in place: `version = 5`, `version = "v5"`."""
        for section, field in self.fields():
            kind, table = plain(field.type), sections.get(section)
            if isinstance(kind, inspect.LiteralType) and isinstance(table, dict) and field.encode_name in table:
                value = table[field.encode_name]
                word = str(value).lower() if isinstance(value, (int, float, str)) else None
                word = _extra(field).get("spellings", {}).get(word, word)
                if word in kind.values:
                    table[field.encode_name] = word

    def not_finite(self, raw: object) -> tuple[Path, float] | None:
        """Return the first number that is infinite or none at all; TOML can write both, no key can mean them."""
        return next(_not_finite(raw, ()), None)

    def _right(self, path: Path, raw: object) -> str:
        kind = self.at(path, raw)
        if kind is not None and (tags := [repr(t.tag) for t in tables(kind) if t.tag_field == path[-1]]):
            return f"must be one of {', '.join(tags)}"
        return right(kind)


def plain(kind: inspect.Type) -> inspect.Type:
    """Return a type without its description."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def default_of(field: inspect.Field) -> Any:
    """Return the default of a key."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def description(field: inspect.Field) -> str:
    """Return the description of a key."""
    return str(_extra(field).get("description", ""))


def _extra(field: inspect.Field) -> dict[str, Any]:
    return (field.type.extra_json_schema or {}) if isinstance(field.type, inspect.Metadata) else {}


def tables(kind: inspect.Type) -> tuple[inspect.StructType, ...]:
    """Return the tables that a value can be."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return tuple(one for one in kinds if isinstance(one, inspect.StructType))


def readable(path: Sequence[str | int]) -> str:
    """Write a path as people do: `alerts.receivers[0].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def parse(kind: inspect.Type, text: str) -> object:
    """Return what a text of the environment or the command line means for a type.

    Raises
    ------
    ValueError, KeyError
        If it means nothing; what would be right is `right(kind)`.
    """
    if isinstance(kind, inspect.VarTupleType | inspect.ListType | inspect.DictType | inspect.StructType):
        return _structure(text)
    if isinstance(kind, inspect.BoolType):
        return _TRUTHS[text.lower()]
    if isinstance(kind, inspect.IntType):
        return int(text)
    return float(text) if isinstance(kind, inspect.FloatType) else text


def right(kind: inspect.Type | None) -> str:
    """Say what a right value is."""
    return f"must be {in_words(kind)}" if kind is not None else "is not understood"


def in_words(kind: inspect.Type) -> str:
    """Name a type for people."""
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            return ("a whole number" if isinstance(kind, inspect.IntType) else "a number") + _bounds(kind)
        case inspect.StrType():
            shape = f" of the form {kind.pattern}" if kind.pattern else ""
            return "text" + shape + (", not blank" if kind.min_length else "")
        case inspect.LiteralType():
            return f"one of {', '.join(map(repr, kind.values))}"
        case inspect.EnumType():
            return f"one of {', '.join(repr(str(member.value)) for member in kind.cls)}"
        case inspect.DateType():
            return "a date such as 2026-11-15"
        case inspect.UnionType():
            return " or ".join(
                dict.fromkeys(in_words(one) for one in kind.types if not isinstance(one, inspect.NoneType))
            )
        case inspect.VarTupleType() | inspect.ListType():
            return "a list"
    return "a table"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.gt is not None:
        low = f"more than {kind.gt}"
    elif kind.ge is not None:
        low = f"{kind.ge}" if kind.le is not None else f"{kind.ge} or more"
    else:
        low = ""
    high = f" up to {kind.le}" if kind.le is not None else f" below {kind.lt}" if kind.lt is not None else ""
    return f", {low}{high}" if low or high else ""


def _fields(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    return tuple(field for table in tables(kind) for field in table.fields)


def _table(kind: inspect.Type, raw: object) -> inspect.StructType | None:
    """Return the table that `raw` is, by its tag where there are several."""
    found = tables(kind)
    if len(found) > 1:
        found = tuple(one for one in found if isinstance(raw, dict) and raw.get(one.tag_field) == one.tag)
    return found[0] if found else None


def _child(kind: inspect.Type, step: str | int, raw: object) -> inspect.Type | None:
    if isinstance(step, int):
        return plain(kind.item_type) if isinstance(kind, inspect.VarTupleType | inspect.ListType) else None
    if isinstance(kind, inspect.DictType):
        return plain(kind.value_type)
    table = _table(kind, raw)
    if table is None:
        return kind if tables(kind) else None  # a tag that does not exist: the error is about the whole
    return next((plain(field.type) for field in table.fields if field.encode_name == step), None)


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _inside(raw: object, step: str | int) -> object:
    try:
        return raw[step]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _unknown(kind: inspect.Type, raw: object, path: Path) -> Iterator[Path]:
    if isinstance(raw, list | tuple) and tables(kind):
        return  # a list where a table stands: the error is about the whole
    if isinstance(raw, list | tuple):
        children: list[tuple[str | int, object]] = list(enumerate(raw))
    elif isinstance(raw, dict):
        children = list(raw.items())
    else:
        return
    table = _table(kind, raw)
    for step, value in children:
        if table is not None and step == table.tag_field:
            continue
        child = _child(kind, step, raw)
        if child is not None:
            yield from _unknown(child, value, (*path, step))
        elif table is not None:
            yield (*path, step)


def _not_finite(raw: object, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(raw, float) and not math.isfinite(raw):
        yield path, raw
    children = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for step, value in children:
        yield from _not_finite(value, (*path, step))


def _structure(text: str) -> object:
    """Read a list or table of the environment: JSON or TOML."""
    try:
        return json.loads(text)
    except ValueError:
        return tomllib.loads(f"value = {text}")["value"]
