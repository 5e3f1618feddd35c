"""Puts pages, API and operations together into one Litestar application."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from litestar import HttpMethod, Litestar, MediaType, Request, Response, get, route
from litestar.config.compression import CompressionConfig
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromQuery
from litestar.static_files import create_static_files_router
from litestar.types import Message, Scope

from dashboards.console import pages, paper_pages
from dashboards.console.api import api_router
from dashboards.console.asking import AtDesk
from dashboards.console.desk import Desk
from dashboards.console.guard import SECURITY_HEADERS, entrance
from dashboards.console.health import HealthReport, health_report, render_metrics
from dashboards.console.users import Role, User
from dashboards.console.view import STATIC, View
from heating.errors import HeatwatchError, InputError, LedgerUnavailable

log = logging.getLogger(__name__)
_MESSAGES = {400: "bad_request", 401: "who", 403: "denied", 404: "not_found", 429: "too_often", 503: "unavailable"}
_BODY_LIMIT = 256 * 1024
_NOBODY = User("", Role.CONTROL_ROOM)


# HEAD as well: it is what monitors ask that want the status alone.
@route(
    "/healthz",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    status_code=200,
    summary="Is every stage alive and fresh",
    sync_to_thread=True,
)
def healthz(desk: AtDesk, site: FromQuery[bool] = False) -> Response[HealthReport]:
    """Return 200 when every stage of this process (`site=true`: of the site) is alive and fresh, else 503."""
    now = desk.now()
    try:
        stages = desk.stages(now)
    except LedgerUnavailable:
        stages = None
    report = health_report(desk.hooks.health(now), now, stages)
    asked = report.status if not site else report.site.status if report.site else "failing"
    return Response(report, status_code=200 if asked == "ok" else 503)


@get("/metrics", summary="Prometheus metrics", media_type=MediaType.TEXT)
async def metrics(desk: AtDesk) -> Response[str]:
    """Return the numbers of every stage."""
    rows = desk.hooks.metrics() if desk.hooks.metrics is not None else desk.metrics()
    return Response(render_metrics(rows), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def create_app(desk: Desk) -> Litestar:
    """Return the application of a desk."""
    files = create_static_files_router(path="/static", directories=[STATIC], include_in_schema=False)
    failed = _failure(desk)
    return Litestar(
        route_handlers=[*_pages(), api_router(), healthz, metrics, files],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        middleware=[entrance(desk.users, desk.clock)],
        before_send=[_answer_hook(desk)],
        exception_handlers={HTTPException: failed, HeatwatchError: failed, Exception: failed},
        openapi_config=OpenAPIConfig(
            title="heatwatch",
            version="1",
            path="/schema",
            render_plugins=[JsonRenderPlugin()],
            use_handler_docstrings=True,
        ),
        request_max_body_size=_BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=3, minimum_size=2000),
        logging_config=None,
    )


def _pages() -> list[Any]:
    from_pages = [pages.overview, pages.buildings, pages.building, pages.home, pages.findings]
    return [
        *from_pages,
        pages.devices,
        pages.orders,
        pages.order,
        pages.order_event,
        paper_pages.papers,
        paper_pages.paper,
    ]


def _answer_hook(desk: Desk) -> Callable[[Message, Scope], Any]:
    async def stamp(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        desk.count(message["status"])
        headers = MutableScopeHeaders(message)
        for name, value in _headers(scope["path"]).items():
            headers.setdefault(name, value)

    return stamp


def _headers(path: str) -> Mapping[str, str]:
    if path.startswith("/static/"):
        return {**SECURITY_HEADERS, "Cache-Control": "public, max-age=86400"}
    return SECURITY_HEADERS


def _failure(desk: Desk) -> Callable[[Request[Any, Any, Any], Exception], Response[Any]]:
    """Return what answers an error: JSON where a program asks, a page for people; bugs are logged and not shown."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        status, detail = _status(error)
        path = request.scope["path"]
        if status == 500:
            log.error("console failed path=%s", path, exc_info=error)
        headers = error.headers if isinstance(error, HTTPException) else None
        if path.startswith(("/api/", "/healthz", "/metrics", "/schema")):
            return Response({"status_code": status, "detail": detail}, status_code=status, headers=headers)
        page = _error_page(request, desk, status, detail)
        return Response(page, status_code=status, headers=headers, media_type=MediaType.HTML)

    return answer


def _status(error: Exception) -> tuple[int, str]:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return error.status_code, "; ".join(_wrong_value(one) for one in error.extra) or error.detail
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if isinstance(error, InputError):
        return 400, str(error)
    if isinstance(error, HeatwatchError):
        return 503, str(error)
    return 500, "internal error; see the log of the console"


def _wrong_value(one: Mapping[str, Any]) -> str:
    """Return what litestar says of one value: its key, where it stands, and what it is not."""
    return f"{one.get('key') or one.get('source') or 'request'}: {one.get('message', 'wrong')}"


def _error_page(request: Request[Any, Any, Any], desk: Desk, status: int, detail: str) -> str:
    user: User | None = request.scope.get("user")
    view = View(desk, pages.language_of(request, desk), user or _NOBODY, request.scope["path"])
    message = view.say(_MESSAGES.get(status, "unavailable"))
    return view.render("error.html", None, {"status": status, "detail": detail, "message": message})
