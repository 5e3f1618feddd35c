"""`heatwatch dashboards build`: files, the language switch, secrets by name only; mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heating.errors import ConfigError
from heatwatch.cli import app


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_build_writes_dashboards_and_provisioning_in_the_language_of_the_site() -> None:
    listed = run("dashboards", "build", "--out", "g").split()
    assert len(listed) == 10
    assert all(Path(name).is_file() for name in listed)
    assert json.loads(Path("g/dashboards/heatwatch-home.json").read_text("utf-8"))["title"] == "4 用户"


def test_lang_switches_to_english() -> None:
    run("dashboards", "build", "--out", "g", "--lang", "en")
    assert json.loads(Path("g/dashboards/heatwatch-home.json").read_text("utf-8"))["title"] == "4 Home"


def test_the_data_source_is_that_of_the_store() -> None:
    Path("heatwatch.toml").write_text('[store]\nurl = "influxdb://db:8086/heat?org=o&tls=1"\n', "utf-8")
    run("dashboards", "build", "--out", "g", "--token-file", "/run/secrets/token")
    text = Path("g/provisioning/datasources/heatwatch.yaml").read_text("utf-8")
    assert 'url: "https://db:8086"' in text
    assert 'database: "heat"' in text
    assert '"Token $__file{/run/secrets/token}"' in text


def test_push_from_an_embedded_store_says_what_grafana_needs() -> None:
    Path("heatwatch.toml").write_text('[grafana]\nurl = "http://127.0.0.1:9"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"^store\.url = .*Grafana reads InfluxDB"):
        CliRunner().invoke(app, ["dashboards", "push"], catch_exceptions=False)


def test_the_client_of_grafana_is_loaded_by_those_who_ask_grafana() -> None:
    code = "import sys, heatwatch.cli; sys.exit('grafana_client' in sys.modules or 'niquests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
