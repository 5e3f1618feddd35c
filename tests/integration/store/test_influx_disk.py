"""A real InfluxDB whose disk fails: full, and gone read-only as the kernel does it after an error."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from contract.storekit import T0, all_rows, room, table
from parts import need, required
from peers.influxd import influxd

from heating.errors import StoreUnavailable
from heating.reading import ReadingTable
from heating.store import ReadingStore, open_store

pytestmark = [pytest.mark.integration, pytest.mark.influx]


def run(*words: object) -> bool:
    return (
        shutil.which(str(words[0])) is not None
        and not subprocess.run([str(word) for word in words], check=False, capture_output=True).returncode
    )


def cannot(part: str) -> None:
    if required(part):
        pytest.fail(f"{part} cannot be mounted here, and HEATWATCH_REQUIRE asks for it", pytrace=False)
    pytest.skip(f"{part} cannot be mounted here")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() or not run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder):
        cannot("tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


class FailingDisk:
    """A file system of its own, which `fail` makes read-only under those who write, and `mend` whole again."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def mount(self) -> bool:
        return run("mount", "-o", "loop", self.image, self.folder)

    def fail(self) -> None:
        # What a program has not synced is lost with the journal: of this test's own files all is.
        assert run("sync", "-f", self.folder)
        assert run("mount", "-o", "remount,abort", self.folder)

    def mend(self) -> None:
        assert run("umount", self.folder)
        run("e2fsck", "-fy", self.image)
        assert self.mount()


@pytest.fixture
def failing_disk(tmp_path: Path) -> Iterator[FailingDisk]:
    need("mkfs.ext4")
    disk = FailingDisk(tmp_path / "image", tmp_path / "disk")
    disk.folder.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(64 << 20)
    if os.getuid() or not run("mkfs.ext4", "-q", "-F", disk.image) or not disk.mount():
        cannot("loop")
    yield disk
    subprocess.run(["umount", disk.folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte on a disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return ballast


def batch(number: int, devices: int = 100) -> ReadingTable:
    # Values that no compression makes small.
    return table(
        *(room(f"D{i}", T0 + number * 60_000 + i, 20 + i / 7 + number / 3, lag_s=number / 9) for i in range(devices))
    )


def fails(store: ReadingStore, number: int, words: str) -> None:
    """Write until it fails, which is soon, and says in one line why."""
    with pytest.raises(StoreUnavailable, match=words) as failed:
        deque(map(store.write, map(batch, range(number, number + 200))), maxlen=0)
    assert "\n" not in str(failed.value)


def test_what_a_full_disk_left_in_memory_is_no_repeat(small_disk: Path) -> None:
    with influxd(small_disk / "influx") as server, closing(open_store(server.url())) as store:
        store.write(batch(0))
        ballast = fill(small_disk)
        fails(store, 1, "no space left")
        # InfluxDB shows those rows, and has them nowhere but in memory.
        with closing(open_store(server.url())) as after_a_restart:
            assert max(after_a_restart.newest().values()) > T0 + 60_000
            for act in (after_a_restart.unseen, after_a_restart.write, store.write):
                with pytest.raises(StoreUnavailable):
                    act(batch(1))
        ballast.unlink()


@pytest.mark.parametrize("same_process", [True, False])
def test_what_is_acknowledged_after_a_full_disk_outlives_the_next_restart(small_disk: Path, same_process: bool) -> None:
    with influxd(small_disk / "influx") as server:
        store = open_store(server.url())
        store.write(batch(0))
        ballast = fill(small_disk)
        fails(store, 1, "no space left")
        ballast.unlink()
        server.kill()
        server.start()
        if not same_process:
            store.close()
            store = open_store(server.url())
        with closing(store):
            for number in range(1, 6):
                assert store.write(batch(number)).stored.all()
            assert len(all_rows(store)) == 600
            server.kill()
            server.start()
            assert len(all_rows(store)) == 600


def test_a_disk_that_went_read_only(failing_disk: FailingDisk) -> None:
    with influxd(failing_disk.folder / "influx") as server, closing(open_store(server.url())) as store:
        store.write(batch(0))
        failing_disk.fail()
        fails(store, 1, "read-only")
        assert {row[3] for row in all_rows(store)} >= {T0 + i for i in range(100)}, "it can still be read"
        server.kill()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.write(batch(1))
        failing_disk.mend()
        server.start()
        assert store.write(batch(1)).stored.all()
        assert not store.write(batch(0)).stored.any()
        server.kill()
        server.start()
        assert len(all_rows(store)) == 200
        server.kill()
