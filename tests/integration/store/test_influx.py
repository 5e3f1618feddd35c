"""InfluxDB when it is not well: away, slow, restarted, refusing rows, refusing us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import urllib3
from contract.storekit import HOUR, MINUTE, T0, all_rows, lines_of, rollup, room, table
from peers.influxd import Influxd, influxd, statement

from heating.errors import StoreMisconfigured, StoreUnavailable
from heating.measurement import Measurement
from heating.store import influx_http, influx_known, open_store, restore_store

pytestmark = [pytest.mark.integration, pytest.mark.influx]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


def test_a_process_that_only_reads_hears_of_new_readings(server, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_store(server.url("apart"))) as collector, closing(open_store(server.url("apart"))) as console:
        collector.write(table(room("D1", T0)))
        assert console.newest() == {"D1": T0}
        collector.write(table(room("D1", T0 + HOUR), room("D2", T0 + HOUR)))
        assert console.newest() == {"D1": T0}, "asked again within the minute, it spares the server"
        monkeypatch.setattr(influx_known, "_CATCH_UP_S", 0.0)
        assert console.newest() == {"D1": T0 + HOUR, "D2": T0 + HOUR}


class TestRefusedRows:
    def test_a_bad_row_is_rejected_and_the_rest_is_kept(self, server):
        with closing(open_store(server.url("types"))) as store:
            store.write(table(room("D0", T0)))
            # Somebody made the field of another shard's day an integer.
            line = f"room,device=X,point=X temperature_c=20i {T0 + 300 * 24 * HOUR}"
            urllib3.request("POST", f"http://127.0.0.1:{server.port}/write?db=types&precision=ms", body=line)
            later = T0 + 300 * 24 * HOUR
            batch = [room(f"D{i}", T0 + HOUR + i) for i in range(20)]
            batch[7] = room("D7", later)
            batch[13] = room("D13", later, None, humidity_pct=40.0)
            written = store.write(table(*batch))
            assert [row.index for row in written.rejected] == [7]
            assert "conflict" in written.rejected[0].reason
            assert written.stored.tolist() == [i != 7 for i in range(20)]
            assert len(all_rows(store, T0, T0 + 2 * HOUR)) == 19
            assert store.newest()["D13"] == later

    def test_a_database_with_a_shorter_retention(self, server):
        statement(server, "CREATE DATABASE short WITH DURATION 1h")
        with closing(open_store(server.url("short"))) as store:
            written = store.write(table(room("D1", T0 - 10_000 * HOUR)))
            assert not written.stored.any()
            assert "retention" in written.rejected[0].reason

    def test_a_limit_of_the_server_is_no_fault_of_the_rows(self, tmp_path):
        with (
            influxd(tmp_path, index="inmem", max_values_per_tag=5) as small,
            closing(open_store(small.url())) as store,
        ):
            store.write(table(*(room(f"D{i}", T0) for i in range(10))))
            with pytest.raises(StoreMisconfigured, match="limit"):
                store.write(table(*(room(f"E{i}", T0) for i in range(10))))


class TestAway:
    def test_opened_before_the_server_is_up(self, tmp_path):
        server = Influxd(tmp_path)
        with closing(open_store(server.url())) as store:
            with pytest.raises(StoreUnavailable, match="does not answer"):
                store.write(table(room("D1", T0)))
            server.start()
            try:
                assert store.write(table(room("D1", T0))).stored.all()
            finally:
                server.kill()

    def test_killed_and_started_again(self, tmp_path):
        with influxd(tmp_path) as server, closing(open_store(server.url())) as store:
            for number in range(5):
                store.write(table(*(room(f"D{i}", T0 + number * MINUTE, number / 8) for i in range(50))))
            server.kill()
            with pytest.raises(StoreUnavailable):
                store.write(table(room("D1", T0 + HOUR)))
            with pytest.raises(StoreUnavailable):
                store.series(["P-D1"], T0, T0 + HOUR)
            server.start()
            assert len(all_rows(store)) == 250
            again = store.write(table(room("D1", T0 + HOUR), room("D1", T0, 99.0)))
            assert again.stored.tolist() == [True, False]

    def test_frozen(self, tmp_path, monkeypatch):
        monkeypatch.setattr(influx_http, "_ANSWER_S", 1.0)
        with influxd(tmp_path) as server, closing(open_store(server.url())) as store:
            store.write(table(room("D1", T0)))
            server.freeze()
            with pytest.raises(StoreUnavailable):
                store.write(table(room("D1", T0 + 1)))
            server.thaw()
            # Whether the frozen server took it is not known; written again it is there once.
            assert store.write(table(room("D1", T0 + 1))).stored.all()
            assert len(all_rows(store)) == 2


class TestBackup:
    def fill(self, store) -> None:
        store.write(table(*(room(f"D {i}", T0 + i * HOUR, 20 + i / 7) for i in range(50))))
        store.write_rollup(rollup(Measurement.ROOM_HOUR, {"ts": T0, "point": "P,1", "mean_c": 20.0}))

    @pytest.mark.parametrize(("source", "target"), [("influx", "duckdb"), ("duckdb", "influx"), ("duckdb", "duckdb")])
    def test_of_one_adapter_fits_the_other(self, server, tmp_path, source, target):
        urls = {
            name: {"influx": server.url(f"{name} {source} {target}"), "duckdb": f"duckdb:///{tmp_path}/{name}.duckdb"}
            for name in ("from", "to")
        }
        with closing(open_store(urls["from"][source], role="owner")) as store:
            self.fill(store)
            store.backup(str(tmp_path / "saved"))
            before = all_rows(store)
            store.write(table(room("D1", T0)))
        restore_store(str(tmp_path / "saved"), urls["to"][target])
        with closing(open_store(urls["to"][target], role="owner")) as store:
            assert all_rows(store) == before
            assert len(lines_of(store.rollup(Measurement.ROOM_HOUR, T0, T0 + 1))) == 1
