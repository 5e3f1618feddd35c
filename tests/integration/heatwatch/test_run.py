"""`heatwatch run` as an operator meets it: from a published reading to an order, one owner, an orderly end."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers.mosquitto import Mosquitto, mosquitto
from peers.site import HEATWATCH, Site

pytestmark = [pytest.mark.integration, pytest.mark.slow]

POINTS = """point_id,device_id,station,branch,building,unit,floor,floors_total,room,contact,phone
P1,D1,S1,B,3,1,1,6,101,王试验,00000000001
P2,D2,S1,B,3,1,5,6,501,李试验,00000000002
"""
FAST = "[analyzer]\nevery_s = 0.5\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with mosquitto(folder) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Site:
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    return Site(tmp_path, tmp_path / "points.csv", mqtt_port=broker.port, extra=FAST)


def publish(broker: Mosquitto, device: str, celsius: float, minutes_ago: tuple[float, ...]) -> None:
    """Publish readings as a stranger to our code would: by mosquitto_pub."""
    now = datetime.now(UTC)
    readings = [
        {"ts": (now - timedelta(minutes=m)).isoformat(timespec="milliseconds"), "temperature_c": celsius}
        for m in minutes_ago
    ]
    subprocess.run(
        ["mosquitto_pub", "-h", broker.host, "-p", str(broker.port), "-q", "1", "-t", f"heatwatch/v1/{device}/readings",
         "-m", json.dumps({"readings": readings})],
        check=True, timeout=20,
    )  # fmt: skip


def test_from_a_reading_to_an_order_and_an_orderly_end(site: Site, broker: Mosquitto) -> None:
    with site.running():
        site.wait("every stage healthy", lambda: site.get("/healthz")["status"] == "ok")
        publish(broker, "D1", 11.0, (55, 35, 15))
        publish(broker, "D2", 21.0, (50, 30, 10))
        site.wait("an order", lambda: len(site.get("/api/v1/orders")["orders"]) > 0)
        (order,) = site.ask("orders")
        (finding,) = [f for f in site.ask("findings") if f["kind"] == "cold_home"]
        told = site.ask("explain", order["id"])
        rows = site.ask("analyze", "--at", datetime.now(UTC).isoformat())["homes"]
    assert (finding["subject"]["id"], finding["confirmed"], finding["severity"]) == ("P1", True, "critical")
    assert order["homes"] == ["S1/3/1/101"]
    assert "00000000001" not in json.dumps(order), "personal data only where an order is shown"
    assert told["findings"][0]["rule"]["clause"].startswith("S2 §7")
    assert [row["status"] for row in rows] == ["cold", "ok"]
    assert site.counters()["stored"] == 6
    notices = (site.folder / "notices.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["why"] for line in notices] == ["order_opened"]
    site.call("verify")


def test_killed_and_started_again_it_neither_loses_nor_alarms_twice(site: Site, broker: Mosquitto) -> None:
    first = site.start()
    site.wait("subscribed", lambda: "/status" in site.log)
    publish(broker, "D1", 11.0, (55, 35, 15))
    site.wait("an order", lambda: len(site.get("/api/v1/orders")["orders"]) == 1)
    first.kill()
    first.wait()
    publish(broker, "D2", 21.0, (50, 30, 10))
    with site.running():
        site.wait("what waited in the broker", lambda: site.counters().get("stored") == 6)
        site.wait("every stage healthy", lambda: site.get("/healthz")["status"] == "ok")
        assert len(site.ask("orders")) == 1
    notices = (site.folder / "notices.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["why"] for line in notices] == ["order_opened"]
    site.call("verify")


def test_a_second_run_names_the_owner_and_other_commands_go_on(site: Site, tmp_path: Path) -> None:
    with site.running("collector") as process:
        site.wait("subscribed", lambda: "/status" in site.log)
        second = site.call("run", check=False)
        assert second.returncode == 2
        assert str(process.pid) in second.stderr
        assert len(second.stderr.strip().splitlines()) == 1, second.stderr
        file = tmp_path / "history.csv"
        file.write_text("device_id,ts,temperature_c\nD1,2026-01-02T10:00:00+08:00,19.5\n", encoding="utf-8")
        site.call("import", "readings", str(file))
        out = site.call("export", "readings", "--from", "2026-01-02", "--to", "2026-01-03").stdout
        assert "D1,2026-01-02T10:00:00.000+08:00,19.5" in out
        site.call("backup", str(tmp_path / "backup.tar.gz"))
    site.call("verify")


def test_backup_brings_everything_back(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text("device_id,ts,temperature_c\nD1,2026-01-02T10:00:00+08:00,19.5\n", encoding="utf-8")
    site.call("import", "readings", str(file))
    site.call("backup", str(tmp_path / "backup.tar.gz"))
    assert (tmp_path / "backup.tar.gz").stat().st_mode & 0o777 == 0o640, "names and telephones are in it"
    span = ("export", "readings", "--from", "2026-01-02", "--to", "2026-01-03")
    before = site.call(*span).stdout
    for state in (*tmp_path.glob("store.duckdb*"), *tmp_path.glob("ledger.sqlite*")):
        state.unlink()
    site.call("restore", str(tmp_path / "backup.tar.gz"))
    assert site.call(*span).stdout == before
    site.call("verify")


def test_demo_ends_by_itself_having_shown_what_it_promises(tmp_path: Path) -> None:
    done = subprocess.run(
        [*HEATWATCH, "demo", "--homes", "120", "--for", "45s"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "orders open" in done.stdout
    assert "WO-" in done.stdout
    assert "cause: " in done.stdout
    log = (tmp_path / "demo-data" / "demo.log").read_text("utf-8")
    assert " error " not in log, log[-3000:]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_even_without_a_broker(tmp_path: Path, signal_number: int) -> None:
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    alone = Site(tmp_path, tmp_path / "points.csv")
    process = alone.start()
    alone.wait("started", lambda: "running stages" in alone.log)
    process.send_signal(signal_number)
    assert process.wait(30) == 0, alone.log
