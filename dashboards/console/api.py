"""The HTTP API under `/api/v1` (contract §9). Lists hold no personal data; the sheet of one order does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from dashboards.console.acts import Act, Recorded, act, record_visit, visits
from dashboards.console.asking import Asking, AtDesk
from dashboards.console.desk import Desk
from dashboards.console.guard import needs
from dashboards.console.order_list import OrderView, by_urgency, order_view, sheet_for
from dashboards.console.users import Right
from dashboards.homes import HomeRow
from dashboards.overview import Figures, figures
from heating.errors import InputError
from heating.finding import Finding, FindingKind, Status
from heating.inspection import InspectionRecord
from heating.instants import parse_instant
from heating.order import OrderState
from heating.order_sheet import OrderSheet
from heating.site import MeasurementPoint, PointKind

Limit = Annotated[int, QueryParameter(ge=1, le=100_000, description="At most so many rows.")]
From = Annotated[str | None, QueryParameter(name="from", description="RFC 3339, or local time of the site; inclusive.")]
To = Annotated[str | None, QueryParameter(name="to", description="RFC 3339, or local time of the site; exclusive.")]
InState = Annotated[OrderState | None, QueryParameter(name="state", description="Only orders in this state.")]


class HomesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Homes, most urgent first, one row a home."""

    schema: int = 1
    at: datetime
    profile: str
    figures: Figures
    homes: Sequence[HomeRow]


class FindingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Findings: the open ones, or all that meet an interval."""

    schema: int = 1
    at: datetime
    findings: Sequence[Finding]


class OrdersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Orders: the unfinished ones, or all opened in an interval; most urgent first."""

    schema: int = 1
    at: datetime
    orders: Sequence[OrderView]


class PointsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Measurement points in force, without personal data."""

    schema: int = 1
    at: datetime
    points: Sequence[MeasurementPoint]


class InspectionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Records of visits in the order in which they were entered; page on with `after` = the last `seq`."""

    schema: int = 1
    at: datetime
    inspections: Sequence[Recorded]


@get("/homes", summary="Homes", sync_to_thread=True)
def homes(
    desk: AtDesk,
    status: FromQuery[Status | None] = None,
    building: FromQuery[str | None] = None,
    limit: Limit = 100_000,
) -> HomesAnswer:
    """Return homes as they are now, by status and building if asked."""
    snapshot = desk.snapshot()
    rows = [
        row
        for row in snapshot.homes
        if (status is None or row.status is status) and (building is None or row.building == building)
    ]
    profile = desk.site.rules.profile
    return HomesAnswer(at=snapshot.at, profile=profile, figures=figures(snapshot), homes=rows[:limit])


@get("/findings", summary="Findings", sync_to_thread=True)
def findings(
    desk: AtDesk, kind: FromQuery[FindingKind | None] = None, start: From = None, end: To = None, limit: Limit = 10_000
) -> FindingsAnswer:
    """Return open findings, or those that meet [from, to)."""
    now = desk.now()
    if start is None and end is None:
        rows: Sequence[Finding] = desk.ledger.findings.open()
    else:
        rows = desk.ledger.findings.overlapping(*_interval(desk, start, end, now))
    return FindingsAnswer(at=now, findings=[f for f in rows if kind is None or f.kind is kind][:limit])


@get("/orders", summary="Work orders", sync_to_thread=True)
def orders(
    desk: AtDesk, wanted: InState = None, start: From = None, end: To = None, limit: Limit = 10_000
) -> OrdersAnswer:
    """Return unfinished orders, or those opened in [from, to)."""
    now = desk.now()
    book = desk.ledger.orders
    rows = book.unfinished() if start is None and end is None else book.between(*_interval(desk, start, end, now))
    chosen = [order for order in rows if wanted is None or order.state is wanted]
    return OrdersAnswer(at=now, orders=by_urgency(chosen, now)[:limit])


@get("/orders/{order_id:str}", summary="Sheet of a work order", sync_to_thread=True)
def order(request: Asking, desk: AtDesk, order_id: FromPath[str]) -> OrderSheet:
    """Return one order with whom to call; contacts are masked for roles that neither call nor visit."""
    found = desk.ledger.orders.get(order_id)
    if found is None:
        raise NotFoundException(f"no order {order_id}")
    return sheet_for(request.user, desk, found, desk.language)


@post("/orders/{order_id:str}/events", summary="Record a step", guards=[needs(Right.ACT)], sync_to_thread=True)
def order_event(request: Asking, desk: AtDesk, order_id: FromPath[str], data: JSONBody[Act]) -> OrderView:
    """Record what was done about an order; the answer is the order after it."""
    changed = act(desk, order_id, data, request.user)
    if changed is None:
        raise NotFoundException(f"no order {order_id}")
    return order_view(changed, desk.now())


@get("/points", summary="Measurement points", sync_to_thread=True)
def points(
    desk: AtDesk, kind: FromQuery[PointKind | None] = None, building: FromQuery[str | None] = None
) -> PointsAnswer:
    """Return the register in force."""
    rows = [
        point
        for point in desk.register().points
        if (kind is None or point.kind is kind) and (building is None or point.building_id == building)
    ]
    return PointsAnswer(at=desk.now(), points=rows)


@get("/inspections", summary="Records of visits", sync_to_thread=True)
def inspections(
    desk: AtDesk, point: FromQuery[str | None] = None, after: FromQuery[int] = 0, limit: Limit = 1000
) -> InspectionsAnswer:
    """Return records of visits, of one point if asked."""
    return InspectionsAnswer(at=desk.now(), inspections=visits(desk, after=after, point_id=point, limit=limit))


@post("/inspections", summary="Enter a visit", guards=[needs(Right.INSPECT)], sync_to_thread=True)
def inspection(request: Asking, desk: AtDesk, data: JSONBody[InspectionRecord]) -> Recorded:
    """Append a record of a visit (S2 §8); `sensor_c`, `id` and, with users, `inspector` are filled in here."""
    return record_visit(desk, data, request.user)


def api_router() -> Router:
    """Return all handlers of the API."""
    handlers = [homes, findings, orders, order, order_event, points, inspections, inspection]
    return Router(path="/api/v1", route_handlers=handlers)


def _interval(desk: Desk, start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Return [from, to); a missing `to` means now, a missing `from` one day before `to`."""
    until = now if end is None else _instant("to", end, desk)
    since = until - timedelta(days=1) if start is None else _instant("from", start, desk)
    if since >= until:
        raise InputError("from must lie before to")
    return since, until


def _instant(key: str, text: str, desk: Desk) -> datetime:
    try:
        return parse_instant(text, desk.site.zone)
    except ValueError:
        raise InputError(f"{key}: {text!r} is no time; give one such as 2026-11-22T06:00:00+08:00") from None
