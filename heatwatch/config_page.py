"""The page of the configuration: config/heatwatch.toml with every key, its meaning, its unit and its default.

`make docs` writes it from the settings themselves; a test compares.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

from heatwatch.config import SCHEMA
from heatwatch.config_schema import default_of, description, in_words, plain, tables

_HEAD = """\
# heatwatch.toml: the configuration of a site. Every key stands here with its meaning and its default.
# A line that begins with "#" and a key is a default: take the "#" away to change it. A site needs `points` alone.
# Order: this file, then the environment (HEATWATCH__SECTION__KEY), then flags. Relative files belong to this file's
# folder. A secret stands in a file of its own (`*_file`) or in the environment (HEATWATCH__STORE__TOKEN for
# store.token_file), never here. `heatwatch check` says what it found.
"""


def page() -> str:
    """Return the text of config/heatwatch.toml."""
    return _HEAD + "".join(f"\n{block}" for block in _blocks())


def _blocks() -> Iterator[str]:
    section = ""
    for name, field in SCHEMA.fields():
        if name != section:
            section = name
            yield f"[{section}]\n"
        kind = plain(field.type)
        if isinstance(kind, inspect.VarTupleType) and tables(plain(kind.item_type)):
            yield _list_of_tables(section, field, plain(kind.item_type))
        elif (section, field.encode_name) == ("site", "points"):
            yield f'{_comment(description(field))}points = "points.csv"\n'
        else:
            yield _comment(_told(field)) + f"#{field.encode_name} = {_toml(default_of(field))}\n"


def _told(field: inspect.Field) -> str:
    """Say what a key means, and what it may be where the meaning does not say."""
    kind = plain(field.type)
    if isinstance(kind, inspect.StrType | inspect.BoolType | inspect.UnionType | inspect.DictType):
        return description(field)
    return f"{description(field)} ({in_words(kind)})"


def _list_of_tables(section: str, field: inspect.Field, item: inspect.Type) -> str:
    name = field.encode_name
    kinds = tables(item)
    lines = [_comment(description(field)), f"#{name} = {_toml(_changed(field.default))}\n"]
    if len(kinds) == 1:
        return "".join([*lines, _comment(f"One [[{section}.{name}]] may hold:"), *map(_key, kinds[0].fields)])
    shared = [key for key in kinds[0].fields if all(_key(key) in map(_key, kind.fields) for kind in kinds)]
    lines += [_comment(f"One [[{section}.{name}]] may hold, whatever its type:"), *map(_key, shared)]
    for kind in kinds:
        summary = (kind.cls.__doc__ or "").splitlines()[0]
        lines.append(_comment(f'With type = "{kind.tag}": {summary[:1].lower()}{summary[1:]}'))
        lines += [_key(key) for key in kind.fields if _key(key) not in map(_key, shared)]
    return "".join(lines)


def _key(key: inspect.Field) -> str:
    default = "required" if key.required else f"default {_toml(default_of(key))}"
    return _comment(f"{key.encode_name} ({default}): {_told(key)}", "  - ")


def _changed(items: tuple[msgspec.Struct, ...]) -> list[dict[str, Any]]:
    """Return the tables of a default, without the keys that are themselves at their default."""
    return [_tag(item) | {key.encode_name: getattr(item, key.name) for key in _own(item)} for item in items]


def _tag(item: msgspec.Struct) -> dict[str, Any]:
    config = item.__struct_config__
    return {config.tag_field: config.tag} if config.tag_field is not None else {}


def _own(item: msgspec.Struct) -> Iterator[msgspec.structs.FieldInfo]:
    for key in msgspec.structs.fields(item):
        value = getattr(item, key.name)
        if value != (key.default if key.default_factory is msgspec.NODEFAULT else key.default_factory()):
            yield key


def _comment(text: str, lead: str = "") -> str:
    return "".join(
        f"# {line}\n"
        for line in textwrap.wrap(
            text,
            112,
            initial_indent=lead,
            subsequent_indent=" " * len(lead),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return repr(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(page())
