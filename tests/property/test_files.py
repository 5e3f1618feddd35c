"""Whatever lies in a file that a person gave: a result or one line of error, never an exception of ours."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heating.errors import InputError
from heating.readings_file import read_readings
from heating.register_file import read_register
from heating.register_template import write_template
from heating.words import Language

SHANGHAI = ZoneInfo("Asia/Shanghai")
REGISTER = """point_id,device_id,station,building,floor,room,since,network_end,home_class,contract_day_c
P1,D1,S1,1,5,501,2026-11-01 08:00,是,apartment,
P2,D2,S1,1,6,601,,,bungalow,18
"""
READINGS = """device_id,ts,temperature_c,humidity_pct
D1,1795320000,19.5,40
"D2",2026-11-22T12:00:00+08:00,,41
"""


def read(path: Path) -> None:
    read_register(path, SHANGHAI)


def load(path: Path) -> None:
    register = read_register(path.with_name("good.csv"), SHANGHAI).register()
    read_readings(path, register, SHANGHAI)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    (made / "good.csv").write_text(REGISTER, "utf-8")
    return made


def survives(path: Path, data: bytes, reader: Callable[[Path], None]) -> None:
    path.write_bytes(data)
    said = ""
    try:
        reader(path)
    except InputError as refused:
        said = str(refused)
    assert "\n" not in said


@pytest.mark.parametrize("reader", [read, load])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_survived(folder: Path, reader: Callable[[Path], None], data: bytes) -> None:
    survives(folder / "any.csv", data, reader)


@pytest.mark.parametrize(("reader", "text"), [(read, REGISTER), (load, READINGS)])
@given(
    cells=st.lists(st.text(max_size=12) | st.floats().map(repr) | st.integers().map(str), max_size=9),
    at=st.integers(0, 400),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    delimiter=st.sampled_from(",;\t\n\""),
)  # fmt: skip
def test_any_cells_in_the_middle_of_a_good_file_are_survived(
    folder: Path, reader: Callable[[Path], None], text: str, cells: list[str], at: int, encoding: str, delimiter: str
) -> None:
    spoiled = text[:at] + delimiter.join(cells) + text[at:]
    survives(folder / "cells.csv", spoiled.encode(encoding, "ignore"), reader)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), cut=st.booleans())
def test_a_damaged_workbook_is_survived(folder: Path, seed: int, cut: bool) -> None:
    path = folder / "whole.xlsx"
    if not path.exists():
        write_template(path, Language.ZH)
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    if cut:
        data = data[: chance.randrange(4, len(data))]
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(4, len(data))] = chance.randrange(256)
    survives(folder / "damaged.xlsx", bytes(data), read)
