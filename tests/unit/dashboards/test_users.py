from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.console.users import Right, Role, User, Users, hash_secret, load_users
from heating.errors import ConfigError
from heating.personal import masked, without_phones
from heating.site import Contact


def test_secrets_are_checked_against_their_hash(tmp_path: Path) -> None:
    file = tmp_path / "users.toml"
    file.write_text(f'[[users]]\nname = "li"\nrole = "dispatch"\nsecret = "{hash_secret("right")}"\n', encoding="utf-8")
    users = load_users(str(file))
    assert users.check("li", "right") == User("li", Role.DISPATCH)
    assert users.check("li", "right") == User("li", Role.DISPATCH)
    assert users.check("li", "wrong") is None
    assert users.check("wang", "right") is None


def test_two_hashes_of_one_secret_differ() -> None:
    assert hash_secret("a") != hash_secret("a")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "users = []",
        "[[users]]\nname = 'li'\nrole = 'boss'\nsecret = 'x'",
        "[[users]]\nname = 'li'\nrole = 'admin'\nsecret = 'plain'",
        "[[users]]\nname = 'l:i'\nrole = 'admin'\nsecret = 'plain'",
        "not toml",
    ],
)
def test_a_wrong_users_file_names_the_key(tmp_path: Path, content: str) -> None:
    file = tmp_path / "users.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"console\.users_file"):
        load_users(str(file))


def test_the_wall_of_the_control_room_neither_acts_nor_shows_contacts() -> None:
    wall = User("wall", Role.CONTROL_ROOM)
    assert not any(wall.may(right) for right in Right)
    assert all(User("a", Role.ADMIN).may(right) for right in Right)
    assert isinstance(Users([]), Users)


def test_masks_keep_nothing_that_names_a_person() -> None:
    hidden = masked(Contact("张建国", "138 1234 5678", "和平路18号"))
    assert hidden == Contact("张**", "***78", "")
    assert masked(Contact("", "12", "x")) == Contact("", "", "")


@pytest.mark.parametrize(
    "number", ["13812345678", "138 1234 5678", "138-1234-5678", "+86 13812345678", "022-27331234", "0451 8412345"]
)
def test_texts_keep_no_telephone_number(number: str) -> None:
    assert without_phones(f"住户电话{number}，明日再访") == f"住户电话***{number[-2:]}，明日再访"


@pytest.mark.parametrize(
    "text", ["室温 18.5 °C", "调度单 2026-0001", "工号 100234567", "18号楼1单元1801室", "2026-12-15 10:30"]
)
def test_other_numbers_stay(text: str) -> None:
    assert without_phones(text) == text
