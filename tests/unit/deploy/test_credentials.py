"""Accounts of the broker: the format of mosquitto, what may be a name, what a crash or a second command leaves."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from parts import need

from collector.credentials import (
    PasswordFile,
    check_device_id,
    ensure_acl,
    hash_password,
    is_password,
    new_password,
    replace_file,
)
from collector.settings import TopicSettings
from heating.errors import InputError


def test_hash_is_what_mosquitto_passwd_writes_for_the_same_salt(tmp_path: Path) -> None:
    tool = need("mosquitto_passwd")
    file = tmp_path / "passwd"
    file.write_text("D1:right horse 电池\n", "utf-8")
    subprocess.run([tool, "-U", file], check=True, capture_output=True)
    stored = PasswordFile.read(file).accounts["D1"]
    assert is_password("right horse 电池", stored)
    assert not is_password("right horse", stored)


def test_a_password_is_random_and_its_hash_salted() -> None:
    password = new_password()
    assert password != new_password()
    assert len(password) >= 24
    assert password.isalnum(), "Excel takes -x and =x for a formula"
    assert hash_password(password) != hash_password(password)
    assert is_password(password, hash_password(password))
    assert not is_password(password, "$6$c2FsdA==$aGFzaA==")


@pytest.mark.parametrize(
    "odd", ["", "a/b", "a+", "#", "a:b", "a b", "a\tb", "a\nb", "a\0", "x" * 129, "\u2028", "heatwatch"]
)
def test_an_id_that_would_leave_its_topic_or_line_is_refused_in_one_line(odd: str) -> None:
    with pytest.raises(InputError) as refused:
        check_device_id(odd, "heatwatch")
    assert "\n" not in str(refused.value)
    assert repr(odd) in str(refused.value)


@pytest.mark.parametrize("good", ["0x00158d0001a2b3c4", "EM300-TH_01", "24e124136b502217", "设备7", "a.b"])
def test_ids_of_real_devices_are_taken(good: str) -> None:
    assert check_device_id(good, "heatwatch") == good


def test_foreign_lines_of_the_password_file_stay(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("# our gateway\nchirpstack:$7$101$c2FsdHNhbHRzYWx0$aGFzaA==\n")
    PasswordFile.read(file).with_passwords({"D1": "x", "D2": "y"}).save()
    PasswordFile.read(file).without({"D1"}).save()
    text = file.read_text()
    assert "# our gateway\n" in text
    assert "chirpstack:$7$101$c2FsdHNhbHRzYWx0$aGFzaA==\n" in text
    assert set(PasswordFile.read(file).accounts) == {"chirpstack", "D2"}


def test_a_file_that_is_no_password_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("D1:plain\n")
    with pytest.raises(InputError, match="line 1"):
        PasswordFile.read(file)


def test_replacing_keeps_owner_and_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    replace_file(file, "a")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    replace_file(file, "b")
    after = file.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["passwd"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_new_file_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 23456)
    replace_file(tmp_path / "acl", "x")
    found = (tmp_path / "acl").stat()
    assert (found.st_uid, found.st_gid) == (12345, 23456)


def test_a_disk_that_takes_nothing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "passwd"
    replace_file(file, "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        replace_file(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["passwd"]


def test_the_rules_of_a_site_are_never_changed(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    assert ensure_acl(acl, "reader")
    assert "user reader\ntopic read heatwatch/v1/#\n" in acl.read_text()
    acl.write_text("user somebody\n")
    assert not ensure_acl(acl, "reader")
    assert acl.read_text() == "user somebody\n"


def test_the_rules_know_the_other_families_of_the_configuration(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    wanted = [
        ("heatwatch/v1/+/readings", "native"),
        ("$share/collectors/tele/+/SENSOR", "tasmota"),
        ("+/events/rpc", "shelly"),
        ("plant/#", "value"),
        ("application/+/device/+/event/up", "chirpstack"),
    ]
    assert ensure_acl(acl, "reader", [TopicSettings(filter=name, decoder=decoder) for name, decoder in wanted])
    rules = acl.read_text().splitlines()
    collector = rules[rules.index("user reader") + 1 : rules.index("user probe")]
    reads = ["heatwatch/v1/#", "tele/+/SENSOR", "+/events/rpc", "plant/#", "application/+/device/+/event/up"]
    assert [rule.removeprefix("topic read ") for rule in collector][: len(reads)] == reads
    # What many devices share, no device may write: that is a gateway's, and for the site to say.
    assert [rule for rule in rules if rule.startswith("pattern")][2:] == [
        "pattern write tele/%u/SENSOR",
        "pattern write %u/events/rpc",
    ]
