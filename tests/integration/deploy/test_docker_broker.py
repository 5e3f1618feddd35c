"""The broker's container without Docker: its two files, the secrets of `make secrets`, its health check."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from parts import ROOT, need
from peers.site_broker import Device, SiteBroker

from collector.credentials import PasswordFile
from heatwatch.site_secrets import Site

pytestmark = pytest.mark.integration


class DockerBroker(SiteBroker):
    """mosquitto with the files that docker-compose.yml mounts, at other places."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "config", folder / "config")
        super().__init__(folder)
        Site(folder, os.getegid()).fill(["localhost", "127.0.0.1"])
        self.secrets = folder / "secrets"
        self.accounts = self.secrets / "broker"
        self.ca = self.secrets / "ca.crt"
        shutil.rmtree(folder / "conf.d")
        (folder / "conf.d").mkdir()
        (folder / "data").mkdir()
        main = (ROOT / "config" / "docker" / "mosquitto.conf").read_text("utf-8")
        common = (ROOT / "config" / "mosquitto.conf").read_text("utf-8")
        (folder / "mosquitto.conf").write_text(f"user root\n{self.here(main)}")
        (folder / "conf.d" / "heatwatch.conf").write_text(self._here(common))

    def here(self, text: str) -> str:
        text = text.replace("/run/secrets/", f"{self.secrets}/").replace("/mosquitto/", f"{self.folder}/")
        return self._here(text).replace("-p 1883", f"-p {self.plain}")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[DockerBroker]:
    made = DockerBroker(tmp_path)
    made.start()
    yield made
    made.stop()


def test_health_check_of_the_container_sees_the_broker_and_its_end(broker: DockerBroker) -> None:
    need("mosquitto_sub")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    kind, command = compose["services"]["mosquitto"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    command = broker.here(command.replace("$$", "$"))
    assert subprocess.run(["sh", "-c", command], timeout=30, check=False).returncode == 0
    broker.stop()
    assert subprocess.run(["sh", "-c", command], timeout=30, check=False, capture_output=True).returncode != 0


def test_accounts_that_were_made_come_in_over_tls(broker: DockerBroker) -> None:
    secret = (broker.secrets / "mqtt-collector-password").read_text().strip()
    collector = Device(broker, "heatwatch", secret)
    assert collector.connected
    collector.close()
    assert set(PasswordFile.read(broker.accounts / "passwd").accounts) == {"heatwatch", "probe"}
