"""docs/deployment.md does what it says, as far as that can be tried without being root on a fresh machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from parts import ROOT, need

from heatwatch.config import load_settings

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAGES = ("deployment.md", "deployment.zh-CN.md")


def fences(page: str) -> list[tuple[str, str]]:
    """Language and text of every block, without indentation."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return [(language, re.sub(r"^ {3}", "", body, flags=re.MULTILINE)) for language, body in FENCE.findall(text)]


def test_both_languages_type_the_same() -> None:
    english, chinese = map(fences, PAGES)
    assert english == chinese


def test_the_configuration_shown_is_one(tmp_path: Path) -> None:
    (shown,) = (body for language, body in fences("deployment.md") if language == "toml")
    (tmp_path / "heatwatch.toml").write_text(shown, "utf-8")
    settings = load_settings(tmp_path / "heatwatch.toml", {})
    assert settings.mqtt.username == "heatwatch"
    assert settings.mqtt.password_file == str(tmp_path / "secrets" / "mqtt-password")


def test_the_certificates_shown_are_made_and_fit_the_names(tmp_path: Path) -> None:
    openssl = need("openssl")
    (block,) = (body for _, body in fences("deployment.md") if "openssl req -x509" in body)
    typed = re.sub(r"^cd .*$| && chgrp .*$", "", block, flags=re.MULTILINE)
    subprocess.run(["sh", "-e", "-c", typed], cwd=tmp_path, check=True, capture_output=True)
    for name in (["-verify_hostname", "mqtt.heat.example"], ["-verify_ip", "127.0.0.1"]):
        verify = [openssl, "verify", "-x509_strict", "-purpose", "sslserver", *name, "-CAfile", "ca.crt", "broker.crt"]
        assert subprocess.run(verify, cwd=tmp_path, capture_output=True, check=False).returncode == 0, name


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_copied_exist(page: str) -> None:
    named = re.findall(r"\bconfig/[\w@./-]+", "\n".join(body for _, body in fences(page)))
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]
