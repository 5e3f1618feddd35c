"""Who may come in: host, user, origin and the headers that keep pages to themselves."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio.to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException

from dashboards.console.attempts import FailedLogins
from dashboards.console.users import LOCAL_USER, Right, User, Users
from heating.clock import Clock

if TYPE_CHECKING:
    from litestar.handlers.base import BaseRouteHandler
    from litestar.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="heatwatch", charset="UTF-8"'}

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def entrance(users: Users | None, clock: Clock) -> Callable[[ASGIApp], ASGIApp]:
    """Return the middleware that lets a request in and tells the handlers who asks.

    Whoever guesses secrets from one address has to wait; users who are in already go on from there.

    Without users the console answers to the names of this machine only, so that no foreign page can reach it through
    a name of its own (DNS rebinding).
    """
    door = Door(users, clock) if users is not None else None

    def middleware(app: ASGIApp) -> ASGIApp:
        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == ScopeType.HTTP:
                connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
                same_origin(connection)
                scope["user"] = await _who(connection, door)
                scope["auth"] = None
            await app(scope, receive, send)

        return enter

    return middleware


def same_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Refuse a change that another site's page asks for: browsers name the origin of every POST.

    Raises
    ------
    PermissionDeniedException
        If the request comes from another origin.
    """
    if connection.scope.get("method") in _READING:
        return
    site = connection.headers.get("sec-fetch-site", "none")
    origin = connection.headers.get("origin")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != connection.headers.get("host")):
        raise PermissionDeniedException("request from another origin")


def needs(right: Right) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """Return a guard that asks for a right."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        user: User = connection.user
        if not user.may(right):
            raise PermissionDeniedException(f"role {user.role.value} may not {right.value}")

    return guard


class Door:
    """Checks names and secrets, and how often an address got them wrong."""

    def __init__(self, users: Users, clock: Clock) -> None:
        self._users = users
        self._clock = clock
        self._failed = FailedLogins()

    async def enter(self, address: str, name: str, secret: str) -> User | None:
        """Return the user, None if name or secret are wrong.

        Raises
        ------
        TooManyRequestsException
            If the address has failed too often; the secret is not looked at then.
        """
        known = self._users.remembered(name, secret)
        if known is not None:
            return known
        now = self._clock.now()
        if wait_s := self._failed.wait_s(address, now):
            raise TooManyRequestsException("too many wrong logins, wait", headers={"Retry-After": str(wait_s)})
        user = await anyio.to_thread.run_sync(self._users.check, name, secret)
        if user is None:
            self._failed.failed(address, now)
            log.warning("login failed address=%s name=%r", address, name[:80])
        else:
            self._failed.succeeded(address)
        return user


async def _who(connection: ASGIConnection[Any, Any, Any, Any], door: Door | None) -> User | None:
    if door is None:
        if connection.url.hostname not in _LOOPBACK:
            raise PermissionDeniedException("without console.users_file only 127.0.0.1 and localhost are answered")
        return LOCAL_USER
    if connection.scope["path"] == "/healthz":
        return None
    name, secret = _credentials(connection.headers.get("authorization", ""))
    address = connection.client.host if connection.client else ""
    user = await door.enter(address, name, secret) if name else None
    if user is None:
        raise NotAuthorizedException("name and secret wanted", headers=_CHALLENGE)
    return user


def _credentials(header: str) -> tuple[str, str]:
    """Return name and secret of `Basic base64(name:secret)` or `Bearer name:secret`; blank where there are none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
    elif scheme.lower() != "bearer":
        return "", ""
    name, _, secret = value.partition(":")
    return name, secret
