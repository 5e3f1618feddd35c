"""The configuration: strict, with one line that helps; file, then environment, then flags."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec
import pytest
from parts import ROOT

from heating.errors import ConfigError
from heating.settings import read_secret
from heatwatch.config import SCHEMA, Settings, load_settings
from heatwatch.config_files import masked
from heatwatch.config_page import page

# Contract §2: keys that must exist, with these names.
CONTRACT = {
    "site": {"name", "timezone", "points", "seasons"},
    "mqtt": {
        "host",
        "port",
        "client_id",
        "username",
        "password_file",
        "tls_ca",
        "tls_cert",
        "tls_key",
        "receive_maximum",
        "version",
        "topics",
    },
    "store": {"url", "token_file", "retention_days"},
    "ledger": {"url"},
    "regulation": {"enterprise", "legal"},
    "analyzer": {
        "every_s",
        "stale_after_min",
        "confirm_min",
        "clear_margin_k",
        "low_floors",
        "network_end_fraction",
        "weight_low_floor",
        "weight_network_end",
    },
    "alerts": {"receivers"},
    "console": {"host", "port"},
    "grafana": {"url", "token_file"},
    "metrics": {"port"},
}


def load(folder: Path, text: str, env: dict[str, str] | None = None, **overrides: object) -> Settings:
    file = folder / "heatwatch.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, env or {}, {key.replace("__", "."): value for key, value in overrides.items()})


def refused(folder: Path, text: str, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as wrong:
        load(folder, text, env)
    assert "\n" not in str(wrong.value)
    return str(wrong.value)


def test_the_keys_of_the_contract_exist_with_its_defaults() -> None:
    wanted = {f"{section}.{name}" for section, names in CONTRACT.items() for name in names}
    assert wanted <= {f"{section}.{field.encode_name}" for section, field in SCHEMA.fields()}
    settings = Settings()
    assert settings.site.timezone == "Asia/Shanghai"
    assert (settings.regulation.enterprise, settings.regulation.legal) == ("enterprise", "tianjin")
    analyzer = settings.analyzer
    assert (analyzer.every_s, analyzer.stale_after_min, analyzer.confirm_min) == (60, 90, 30)
    assert (analyzer.clear_margin_k, analyzer.low_floors, analyzer.network_end_fraction) == (0.3, 2, 0.8)
    assert (analyzer.weight_low_floor, analyzer.weight_network_end) == (0.5, 0.5)
    assert (settings.store.retention_days, settings.metrics.port) == (0, 0)


def test_five_lines_run_a_site(tmp_path: Path) -> None:
    text = """
        [site]
        name = "东区"
        points = "points.csv"
        seasons = [{from = 2026-11-15, to = 2027-03-15}]
        """
    site = load(tmp_path, text).site
    assert site.points == str(tmp_path / "points.csv")
    assert site.season_dates == ((date(2026, 11, 15), date(2027, 3, 15)),)


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}) == Settings()
    (tmp_path / "heatwatch.toml").write_text("[console]\nport = 8099\n")
    assert load_settings(None, {}).console.port == 8099


def test_the_environment_wins_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    env = {
        "HEATWATCH__MQTT__PORT": "1884",
        "HEATWATCH__MQTT__HOST": "broker",
        "HEATWATCH__ANALYZER__CONFIRM_MIN": "12.5",
    }
    settings = load(tmp_path, "[mqtt]\nport = 1885\nclient_id = 'c'\n", env, mqtt__host="flag")
    assert (settings.mqtt.port, settings.mqtt.host, settings.mqtt.client_id) == (1884, "flag", "c")
    assert settings.analyzer.confirm_min == 12.5


@pytest.mark.parametrize(
    "text", ["[{from = 2026-11-01, to = 2027-03-01}]", '[{"from": "2026-11-01", "to": "2027-03-01"}]']
)
def test_lists_come_from_the_environment_too(tmp_path: Path, text: str) -> None:
    settings = load(tmp_path, "", {"HEATWATCH__SITE__SEASONS": text})
    assert settings.site.season_dates == ((date(2026, 11, 1), date(2027, 3, 1)),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[site]\nnam = 'x'", "site.nam: no such key; did you mean 'site.name'?"),
        ("[sit]\nname = 'x'", "sit: no such key; did you mean 'site'?"),
        ("name = 'x'", "name: no such key; did you mean 'site.name'?"),
        ("[mqtt]\nport = 'abc'", "mqtt.port = 'abc': must be a whole number, 1 up to 65535"),
        ("[mqtt]\nport = 0", "mqtt.port = 0: must be a whole number, 1 up to 65535"),
        ("[mqtt]\nport = 1883.5", "mqtt.port = 1883.5: must be a whole number"),
        ("[mqtt]\nversion = 7", "mqtt.version = 7: must be one of '3.1.1', '5', 'auto'"),
        ("mqtt = 3", "mqtt = 3: must be a table"),
        ("[[mqtt.topics]]\nfilter='a'\ndecodr='x'", "decodr: no such key; did you mean 'mqtt.topics[0].decoder'?"),
        ("[[mqtt.topics]]\ndecoder='x'", "mqtt.topics[0].filter: missing; must be text, not blank"),
        ("[analyzer]\nnetwork_end_fraction = 2", "fraction = 2: must be a number, more than 0 up to 1"),
        ("[analyzer]\nconfirm_min = nan", "analyzer.confirm_min = nan: must be a finite number"),
        ("[analyzer]\nevery_s = inf", "analyzer.every_s = inf: must be a finite number"),
        ("[site]\ntimezone='Asia/Shangai'", "timezone: 'Asia/Shangai' is no time zone; did you mean 'Asia/Shanghai'?"),
        ("[site]\ntimezone = '../etc'", "site.timezone: '../etc' is no time zone"),
        ("[site]\nlanguage = 'fr'", "site.language = 'fr': must be one of 'zh-CN', 'en'"),
        ("[site]\nseasons = [{from = 2026-11-01}]", "site.seasons[0].to: missing; must be a date such as 2026-11-15"),
        ("[site]\nseasons = [{from = 2026-11-01, to = 2026-10-01}]", "site.seasons[0].to: 2026-10-01 lies before"),
        ("[site]\nseasons=[{from=2026-11-01,to=2027-03-01},{from=2027-03-01,to=2027-04-01}]", "seasons: "),
        ("[[alerts.receivers]]\nname = 'x'\ntype = 'wecom'", "receivers[0].type = 'wecom': must be one of 'console'"),
        ("[[alerts.receivers]]\nname = 'x'", "alerts.receivers[0].type: missing"),
        ("[site\n", "is not valid TOML"),
        ("[site]\nname = 'a'\nname = 'b'", "is not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_what_would_be_right(tmp_path: Path, text: str, told: str) -> None:
    said = refused(tmp_path, text)
    assert told in said
    assert said.startswith(str(tmp_path / "heatwatch.toml"))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HEATWATCH__MQTT__PORT", "18x", "mqtt.port = '18x': must be a whole number"),
        ("HEATWATCH__MQTT__PORTS", "1", "mqtt.ports: no such key; did you mean 'mqtt.port'?"),
        ("HEATWATCH__MQTT", "1", "HEATWATCH__SECTION__KEY"),
        ("HEATWATCH__SITE__NAME__X", "1", "site.name.x: no such key"),
        ("HEATWATCH__ALERTS__RECEIVERS", "[", "alerts.receivers = '[': must be a list"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, told: str) -> None:
    said = refused(tmp_path, "", {name: value})
    assert said.startswith(f"{name}: ")
    assert told in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", "5"),
        ("5.0", "5"),
        ('"v5"', "5"),
        ("4", "3.1.1"),
        ("3", "3.1.1"),
        ('"V3.1.1"', "3.1.1"),
        ('"AUTO"', "auto"),
    ],
)
def test_a_version_may_be_written_as_people_do(tmp_path: Path, written: str, meant: str) -> None:
    assert load(tmp_path, f"[mqtt]\nversion = {written}").mqtt.version == meant


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(tmp_path / "none.toml", {})
    (tmp_path / "gbk.toml").write_bytes("[site]\nname = '东区'".encode("gb18030"))
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        load_settings(tmp_path / "gbk.toml", {})


def test_relative_files_belong_to_the_folder_of_the_configuration(tmp_path: Path) -> None:
    text = """
        [mqtt]
        tls_ca = "system"
        tls_cert = "certs/us.pem"
        [store]
        url = "duckdb:///data/h.duckdb"
        [[alerts.receivers]]
        name = "log"
        type = "file"
        path = "/var/log/notices.jsonl"
        """
    settings = load(tmp_path, text, site__points="points.csv")
    assert settings.mqtt.tls_ca == "system"
    assert settings.mqtt.tls_cert == str(tmp_path / "certs/us.pem")
    assert settings.store.url == f"duckdb:///{tmp_path}/data/h.duckdb"
    assert settings.ledger.url == f"sqlite:///{tmp_path}/var/heatwatch-ledger.sqlite"
    assert msgspec.to_builtins(settings.alerts.receivers)[0]["path"] == "/var/log/notices.jsonl"
    assert settings.site.points == "points.csv"  # a flag is relative to where the command is typed


def test_the_folder_of_the_command_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path, "[site]\npoints = 'points.csv'").site.points == "points.csv"
    assert load(tmp_path, "").store.url == Settings().store.url


def test_secrets_are_masked_wherever_settings_are_shown(tmp_path: Path) -> None:
    text = """
        [ledger]
        url = "postgresql+psycopg://heat:PASSWORD1@db/heat"
        [grafana]
        url = "https://admin:PASSWORD2@grafana:3000"
        [[alerts.receivers]]
        name = "robot"
        type = "webhook"
        url = "https://oapi.dingtalk.com/robot/send?access_token=PASSWORD3"
        """
    shown = str(masked(load(tmp_path, text)))
    assert "PASSWORD" not in shown
    assert "oapi.dingtalk.com" in shown
    assert "PASSWORD" not in refused(tmp_path, text + "timeout_s = 'long'")
    assert "PASSWORD" not in refused(tmp_path, text.replace("https://oapi", "htps://oapi"))


def test_a_secret_comes_from_its_file_or_the_environment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert read_secret("store.token_file", str(file), {}) == "s3cret"
    assert not caplog.records
    assert read_secret("store.token_file", "", {}) is None
    assert read_secret("store.token_file", str(file), {"HEATWATCH__STORE__TOKEN": "other"}) == "other"
    monkeypatch.setenv("HEATWATCH__STORE__TOKEN", "env")
    assert load_settings(None).store.credentials() == {"token": "env", "tls_ca": None}
    file.chmod(0o644)
    read_secret("store.token_file", str(file), {})
    assert "store.token_file" in caplog.text
    assert "s3cret" not in caplog.text
    with pytest.raises(ConfigError, match=r"store\.token_file = .*nowhere"):
        read_secret("store.token_file", str(tmp_path / "nowhere"), {})


def test_the_page_of_the_configuration_is_up_to_date() -> None:
    assert (ROOT / "config" / "heatwatch.toml").read_text("utf-8") == page(), "run `make docs`"


def test_every_line_of_the_page_is_a_key_at_its_default(tmp_path: Path) -> None:
    lines = page().splitlines()
    text = "\n".join(line.removeprefix("#") if not line.startswith("# ") else line for line in lines)
    keys = {f"{s}.{key}" for s, table in tomllib.loads(text).items() for key in table}
    assert keys == {f"{section}.{field.encode_name}" for section, field in SCHEMA.fields()}
    settings = load(tmp_path, text)
    assert settings.site.points == str(tmp_path / "points.csv")
    assert msgspec.structs.replace(settings, site=Settings().site) == load(tmp_path, "")
