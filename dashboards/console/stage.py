"""The console as a stage: a web server in a thread of its own, stopped cleanly."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Sequence
from datetime import datetime

import uvicorn

from dashboards.console.app import create_app
from dashboards.console.desk import ConsoleHooks, ConsoleSite, Desk, Sources
from dashboards.console.users import Users, load_users
from dashboards.settings import ConsoleSettings
from heating.clock import Clock
from heating.errors import ConfigError
from heating.ledger.port import Ledger
from heating.stage import Health, Metric
from heating.store.port import ReadingStore
from heating.words import Language

log = logging.getLogger(__name__)
# How long open requests may take to finish once told to stop.
_GRACE_S = 3
_LOOK_S = 0.2


class ConsoleStage:
    """Serves pages and API; the address is bound when it is built, so that a taken port is an error at the start.

    Raises
    ------
    ConfigError
        If the address cannot be bound, the users file is unusable, or a host that others can reach has none.
    """

    name = "console"

    def __init__(
        self,
        settings: ConsoleSettings,
        store: ReadingStore,
        ledger: Ledger,
        clock: Clock,
        language: Language,
        site: ConsoleSite,
        hooks: ConsoleHooks,
    ) -> None:
        users = users_of(settings)
        self.desk = Desk(Sources(store, ledger, clock), site, language, hooks, users)
        self.desk.refresh_s = settings.refresh_s
        self._socket = _bound(settings)
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.desk),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                loop="asyncio",
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the overview, with the port that was bound."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop`; a server that ends by itself is an error."""
        url = self.url
        thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="console-http")
        self._thread = thread
        thread.start()
        log.info("console listening url=%s users=%s", url, "file" if self.desk.users else "open")
        try:
            while not stop.wait(_LOOK_S):
                if not thread.is_alive():
                    raise RuntimeError("the web server ended by itself")
        finally:
            self._server.should_exit = True
            thread.join()
            self.close()
        log.info("console stopped")

    def close(self) -> None:
        """Release the address of a stage that was built and never ran; safe to call twice."""
        self._socket.close()

    def health(self, now: datetime) -> Health:
        """Alive while the server's thread runs, fresh once it accepts connections."""
        alive = self._thread is not None and self._thread.is_alive()
        started = alive and self._server.started
        return Health(alive=alive, fresh=started, text="serving" if started else "not serving")

    def metrics(self) -> Sequence[Metric]:
        """Return the numbers of the console."""
        return self.desk.metrics()


def users_of(settings: ConsoleSettings) -> Users | None:
    """Return the users of the console, None where it is open to whoever sits at this machine.

    Raises
    ------
    ConfigError
        If the file of users cannot be used, or others could reach a console without one.
    """
    if settings.users_file:
        return load_users(settings.users_file)
    if not _loopback(settings.host):
        raise ConfigError(
            f"console.host = {settings.host!r} can be reached by others: console.users_file must name the users, "
            "or console.host be 127.0.0.1"
        )
    return None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bound(settings: ConsoleSettings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
        except OSError:
            made.close()
            raise
    except OSError as error:
        where = f"console.host = {settings.host!r}, console.port = {settings.port}"
        raise ConfigError(f"{where}: cannot listen there ({error.strerror or error})") from error
    return made
