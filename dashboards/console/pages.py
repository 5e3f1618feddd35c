"""The web pages: overview, buildings, homes, orders, findings. They work without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from dashboards.console.acts import Act, act
from dashboards.console.asking import Asking, AtDesk
from dashboards.console.desk import Desk
from dashboards.console.grid import building_grid
from dashboards.console.guard import needs
from dashboards.console.order_list import by_urgency, sheet_for
from dashboards.console.plot import HomePlot, Track, home_plot
from dashboards.console.tiles import tiles
from dashboards.console.users import Right
from dashboards.console.view import View
from dashboards.device_states import device_states
from dashboards.floors import floor_steps
from dashboards.homes import HomeRow
from dashboards.overview import figures, headline, urgent, worst_buildings
from dashboards.snapshot import Snapshot
from heating.errors import InputError
from heating.finding import FindingKind
from heating.instants import to_ms
from heating.regulation import load_profile
from heating.words import Language

LANGUAGE_COOKIE = "heatwatch_language"
_URGENT, _WORST, _HEADLINES, _ORDERS = 20, 8, 12, 8
# For how long a loss is shown on the first page, and listed among the devices.
_ALARMED, _LISTED = timedelta(days=1), timedelta(days=31)
_PLOT = timedelta(hours=48)
_DAY_MS = 25 * 3_600_000
_YEAR = 365 * 24 * 3600


@get("/", sync_to_thread=True, include_in_schema=False)
def overview(request: Asking, desk: AtDesk) -> Response[str]:
    """Show the site at a glance."""
    snapshot = desk.snapshot()
    values = {
        "figures": figures(snapshot),
        "urgent": urgent(snapshot.homes, _URGENT),
        "worst": worst_buildings(snapshot.buildings, _WORST),
        "headline": headline(snapshot.findings)[:_HEADLINES],
        "orders": by_urgency(snapshot.orders, snapshot.at)[:_ORDERS],
        "stages": desk.stages(desk.now()),
        "losses": desk.losses.noticed_since(snapshot.at - _ALARMED),
    }
    return page_of(request, desk, "overview.html", snapshot, values)


@get("/buildings", sync_to_thread=True, include_in_schema=False)
def buildings(request: Asking, desk: AtDesk, station: FromQuery[str] = "", page: FromQuery[int] = 1) -> Response[str]:
    """Show buildings as small grids: all of a small site, else the worst, or those of a station."""
    snapshot = desk.snapshot()
    chosen = tiles(snapshot.homes, station, page)
    grids = {building: building_grid(rows) for building, rows in chosen.shown.items()}
    return page_of(request, desk, "buildings.html", snapshot, {"grids": grids, "tiles": chosen})


@get("/building", sync_to_thread=True, include_in_schema=False)
def building(request: Asking, desk: AtDesk, id: FromQuery[str]) -> Response[str]:
    """Show one building, floors × units."""
    snapshot = desk.snapshot()
    rows = snapshot.in_building(id)
    if not rows:
        raise NotFoundException(f"no building {id}")
    area = next((b for b in snapshot.buildings if b.id == id), None)
    points = {p for row in rows for p in row.points}
    mine = [
        f for f in headline(snapshot.findings) if f.subject.id == id or f.subject.id in points or points & {*f.members}
    ]
    values = {"building": id, "rows": rows, "grid": building_grid(rows), "area": area, "findings": mine}
    return page_of(request, desk, "building.html", snapshot, values)


@get("/home", sync_to_thread=True, include_in_schema=False)
def home(request: Asking, desk: AtDesk, id: FromQuery[str]) -> Response[str]:
    """Show one home: the last 48 hours of its deciding point, findings, order."""
    snapshot = desk.snapshot()
    row = snapshot.home_by_id.get(id)
    if row is None:
        raise NotFoundException(f"no home {id}")
    known = [snapshot.finding_by_id[f] for f in row.findings if f in snapshot.finding_by_id]
    values = {
        "row": row,
        "point": snapshot.register.by_id[row.point_id],
        "plot": _plot(desk, snapshot, row),
        "findings": known,
        "order": snapshot.order_by_id.get(row.order or ""),
    }
    return page_of(request, desk, "home.html", snapshot, values)


@get("/findings", sync_to_thread=True, include_in_schema=False)
def findings(request: Asking, desk: AtDesk, kind: FromQuery[str] = "") -> Response[str]:
    """Show open findings, by kind if asked."""
    snapshot = desk.snapshot()
    counts: dict[str, int] = {}
    for finding in snapshot.findings:
        counts[finding.kind.value] = counts.get(finding.kind.value, 0) + 1
    shared = {f.id for f in headline(snapshot.findings)}
    rows = [f for f in snapshot.findings if not kind or f.kind.value == kind]
    rows.sort(key=lambda f: (f.id not in shared, -len(f.members), f.start, f.id))
    return page_of(request, desk, "findings.html", snapshot, {"rows": rows, "counts": counts, "kind": kind})


@get("/devices", sync_to_thread=True, include_in_schema=False)
def devices(request: Asking, desk: AtDesk) -> Response[str]:
    """Show what limits cost, wrong clocks, gaps in the readings of devices, and devices that are in no register."""
    snapshot = desk.snapshot()
    values = {
        "devices": device_states(desk.ledger.journal, snapshot.register),
        "losses": desk.losses.noticed_since(snapshot.at - _LISTED)[::-1],
    }
    return page_of(request, desk, "devices.html", snapshot, values)


@get("/orders", sync_to_thread=True, include_in_schema=False)
def orders(request: Asking, desk: AtDesk) -> Response[str]:
    """Show unfinished orders, most urgent first."""
    snapshot = desk.snapshot()
    rows = by_urgency(snapshot.orders, snapshot.at)
    return page_of(request, desk, "orders.html", snapshot, {"rows": rows})


@get("/orders/{order_id:str}", sync_to_thread=True, include_in_schema=False)
def order(request: Asking, desk: AtDesk, order_id: FromPath[str]) -> Response[str]:
    """Show the sheet of one order."""
    return _sheet(request, desk, order_id, error="")


@post("/orders/{order_id:str}/events", guards=[needs(Right.ACT)], sync_to_thread=True, include_in_schema=False)
def order_event(
    request: Asking, desk: AtDesk, order_id: FromPath[str], data: URLEncodedBody[dict[str, str]]
) -> Response[Any]:
    """Record a step from the form and go back to the sheet."""
    wanted = Act(kind=data.get("kind", ""), text=data.get("text", "")[:2000], by=data.get("by", "")[:80])
    try:
        changed = act(desk, order_id, wanted, request.user)
    except InputError as error:
        answer = _sheet(request, desk, order_id, error=str(error))
        answer.status_code = 409
        return answer
    if changed is None:
        raise NotFoundException(f"no order {order_id}")
    return Redirect(f"/orders/{order_id}", status_code=303)


def language_of(request: Request[Any, Any, Any], desk: Desk) -> Language:
    """Return the language of a request: asked for, remembered, or the site's."""
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
    return Language(asked) if asked in set(Language) else desk.language


def page_of(request: Asking, desk: Desk, template: str, snapshot: Snapshot, values: Mapping[str, Any]) -> Response[str]:
    """Return a page; a language that was asked for is remembered by the browser."""
    view = View(desk, language_of(request, desk), request.user, request.url.path)
    answer = Response(view.render(template, snapshot, values), media_type=MediaType.HTML)
    if "lang" in request.query_params:
        answer.set_cookie(LANGUAGE_COOKIE, view.language.value, max_age=_YEAR, httponly=True, samesite="lax")
    return answer


def _sheet(request: Asking, desk: Desk, order_id: str, error: str) -> Response[str]:
    found = desk.ledger.orders.get(order_id)
    if found is None:
        raise NotFoundException(f"no order {order_id}")
    snapshot = desk.snapshot()
    contacts = request.user.may(Right.CONTACT)
    sheet = sheet_for(request.user, desk, found, language_of(request, desk))
    may_act = desk.hooks.record_event is not None and request.user.may(Right.ACT)
    values = {"sheet": sheet, "may_act": may_act, "open_contacts": contacts, "error": error}
    return page_of(request, desk, "order.html", snapshot, values)


def _plot(desk: Desk, snapshot: Snapshot, row: HomeRow) -> HomePlot:
    end = snapshot.at
    start = end - _PLOT
    hold_ms = int(desk.site.rules.stale_after_min * 60_000)
    series = desk.store.series([row.point_id], to_ms(start) - hold_ms, to_ms(end) + 1)
    point = snapshot.register.by_id[row.point_id]
    floors = floor_steps(load_profile(desk.site.rules.profile), point, (start, end), desk.site.zone)
    found = desk.ledger.findings.overlapping(start, end, kinds=[FindingKind.COLD_HOME])
    breaches = [(f.start, f.end or end) for f in found if f.subject.id == row.point_id]
    return home_plot(
        (start, end),
        Track(series.ts_ms.tolist(), series.value.tolist(), hold_ms),
        Track([at for at, _ in floors], [c for _, c in floors], _DAY_MS),
        breaches,
        desk.site.zone,
    )
