"""Papers from the console: a page that offers them, and the files."""

from __future__ import annotations

from datetime import date, datetime

from litestar import Response, get
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery

from dashboards.console.asking import Asking, AtDesk
from dashboards.console.desk import Desk
from dashboards.console.pages import language_of, page_of
from dashboards.console.tiles import natural
from dashboards.console.users import Right
from dashboards.reports import PointsReport, RoundsReport, paper_bytes, points_paper, rounds_paper
from dashboards.reports.completeness import HTML_LINES, CompletenessReport, completeness_paper, completeness_statement
from dashboards.reports.paper import Paper
from heating.errors import InputError
from heating.regulation import load_profile

_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}
# A paper brings its own style sheet inside, so that it stays one file when it is saved.
_PAPER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


@get("/papers", sync_to_thread=True, include_in_schema=False)
def papers(request: Asking, desk: AtDesk) -> Response[str]:
    """Offer the papers."""
    snapshot = desk.snapshot()
    today = snapshot.at.astimezone(desk.site.zone).date()
    buildings = sorted({row.building for row in snapshot.homes}, key=natural)
    return page_of(request, desk, "papers.html", snapshot, {"today": today.isoformat(), "buildings": buildings})


@get("/papers/{name:str}", sync_to_thread=True, include_in_schema=False)
def paper(
    request: Asking,
    desk: AtDesk,
    name: FromPath[str],
    form: FromQuery[str] = "html",
    day: FromQuery[str] = "",
    building: FromQuery[str] = "",
) -> Response[bytes]:
    """Return a paper of a day as a file."""
    if form not in _TYPES:
        raise InputError(f"form = {form!r}: wants {', '.join(_TYPES)}")
    now = desk.now()
    content = paper_bytes(_paper(request, desk, name, (_day(desk, day, now), building, form)), form)
    headers = {"Content-Type": _TYPES[form]}
    if form == "html":
        headers["Content-Security-Policy"] = _PAPER_POLICY
    else:
        stamp = now.astimezone(desk.site.zone).strftime("%Y%m%d-%H%M")
        headers["Content-Disposition"] = f'attachment; filename="{name}-{stamp}.{form}"'
    return Response(content, headers=headers)


def _paper(request: Asking, desk: Desk, name: str, what: tuple[date, str, str]) -> Paper:
    site, language = desk.site, language_of(request, desk)
    if name == "points":
        day, building, _ = what
        wanted = PointsReport(
            first=day, last=day, profile=load_profile(site.rules.profile), zone=site.zone, site_name=site.name,
            language=language, stale_after_min=site.rules.stale_after_min, confirm_min=site.rules.confirm_min,
            building=building or None, seasons=site.rules.seasons,
        )  # fmt: skip
        return points_paper(wanted, desk.store, desk.ledger)
    if name == "rounds":
        if not request.user.may(Right.CONTACT):
            raise PermissionDeniedException("the list of a round holds personal data")
        round_ = RoundsReport(at=desk.now(), zone=site.zone, site_name=site.name, language=language, rules=site.rules)
        return rounds_paper(round_, desk.store, desk.ledger)
    if name == "completeness":
        day, _, form = what
        account = CompletenessReport(
            first=day, last=day, zone=site.zone, now=desk.now(), seasons=site.rules.seasons, site_name=site.name,
            language=language, most_lines=HTML_LINES if form == "html" else None, retention_days=site.retention_days,
        )  # fmt: skip
        numbers = completeness_statement(account, desk.store, desk.ledger)
        return completeness_paper(account, numbers, desk.register())
    raise NotFoundException(f"no paper {name}")


def _day(desk: Desk, text: str, now: datetime) -> date:
    try:
        return date.fromisoformat(text) if text else now.astimezone(desk.site.zone).date()
    except ValueError as error:
        raise InputError(f"day = {text!r}: wants YYYY-MM-DD") from error
