"""The documents stay true: what they name exists, and what exists is documented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from parts import ROOT

from heating.finding import FindingKind, Status
from heating.measurement import SCHEMAS
from heating.register_file import read_register
from heating.site import PointKind
from heatwatch.cli import app
from heatwatch.config import SCHEMA, load_settings
from heatwatch.config_schema import description

DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "config").rglob("*.md"))
    if ".venv" not in path.parts
)
FRONT = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DECISIONS = ROOT / "docs" / "decisions"
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
# What looks like a path of this repository: begins with a room or a folder beside the rooms.
PATH = re.compile(
    r"(?:heatwatch|heating|collector|analyzer|alerts|dashboards|firmware_sim|config|docs|tests|\.ci)/[\w./-]*"
)


def commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that can be typed, without groups."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        yield words
        return
    for name, inner in command.commands.items():
        yield from commands(inner, (*words, name))


def options(words: tuple[str, ...]) -> set[str]:
    """Options of a command and those before it."""
    command: Any = typer.main.get_command(app)
    found = {"--help"} | {option for parameter in command.params for option in parameter.opts}
    for word in words:
        command = command.commands[word]
        found |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return found


def fences(text: str, *languages: str) -> Iterator[str]:
    return (body for language, body in FENCE.findall(text) if language in languages)


def typed(text: str) -> Iterator[str]:
    """Lines that a document tells people to type."""
    for body in fences(text, "sh", "bash", "console"):
        for line in body.splitlines():
            yield line.split("#", 1)[0].strip().removeprefix("$ ")
    yield from CODE.findall(text)


def ids(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def test_every_command_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert not [f"heatwatch {' '.join(words)}" for words in commands() if f"`heatwatch {' '.join(words)}" not in text]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_commands_that_a_document_names_exist(document: Path) -> None:
    known = set(commands())
    firsts = {words[:n] for words in known for n in (1, 2)}
    for line in typed(document.read_text("utf-8")):
        if not re.match(r"(\S*/)?heatwatch ", line):
            continue
        words = [word for word in line.split()[1:] if word != "..."]
        while words and words[0].startswith(("-", "[")):  # options before the command
            words = words[1:] if words[0].startswith("[") or "=" in words[0] else words[2:]
        if not words or not re.fullmatch(r"[a-z]+", words[0]):
            continue
        names = tuple(words[:2]) if tuple(words[:2]) in firsts else (words[0],)
        assert names in firsts, f"no command {line!r}"
        if names in known:
            given = {word.split("=")[0] for word in words if word.startswith("--")}
            assert given <= options(names), f"{line!r}: no option {sorted(given - options(names))}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_make_targets_that_a_document_names_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        m[1] for line in typed(document.read_text("utf-8")) if (m := re.match(r"(?:\w+=\S+ )*make ([a-z]+)", line))
    }
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_links_and_paths_of_a_document_lead_somewhere(document: Path) -> None:
    text = document.read_text("utf-8")
    links = [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]
    missing = [link for link in links if not (document.parent / link).exists()]
    paths = [span for span in CODE.findall(text) if PATH.fullmatch(span)]
    missing += [path for path in paths if not any(ROOT.glob(path.rstrip("/")))]
    assert not missing


@pytest.mark.parametrize("document", FRONT, ids=ids(FRONT))
def test_a_configuration_shown_to_newcomers_is_a_configuration(document: Path, tmp_path: Path) -> None:
    shown = list(fences(document.read_text("utf-8"), "toml"))
    assert shown
    for text in shown:
        assert len(text.strip().splitlines()) <= 5  # contract §2: five lines run a site
        file = tmp_path / "heatwatch.toml"
        file.write_text(text, "utf-8")
        assert tomllib.loads(text)
        assert load_settings(file, {}).site.points


def test_the_register_beside_the_configuration_is_a_good_one() -> None:
    file = read_register(ROOT / "config" / "points.csv", ZoneInfo("Asia/Shanghai"))
    assert not file.problems
    assert not file.notes
    assert not file.ignored_columns
    assert len({point.home_id for point in file.points if point.kind is PointKind.ROOM}) == 500


def test_every_key_of_the_configuration_says_what_it_means() -> None:
    silent = [f"{section}.{field.encode_name}" for section, field in SCHEMA.fields() if len(description(field)) < 10]
    assert not silent


def test_every_key_with_a_unit_in_its_name_says_the_unit() -> None:
    units = {"_s": "s]", "_h": "h]", "_mb": "MB]", "_days": "days"}
    for section, field in SCHEMA.fields():
        for ending, unit in units.items():
            if field.encode_name.endswith(ending):
                words = description(field)
                assert unit in words or "second" in words, f"{section}.{field.encode_name}: {words}"


def test_the_index_of_decisions_is_complete() -> None:
    pages = {path.name for path in DECISIONS.glob("*.md")} - {"README.md"}
    listed = LINK.findall((DECISIONS / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", sorted(p.name for p in DECISIONS.glob("*.md") if p.name != "README.md"))
def test_a_decision_says_context_decision_and_consequences(page: str) -> None:
    text = (DECISIONS / page).read_text("utf-8").lower()
    said = " ".join(heading or bold for heading, bold in re.findall(r"^#+ (.+)$|\*\*(.+?)\*\*", text, re.MULTILINE))
    assert all(word in said for word in ("context", "is not", "deci", "consequences")), said


def test_every_word_of_the_database_and_of_judging_is_explained() -> None:
    text = (ROOT / "docs" / "nomenclature.md").read_text("utf-8")
    words = {name for schema in SCHEMAS.values() for name in (*schema.tags, *schema.fields)}
    words |= {str(word) for word in (*Status, *FindingKind)}
    assert not [word for word in sorted(words) if f"`{word}`" not in text]
