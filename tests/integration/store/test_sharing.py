"""The embedded store between processes: one owner, guests, kills, damaged logs, a full disk."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
from contract.storekit import lines_of, rollup
from integration.store.writer import BATCH, T0, batch

from heating.errors import ConfigError, InputError, NotThere, StoreMisconfigured, StoreOwned, StoreUnavailable
from heating.measurement import Measurement
from heating.store import open_store, restore_store
from heating.store.ownership import socket_path

pytestmark = pytest.mark.integration
WRITER = Path(__file__).with_name("writer.py")


@contextmanager
def child(action: str, url: str, *rest: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(WRITER), action, url, *rest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def url_of(folder: Path) -> str:
    return f"duckdb:///{folder}/heat.duckdb"


def stored(store) -> set[tuple[str, int]]:
    keys = [
        (device, ts)
        for chunk in store.readings(T0, T0 + 10**9)
        for device, ts in zip(chunk.device.tolist(), chunk.ts_ms.tolist(), strict=True)
    ]
    assert len(keys) == len(set(keys))
    return set(keys)


def test_a_second_owner_is_told_who_owns_it(tmp_path):
    with child("hold", url_of(tmp_path)) as owner:
        assert owner.stdout.readline() == "ready\n"
        with pytest.raises(StoreOwned, match=rf"pid {owner.pid} \(.*writer.py hold.*\) since 20"):
            open_store(url_of(tmp_path), role="owner")
    open_store(url_of(tmp_path), role="owner").close()


def test_a_second_owner_in_the_same_process_is_refused(tmp_path):
    owner = open_store(url_of(tmp_path), role="owner")
    with pytest.raises(StoreOwned, match=f"pid {os.getpid()}"):
        open_store(url_of(tmp_path), role="owner")
    owner.close()


def test_a_guest_reads_and_writes_while_an_owner_comes_and_goes(tmp_path):
    guest = open_store(url_of(tmp_path), role="reader")
    assert stored(guest) == set()
    with child("hold", url_of(tmp_path)) as owner:
        assert owner.stdout.readline() == "ready\n"
        assert "served by its owner" in guest.ping()
        assert len(stored(guest)) == BATCH
        assert guest.write(batch(1)).stored.all()
        assert not guest.write(batch(0)).stored.any()
        owner.kill()
        owner.wait()
        # Socket and note of the killed owner are still there.
        assert socket_path(tmp_path / "heat.duckdb").exists()
        assert len(stored(guest)) == 2 * BATCH
    assert guest.write(batch(2)).stored.all()
    with pytest.raises(StoreOwned):
        open_store(url_of(tmp_path), role="owner")
    guest.close()
    owner = open_store(url_of(tmp_path), role="owner")
    assert len(stored(owner)) == 3 * BATCH
    owner.close()


def test_a_busy_guest_does_not_keep_an_owner_out(tmp_path):
    first = open_store(url_of(tmp_path), role="owner")
    first.write(batch(0))
    first.close()
    with child("read", url_of(tmp_path)) as guest:
        assert guest.stdout.readline() == "ready\n"
        owner = open_store(url_of(tmp_path), role="owner")
        owner.write(batch(1))
        owner.close()
        rounds, _ = guest.communicate(timeout=30)
        assert int(rounds) > 0


def test_the_socket_is_for_this_user_alone(tmp_path):
    owner = open_store(url_of(tmp_path), role="owner")
    assert stat.S_IMODE(socket_path(tmp_path / "heat.duckdb").stat().st_mode) == 0o600
    owner.close()
    assert not socket_path(tmp_path / "heat.duckdb").exists()


def test_a_path_too_long_for_a_socket(tmp_path):
    folder = tmp_path / ("long" * 30)
    owner = open_store(url_of(folder), role="owner")
    owner.write(batch(0))
    listening = socket_path(folder / "heat.duckdb")
    assert listening.parent != folder
    assert stat.S_IMODE(listening.parent.stat().st_mode) == 0o700
    guest = open_store(url_of(folder), role="reader")
    assert len(stored(guest)) == BATCH
    owner.close()


def test_what_was_acknowledged_survives_kills(tmp_path):
    rng = random.Random(7)
    acknowledged: set[int] = set()
    for _ in range(6):
        with child("write", url_of(tmp_path), str(len(acknowledged))) as owner:
            for _ in range(rng.randrange(1, 60)):
                acknowledged.add(int(owner.stdout.readline()))
            owner.kill()
            rest, _ = owner.communicate()
            acknowledged.update(int(line) for line in rest.split("\n")[:-1])
    store = open_store(url_of(tmp_path), role="owner")
    keys = stored(store)
    numbers = {ts - T0 for _, ts in keys}
    # A batch is there as a whole or not at all; one that was not acknowledged may be there.
    assert acknowledged <= numbers
    assert len(keys) == BATCH * len(numbers)
    assert not store.write(batch(min(acknowledged))).stored.any()
    store.close()


@pytest.mark.parametrize("damage", ["cut", "zeroed"])
def test_a_log_torn_by_a_power_cut(tmp_path, damage, caplog):
    with child("write", url_of(tmp_path), "0") as owner:
        for _ in range(20):
            owner.stdout.readline()
        owner.kill()
    wal = tmp_path / "heat.duckdb.wal"
    size = wal.stat().st_size
    with wal.open("r+b") as file:
        file.truncate(size - 300)
        if damage == "zeroed":
            file.truncate(size)
    store = open_store(url_of(tmp_path), role="owner")
    numbers = {ts - T0 for _, ts in stored(store)}
    assert numbers == set(range(len(numbers)))
    assert len(numbers) >= 18
    kept = list(tmp_path.glob("*.wal.damaged-*"))
    assert bool(kept) == (damage == "zeroed") == ("store_log_cut" in caplog.text)
    assert store.write(batch(10_000)).stored.all()
    store.close()


def test_a_full_disk_is_unavailable_and_heals(tmp_path):
    with child("fill", url_of(tmp_path)) as owner:
        written = int(owner.stdout.readline())
        assert written > 0
        assert int(owner.stdout.readline()) == (written + 10) * BATCH
    store = open_store(url_of(tmp_path), role="owner")
    assert len(stored(store)) == (written + 10) * BATCH
    store.close()


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "heat.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreMisconfigured, match=r"store\.url"):
        open_store(url_of(tmp_path), role="owner")
    with pytest.raises(StoreMisconfigured):
        open_store(f"duckdb:///{tmp_path}", role="owner")
    with pytest.raises(NotThere):
        open_store(f"duckdb:///{tmp_path}/none.duckdb", create=False)


def test_backup_and_restore(tmp_path):
    url = url_of(tmp_path)
    with closing(open_store(url, role="owner")) as store, closing(open_store(url)) as guest:
        store.write(batch(0))
        guest.backup(str(tmp_path / "saved"))
        store.write(batch(1))
        with pytest.raises(InputError, match="exists already"):
            store.backup(str(tmp_path / "saved"))
        with pytest.raises(StoreOwned):
            restore_store(str(tmp_path / "saved"), url)
    with closing(open_store(url)) as guest:
        guest.backup(str(tmp_path / "saved alone"))
    restore_store(str(tmp_path / "saved"), url)
    for name, batches in (("heat.duckdb", 1), ("heat.duckdb.before-restore", 2)):
        with closing(open_store(f"duckdb:///{tmp_path}/{name}", role="owner")) as store:
            assert len(stored(store)) == batches * BATCH
    (tmp_path / "saved" / "store.duckdb").write_bytes(b"torn" * 2000)
    for folder in ("saved", "none"):
        with pytest.raises(InputError):
            restore_store(str(tmp_path / folder), url)


def test_a_file_of_an_older_version_gets_what_is_new(tmp_path):
    open_store(url_of(tmp_path), role="owner").close()
    with duckdb.connect(str(tmp_path / "heat.duckdb")) as older:
        older.execute("DROP TABLE station_status; ALTER TABLE room_hour DROP COLUMN below_min")
    hour = rollup(Measurement.ROOM_HOUR, {"ts": T0, "point": "P1", "mean_c": 20.0, "below_min": 5.0})
    status = rollup(Measurement.STATION_STATUS, {"ts": T0, "station": "S1", "mean_c": 20.0})
    with closing(open_store(url_of(tmp_path))) as guest:
        for measurement in (Measurement.ROOM_HOUR, Measurement.STATION_STATUS):
            assert lines_of(guest.rollup(measurement, T0, T0 + 1)) == []
    with closing(open_store(url_of(tmp_path), role="owner")) as store:
        for rows in (hour, status):
            store.write_rollup(rows)
            assert lines_of(store.rollup(rows.measurement, T0, T0 + 1)) == lines_of(rows)


def test_where_no_socket_can_be(tmp_path):
    in_the_way = tmp_path / "heat.duckdb.sock"
    in_the_way.mkdir()
    with pytest.raises(StoreMisconfigured, match="cannot serve"):
        open_store(url_of(tmp_path), role="owner")
    in_the_way.rmdir()
    open_store(url_of(tmp_path), role="owner").close()


def test_a_closed_store_says_so(tmp_path):
    store = open_store(url_of(tmp_path), role="owner")
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.ping()


@pytest.mark.parametrize(
    "url",
    [
        "heat.duckdb", "duckdb://heat.duckdb", "duckdb:///", "duckdb:///a?b=1", "sqlite:///a", "influxdb://localhost",
        "influxdb://localhost:99999/heat", "influxdb://localhost/heat?tsl=1", "influxdb://localhost/heat?tls=maybe",
        "influxdb://u:secret@localhost/heat", "",
    ],
)  # fmt: skip
def test_wrong_urls_are_one_clear_line(url):
    with pytest.raises(ConfigError, match=r"^store\.url[^\n]*$") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
