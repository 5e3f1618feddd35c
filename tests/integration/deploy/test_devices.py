"""`heatwatch devices` against a real broker with TLS: who comes in, who may say what, who is thrown out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer
from peers.collecting import now_ms, wait_until
from peers.site_broker import Device, SiteBroker

from heating.errors import InputError
from heating.ledger import open_ledger
from heating.store import open_store
from heatwatch.commands import devices
from heatwatch.context import Context

pytestmark = pytest.mark.integration
READINGS = "heatwatch/v1/{}/readings"


class Site:
    """A configuration on the broker, and commands typed on it."""

    def __init__(self, folder: Path, broker: SiteBroker) -> None:
        self.folder = folder
        self.broker = broker
        self.config = folder / "heatwatch.toml"
        (folder / "points.csv").write_text(
            "point_id,device_id,station,building,unit,floor,room\n"
            "P1,A1,S1,1,1,2,201\nP2,B2,S1,1,1,3,301\nP3,odd/one,S1,1,1,4,401\n"
        )
        self.config.write_text(f"""
site.points = "points.csv"
[mqtt]
host = "localhost"
port = {broker.tls}
tls_ca = "{broker.ca}"
username = "heatwatch"
password_file = "collector-password"
device_password_file = "{broker.accounts}/passwd"
device_acl_file = "{broker.accounts}/acl"
broker_pid_file = "{broker.pid_file}"
[store]
url = "duckdb:///readings.duckdb"
[ledger]
url = "sqlite:///ledger.sqlite"
""")

    def devices(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "heatwatch", "--config", str(self.config), "devices", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def passwords(self, *words: str) -> dict[str, str]:
        return {row["username"]: row["password"] for row in json.loads(self.devices(*words, "--json").stdout)}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    broker = SiteBroker(tmp_path)
    made = Site(tmp_path, broker)
    made.devices("add", "--collector")
    broker.start()
    yield made
    broker.stop()


def test_a_device_writes_its_own_topics_and_no_others(site: Site) -> None:
    passwords = site.passwords("add", "--all")
    assert set(passwords) == {"A1", "B2"}, "an id with a slash cannot be an account"
    secret = (site.folder / "collector-password").read_text().strip()
    collector = Device(site.broker, "heatwatch", secret, subscribe="heatwatch/v1/#")
    a1 = Device(site.broker, "A1", passwords["A1"], subscribe="heatwatch/v1/#")
    assert a1.publish(READINGS.format("A1")) == "Success"
    assert a1.publish("heatwatch/v1/A1/status") == "Success"
    assert a1.publish(READINGS.format("B2")) == "Not authorized"
    assert a1.publish("heatwatch/v1/A1/else") == "Not authorized"
    assert a1.publish("heatwatch/v1/notices") == "Not authorized"
    assert collector.publish(READINGS.format("A1")) == "Not authorized"
    assert wait_until(lambda: len(collector.heard) >= 2, 10)
    assert collector.heard == [READINGS.format("A1"), "heatwatch/v1/A1/status"]
    assert a1.heard == [], "a device reads nothing"
    for wrong in ("A1", "B2", "nobody"):
        stranger = Device(site.broker, wrong, "wrong")
        assert stranger.refused == "Not authorized"
        stranger.close()
    a1.close()
    collector.close()


def test_who_was_revoked_is_thrown_out_and_stays_out(site: Site) -> None:
    passwords = site.passwords("add", "A1", "B2")
    a1, b2 = (Device(site.broker, name, passwords[name]) for name in ("A1", "B2"))
    assert "reads its accounts anew" in site.devices("revoke", "A1").stderr
    assert wait_until(lambda: not a1.connected, 10)
    assert b2.publish(READINGS.format("B2")) == "No matching subscribers", "B2 may still write"
    again = Device(site.broker, "A1", passwords["A1"])
    assert again.refused == "Not authorized"
    renewed = site.passwords("rotate", "B2")
    for password, refused in ((passwords["B2"], "Not authorized"), (renewed["B2"], None)):
        tried = Device(site.broker, "B2", password)
        assert tried.refused == refused
        tried.close()
    for device in (a1, b2, again):
        device.close()


def test_no_password_is_kept_and_every_act_stands_in_the_chain(site: Site) -> None:
    out = site.folder / "for-the-workshop.csv"
    site.devices("add", "A1", "B2", "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open() as file:
        passwords = [row["password"] for row in csv.DictReader(file)]
    site.devices("revoke", "A1")
    kept = b"".join(p.read_bytes() for p in site.folder.rglob("*") if p.is_file() and p != out)
    assert not [password for password in passwords if password.encode() in kept]
    ledger = open_ledger(f"sqlite:///{site.folder}/ledger.sqlite")
    told = [(e.body["act"], e.body["devices"]) for e in ledger.chain.entries(kind="audit", subject="devices")]
    assert ledger.chain.verify().reason is None
    ledger.close()
    assert told == [("add_account", ["heatwatch"]), ("add_accounts", ["A1", "B2"]), ("revoke_accounts", ["A1"])]
    listed = {row["device_id"]: row for row in json.loads(site.devices("list", "--json").stdout)}
    assert listed["B2"] == {"device_id": "B2", "point_id": "P2", "account": True}
    assert not listed["A1"]["account"]


def test_mistakes_are_one_line_and_change_nothing(site: Site) -> None:
    site.devices("add", "A1")
    before = (site.broker.accounts / "passwd").read_text()
    taken = site.folder / "taken.csv"
    taken.write_text("mine")
    for mistake in (
        lambda typed: devices.add(typed, ["A1"]),
        lambda typed: devices.add(typed, ["new", "a/b"]),
        lambda typed: devices.add(typed),
        lambda typed: devices.add(typed, ["A1"], everyone=True),
        lambda typed: devices.add(typed, ["B2"], out=taken),
        lambda typed: devices.add(typed, ["heatwatch"]),
        lambda typed: devices.add(typed, collector=True),
        lambda typed: devices.rotate(typed, ["B2"]),
        lambda typed: devices.revoke(typed, ["A1", "B2"]),
    ):
        with pytest.raises(InputError) as wrong:
            mistake(cast(typer.Context, SimpleNamespace(obj=Context(site.config, None))))
        assert "\n" not in str(wrong.value)
    assert len(site.devices("add", "A1", code=2).stderr.strip().splitlines()) == 1
    assert (site.broker.accounts / "passwd").read_text() == before
    assert taken.read_text() == "mine"


def test_collector_of_the_site_stores_over_tls_with_its_password(site: Site) -> None:
    password = site.passwords("add", "A1")["A1"]
    log = site.folder / "run.log"
    with log.open("wb") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "heatwatch", "--config", str(site.config), "run", "collector"], stderr=file
        )
    try:
        assert wait_until(lambda: log.read_text().count(" subscribed ") >= 2 or run.poll() is not None, 30)
        device = Device(site.broker, "A1", password)
        ts = now_ms()
        assert device.publish(READINGS.format("A1"), json.dumps({"ts": ts, "temperature_c": 19.5})) == "Success"
        device.close()
        stored = f"sqlite:///{site.folder}/ledger.sqlite"

        def counted() -> bool:
            ledger = open_ledger(stored)
            counts = ledger.journal.counters()
            ledger.close()
            return counts.get("stored") == 1

        assert wait_until(counted, 20)
    finally:
        run.terminate()
        code = run.wait(60)
    assert code == 0, log.read_text()
    store = open_store(f"duckdb:///{site.folder}/readings.duckdb", role="owner")
    rows = [(str(t.device[i]), int(t.ts_ms[i])) for t in store.readings(0, 4_000_000_000_000) for i in range(len(t))]
    store.close()
    assert rows == [("A1", ts)]
