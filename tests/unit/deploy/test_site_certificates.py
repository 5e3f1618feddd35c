"""The certificates that `make secrets` makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from parts import need

from heatwatch.site_secrets import new_ca, new_certificate


@pytest.mark.parametrize("name", [("-verify_hostname", "mqtt.example"), ("-verify_ip", "10.0.0.5")])
def test_clients_that_are_strict_take_them(tmp_path: Path, name: tuple[str, str]) -> None:
    openssl = need("openssl")
    new_ca(tmp_path / "ca.crt", tmp_path / "ca.key")
    new_certificate(tmp_path / "ca.crt", tmp_path / "ca.key", tmp_path / "broker.crt", ["mqtt.example", "10.0.0.5"])
    verify = [openssl, "verify", "-x509_strict", "-purpose", "sslserver", *name, "-CAfile", "ca.crt", "broker.crt"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
