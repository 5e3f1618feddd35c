"""Who may use InfluxDB, and whom we take for it: TLS, users, databases. Each refusal is one line that names the key."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from contract.storekit import T0, all_rows, room, table
from parts import need
from peers.influxd import Influxd, influxd, statement

from heating.errors import ConfigError, StoreMisconfigured
from heating.store import open_store

pytestmark = [pytest.mark.integration, pytest.mark.influx]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a CA, another one, and certificates with key for this machine and for elsewhere."""
    folder, openssl = tmp_path_factory.mktemp("certificates"), str(need("openssl"))

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes")
    for name in ("ca", "other"):
        run("req", "-x509", *new, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
    sign = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
    for name, subject in (("here", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere")):
        (folder / "names").write_text(f"subjectAltName={subject}")
        run("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *sign)
        both = folder / f"{name}.pem"
        both.write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
        both.chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def servers(certificates, tmp_path_factory) -> Iterator[dict[str, Influxd]]:
    named = {"here": certificates / "here.pem", "elsewhere": certificates / "elsewhere.pem", "in clear": None}
    with ExitStack() as running:
        yield {
            name: running.enter_context(influxd(tmp_path_factory.mktemp("tls"), certificate=certificate))
            for name, certificate in named.items()
        }


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[Influxd]:
    with influxd(tmp_path_factory.mktemp("guarded"), auth=True) as server:
        statement(server, "CREATE USER admin WITH PASSWORD 'open sesame' WITH ALL PRIVILEGES")
        server.user = ("admin", "open sesame")
        statement(server, "CREATE DATABASE heat")
        for name, right in (("writer", "ALL"), ("reader", "READ")):
            statement(server, f"CREATE USER {name} WITH PASSWORD 'p:ä ß'")
            statement(server, f"GRANT {right} ON heat TO {name}")
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Influxd]:
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


class TestTls:
    def test_a_ca_of_our_own(self, servers, certificates):
        url = servers["here"].url(options="?tls=1")
        with closing(open_store(url, tls_ca=str(certificates / "ca.crt"))) as store:
            assert store.write(table(room("D1", T0))).stored.all()
            assert len(all_rows(store)) == 1
            assert "https://" in store.ping()

    @pytest.mark.parametrize(
        ("server", "ca", "options", "said"),
        [
            ("here", "other.crt", "?tls=1", r"^store\.tls_ca: no CA that is trusted has signed"),
            ("here", None, "?tls=1", r"^store\.tls_ca: no CA that is trusted has signed"),
            ("elsewhere", "ca.crt", "?tls=1", r"^store\.url: the certificate .* does not hold: IP address mismatch"),
            ("in clear", None, "?tls=1", r"^store\.url: .* speaks no TLS"),
            ("here", None, "", r"^store\.url: .* speaks TLS only: .* tls=1"),
        ],
    )
    def test_whom_we_do_not_trust(self, servers, certificates, server, ca, options, said):
        url, file = servers[server].url(options=options), str(certificates / ca) if ca else None
        with closing(open_store(url, tls_ca=file)) as store:
            for act in (lambda: store.write(table(room("D1", T0))), store.newest, store.ping):
                with pytest.raises(StoreMisconfigured, match=said) as refused:
                    act()
                assert "\n" not in str(refused.value)

    @pytest.mark.parametrize("name", ["none", "ca.key", "."])
    def test_a_file_that_holds_no_certificates(self, certificates, name):
        with pytest.raises(ConfigError, match=r"^store\.tls_ca = "):
            open_store("influxdb://127.0.0.1/heat?tls=1", tls_ca=str(certificates / name))

    def test_a_ca_for_a_connection_in_clear(self, certificates):
        with pytest.raises(ConfigError, match=r"^store\.tls_ca = .* tls=1"):
            open_store("influxdb://127.0.0.1/heat", tls_ca=str(certificates / "ca.crt"))


class TestUsers:
    def test_an_administrator_has_the_database_made(self, guarded):
        with closing(open_store(guarded.url("made"), token="admin:open sesame")) as store:
            assert store.write(table(room("D1", T0))).stored.all()

    def test_a_user_of_the_one_database_is_enough(self, guarded):
        with closing(open_store(guarded.url(), token="writer:p:ä ß")) as store:
            assert store.write(table(room("D1", T0))).stored.all()
            assert len(all_rows(store)) == 1
            assert store.forget_before(T0) == -1

    def test_a_user_who_may_not_make_the_database(self, guarded):
        with (
            closing(open_store(guarded.url("other"), token="writer:p:ä ß")) as store,
            pytest.raises(StoreMisconfigured, match=r"^store\.url: .* sees no database 'other'"),
        ):
            store.write(table(room("D1", T0)))

    def test_a_user_who_may_only_read(self, guarded):
        with closing(open_store(guarded.url(), token="reader:p:ä ß")) as store:
            assert "InfluxDB" in store.ping()
            with pytest.raises(StoreMisconfigured, match=r"^store\.token_file: .*not authorized to write"):
                store.write(table(room("D9", T0)))

    @pytest.mark.parametrize("token", ["admin:wrong", "nobody:x", "a-token-of-2.x", None])
    def test_a_stranger(self, guarded, token):
        with closing(open_store(guarded.url(), token=token)) as store:
            for act in (lambda: store.write(table(room("D1", T0))), store.newest, store.ping):
                with pytest.raises(StoreMisconfigured, match=r"^store\.token_file"):
                    act()


class TestDatabases:
    def test_one_that_is_not_there(self, server):
        with closing(open_store(server.url("nowhere"), create=False)) as store:
            for act in (lambda: store.write(table(room("D1", T0))), store.newest, store.ping):
                with pytest.raises(StoreMisconfigured, match=r"^store\.url.*nowhere"):
                    act()

    def test_one_that_is_dropped_while_in_use(self, server):
        with closing(open_store(server.url("dropped"))) as store:
            store.write(table(room("D1", T0)))
            statement(server, "DROP DATABASE dropped")
            with pytest.raises(StoreMisconfigured, match=r"^store\.url.*dropped"):
                store.write(table(room("D1", T0 + 1)))
