from __future__ import annotations

import errno
import os

import pytest

from collector.state_folder import StateFolder
from heating.errors import ConfigError


def test_two_collectors_do_not_share_a_folder(tmp_path):
    first = StateFolder(str(tmp_path / "state"))
    with pytest.raises(ConfigError, match=r"collector\.state_dir = .*another collector"):
        StateFolder(str(tmp_path / "state"))
    first.release()
    StateFolder(str(tmp_path / "state")).release()


def test_what_is_no_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"collector\.state_dir = .*file.*: Not a directory"):
        StateFolder(str(tmp_path / "file" / "state"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path, monkeypatch, number):
    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ConfigError, match=r"collector\.state_dir = "):
        StateFolder(str(tmp_path))


def test_a_disk_that_became_read_only_does_not_keep_it_from_starting(tmp_path, monkeypatch, caplog):
    StateFolder(str(tmp_path)).release()
    really = os.open

    def read_only(path, flags, *rest, **kw):
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, "Read-only file system")
        return really(path, flags, *rest, **kw)

    monkeypatch.setattr(os, "open", read_only)
    first = StateFolder(str(tmp_path))
    assert "can only be read" in caplog.text
    with pytest.raises(ConfigError, match="another collector"):
        StateFolder(str(tmp_path))
    first.release()


def test_a_full_disk_does_not_keep_it_from_starting(tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    StateFolder(str(tmp_path)).release()
    assert "cannot be held" in caplog.text
