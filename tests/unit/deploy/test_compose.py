"""docker-compose.yml and Dockerfile, read as data: what a site must be able to rely on without trying it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts import ROOT

from dashboards.console.users import load_users
from heatwatch.config import load_settings
from heatwatch.site_secrets import IMAGE_GROUP, Site

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LONG = sorted(name for name, service in SERVICES.items() if service.get("restart") != "no")


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Source and place of every volume."""
    return [(str(volume).split(":")[0], str(volume).split(":")[1]) for volume in service.get("volumes", ())]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a clone is after `make secrets`."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "config", root / "config")
    Site(root, root.stat().st_gid).fill(["localhost"])
    return root


def test_a_box_of_the_picture_is_a_service() -> None:
    assert {"mosquitto", "influxdb", "grafana", "collector", "analyzer", "alerts", "console"} <= set(SERVICES)
    for stage in ("collector", "analyzer", "alerts", "console"):
        assert SERVICES[stage]["command"] == ["run", stage]


def test_every_port_is_on_loopback_unless_told_otherwise() -> None:
    ports = [str(port) for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(re.fullmatch(r"\$\{HEATWATCH(_WEB)?_BIND:-127\.0\.0\.1\}:\d+:\d+", port) for port in ports)
    assert not any(port.endswith((":1883", ":8086")) for port in ports), "neither plain MQTT nor the store"


@pytest.mark.parametrize("name", LONG)
def test_a_service_that_runs_on_is_watched_bounded_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]
    assert service["mem_limit"]
    assert service["pids_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert not any("docker.sock" in source for source, _ in mounts(service))
    if service["image"].startswith("heatwatch:"):
        assert "USER 10001:10001" in DOCKERFILE
    else:
        assert not str(service["user"]).startswith("0")


def test_images_are_pinned_and_ours_is_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for service in SERVICES.values():
        _, tag = service["image"].rsplit(":", 1)
        assert re.fullmatch(r"\d+\.\d+\.\d+", tag)
        assert not service["image"].startswith("heatwatch:") or tag == version
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", bases[0])


def test_no_password_stands_in_the_files() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET_KEY", key):
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"
    settings = tomllib.loads((ROOT / "config" / "docker" / "heatwatch.toml").read_text("utf-8"))
    assert not re.search(r"://[^/]*:[^/]*@", json.dumps(settings))


def test_every_secret_is_declared_made_and_named_where_it_is_used(made: Path) -> None:
    declared = {name: made / secret["file"] for name, secret in COMPOSE["secrets"].items()}
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= set(declared)
    assert {name for s in SERVICES.values() for name in s.get("secrets", ())} == set(declared), "none for nothing"
    need_openssl = {"ca.crt", "broker.crt", "broker.key"}
    for name, file in declared.items():
        if name in need_openssl and shutil.which("openssl") is None:
            continue
        assert file.read_text().strip()
        assert file.stat().st_mode & 0o777 == 0o640, "the administrator and the containers' group"
    assert (made / "secrets").stat().st_mode & 0o777 == 0o700, "no other user of the machine gets so far"
    for file in ("heatwatch.toml", "mosquitto.conf", "influxdb-grafana.sh"):
        text = (ROOT / "config" / "docker" / file).read_text("utf-8")
        assert set(re.findall(r"/run/secrets/([\w.-]+)", text)) <= set(declared)


def test_what_is_mounted_exists(made: Path) -> None:
    for service in SERVICES.values():
        for source, _ in mounts(service):
            if source.startswith("./"):
                assert (made / source).exists(), source
            else:
                assert source in COMPOSE["volumes"], source
    assert (ROOT / "config" / "docker" / "influxdb-grafana.sh").stat().st_mode & 0o111, (
        "the image runs executables only"
    )


def test_secrets_are_made_once_and_never_changed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    group = tmp_path.stat().st_gid
    Site(tmp_path, group).fill(["localhost"])
    first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "secrets" / "influxdb-token").write_text("ours\n")
    (tmp_path / ".env").write_text(f"HEATWATCH_BIND=0.0.0.0\nHEATWATCH_GID={group}\n")
    Site(tmp_path, group).fill(["localhost"])
    for path, content in first.items():
        if path.name not in ("influxdb-token", ".env"):
            assert path.read_bytes() == content, path
    assert (tmp_path / "secrets" / "influxdb-token").read_text() == "ours\n"
    assert (tmp_path / ".env").read_text().count("HEATWATCH_GID") == 1
    values = [path.read_text() for path in (tmp_path / "secrets").glob("*-password")]
    assert len(set(values)) == len(values) >= 5
    assert all(len(value.strip()) >= 32 for value in values)


def test_what_the_tools_write_comes_out_and_is_nobody_elses(made: Path) -> None:
    assert ("./out", "/out") in mounts(SERVICES["tools"])
    assert (made / "out").stat().st_mode & 0o7777 == 0o2770, "the containers' group writes, and its files stay its own"
    assert SERVICES["tools"]["environment"]["TMPDIR"] in {place for _, place in mounts(SERVICES["tools"])}
    assert "/out/" in (ROOT / ".gitignore").read_text("utf-8").split("\n")


def test_configuration_in_the_containers_is_one_and_fits_the_services(made: Path) -> None:
    settings = load_settings(made / "site" / "heatwatch.toml", {})
    assert settings.mqtt.host in SERVICES
    assert settings.store.url.startswith("influxdb://influxdb:8086/heatwatch?")
    places = {place for _, place in mounts(SERVICES["collector"])}
    assert settings.collector.state_dir.startswith("/var/lib/heatwatch/")
    assert settings.ledger.url.startswith("sqlite:////var/lib/heatwatch/")
    assert "/var/lib/heatwatch" in places
    assert str(settings.metrics.port) in json.dumps(SERVICES["collector"]["healthcheck"])
    assert str(settings.metrics.port) in DOCKERFILE
    users = load_users(str(made / "secrets" / "console-users.toml"))
    assert users.check("admin", (made / "secrets" / "console-admin-password").read_text().strip())
    folder = Path(settings.mqtt.device_password_file).parent
    for service in ("tools", "mosquitto"):
        assert ("./secrets/broker", str(folder)) in mounts(SERVICES[service])
    assert str(IMAGE_GROUP) in DOCKERFILE
    assert f"${{HEATWATCH_GID:-{IMAGE_GROUP}}}" in TEXT


def test_grafana_finds_what_is_built_for_it_and_may_read_its_password(made: Path, tmp_path: Path) -> None:
    command = SERVICES["dashboards"]["command"]
    given = dict(word.removeprefix("--").split("=") for word in command if word.startswith("--"))
    assert ("dashboards", given["out"]) in mounts(SERVICES["grafana"])
    assert SERVICES["grafana"]["environment"]["GF_PATHS_PROVISIONING"] == f"{given['out']}/provisioning"
    assert given["password-file"].removeprefix("/run/secrets/") in SERVICES["grafana"]["secrets"]
    words = ["--config", str(made / "site" / "heatwatch.toml"), *command]
    words[words.index(f"--out={given['out']}")] = f"--out={tmp_path}"
    done = subprocess.run([sys.executable, "-m", "heatwatch", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (source,) = yaml.safe_load((tmp_path / "provisioning/datasources/heatwatch.yaml").read_text())["datasources"]
    assert source["url"] == "http://influxdb:8086"
    assert (source["database"], source["user"]) == ("heatwatch", given["user"])
    assert source["secureJsonData"]["password"] == f"$__file{{{given['password-file']}}}"
    assert f"--username {given['user']}" in (ROOT / "config/docker/influxdb-grafana.sh").read_text()
    (provider,) = yaml.safe_load((tmp_path / "provisioning/dashboards/heatwatch.yaml").read_text())["providers"]
    assert list(Path(provider["options"]["path"]).glob("*.json"))


def test_signals_reach_the_stage_and_it_has_time_to_finish() -> None:
    assert re.search(r'^ENTRYPOINT \["heatwatch"\]$', DOCKERFILE, re.MULTILINE), "no shell between"
    for name in ("collector", "analyzer", "alerts", "console"):
        assert SERVICES[name]["init"] is True
        assert int(SERVICES[name]["stop_grace_period"].rstrip("s")) >= 60


def test_nobody_is_told_to_signal_a_container_by_docker() -> None:
    """`docker kill` of any signal counts as a stop by hand, after which `unless-stopped` does not start it again."""
    pages = [*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("config/**/*.*"), *ROOT.glob("*.yml")]
    told = [page for page in [*pages, *ROOT.glob("heatwatch/*.py")] if "kill -s HUP mos" in page.read_text("utf-8")]
    assert told == []
    assert "unless-stopped" in TEXT


def test_image_takes_the_packages_and_nothing_of_the_site() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    kept = {line[1:] for line in ignored if line.startswith("!")}
    include = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    assert "*" in ignored
    assert kept == {name.rstrip("*") for name in include["include"]} | {"pyproject.toml", "README.md", "LICENSE"}


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker with compose is not on this machine")
def test_docker_compose_config_is_clean(made: Path) -> None:
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if known.returncode:
        pytest.skip("the docker client has no compose plugin")
    shutil.copy(ROOT / "docker-compose.yml", made)
    done = subprocess.run(
        ["docker", "compose", "--profile", "tools", "config", "--quiet"],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
