"""How values are shown on pages: language, local time, numbers, signs; one `View` a request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from dashboards.console.desk import Desk
from dashboards.console.users import Right, User
from dashboards.homes import HomeRow
from dashboards.loss_words import loss_brief, loss_entries, loss_limit, loss_what
from dashboards.losses import Lost
from dashboards.places import building_name, home_name, id_name, subject_name
from dashboards.snapshot import STATUS_WINDOW, Snapshot
from dashboards.words import word
from heating.device_clock import DeviceClock, clock_advice
from heating.finding import Finding, Status, Subject
from heating.order import WorkOrder
from heating.order_clocks import ClockState, StepClock
from heating.order_sheet import OrderSheet
from heating.site import MeasurementPoint, SubjectType
from heating.words import Language

STATIC = Path(__file__).parent / "static"
# A sign of its own for every state, so that colour is never the only bearer.
SIGNS = {
    "confirmed": "▼",
    Status.COLD.value: "▽",
    Status.BELOW_TARGET.value: "↓",
    Status.OK.value: "○",
    Status.SUSPECT.value: "!",
    Status.UNKNOWN.value: "?",
    Status.EXEMPT.value: "—",
}
_MISSING = "–"
READING_UNITS = {"temperature_c": "°C", "humidity_pct": "%", "supply_c": "°C →", "return_c": "°C ←", "battery_v": "V"}
_LATE_JUDGEMENT = timedelta(minutes=75)
_AGES = ((3600, "hours_ago"), (60, "minutes_ago"), (1, "seconds_ago"))


@cache
def templates() -> jinja2.Environment:
    """Return the environment of the page templates; everything put in is escaped."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment


@cache
def static_version() -> str:
    """Return a digest of the static files, so that browsers fetch them anew when they change."""
    digest = hashlib.blake2b(digest_size=6)
    for file in sorted(STATIC.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


class View:
    """What templates call `v`."""

    def __init__(self, desk: Desk, language: Language, user: User, path: str) -> None:
        self.desk = desk
        self.language = language
        self.user = user
        self.path = path
        self.site = desk.site
        self.open_mode = desk.users is None
        self.version = static_version()

    def render(self, template: str, snapshot: Snapshot | None, values: Mapping[str, Any]) -> str:
        """Return a page."""
        return templates().get_template(template).render(v=self, snapshot=snapshot, **values)

    def say(self, key: str) -> str:
        """Return a word in the page's language."""
        return word(key, self.language)

    def may(self, right: str) -> bool:
        """Tell whether the user holds a right."""
        return self.user.may(Right(right))

    @property
    def who(self) -> str:
        """Name and role of the user."""
        return "" if self.open_mode or not self.user.name else f"{self.user.name} · {self.say(self.user.role.value)}"

    @property
    def other(self) -> str:
        """The other language."""
        return Language.EN.value if self.language is Language.ZH else Language.ZH.value

    def stale(self, snapshot: Snapshot) -> str:
        """Return the warning for a judgement that has stopped, blank when it goes on."""
        if snapshot.judged_at is None:
            return self.say("never_judged") if snapshot.homes else ""
        late = min(_LATE_JUDGEMENT, STATUS_WINDOW)
        return self.say("stale_judgement") if snapshot.at - snapshot.judged_at > late else ""

    def when(self, instant: datetime | None) -> str:
        """Return month, day and minute in the site's zone."""
        return instant.astimezone(self.site.zone).strftime("%m-%d %H:%M") if instant else _MISSING

    def moment(self, instant: datetime) -> str:
        """Return date, minute and zone."""
        return instant.astimezone(self.site.zone).strftime("%Y-%m-%d %H:%M")

    def iso(self, instant: datetime) -> str:
        """Return RFC 3339 for machines that read the page."""
        return instant.astimezone(self.site.zone).isoformat(timespec="seconds")

    def lasted(self, start: datetime | None, now: datetime) -> str:
        """Return a duration as hours and minutes."""
        if start is None:
            return _MISSING
        minutes = max(0, int((now - start).total_seconds() // 60))
        days, hours = divmod(minutes // 60, 24)
        if days:
            return f"{days} d {hours} h"
        return f"{hours}:{minutes % 60:02d}"

    def age(self, seconds: float) -> str:
        """Return how long ago something was."""
        whole = max(1, int(seconds))
        return next(f"{whole // size} {self.say(unit)}" for size, unit in _AGES if whole >= size)

    def num(self, value: float | None, digits: int = 1) -> str:
        """Return a number, or a dash."""
        return _MISSING if value is None else f"{value:.{digits}f}"

    def percent(self, share: float | None) -> str:
        """Return a share in percent with one digit, cut off so that 99.96 % is never shown as 100."""
        return _MISSING if share is None else f"{int(share * 1000 + 1e-9) / 10:.1f} %"

    def state(self, row: HomeRow) -> str:
        """Return the state that gives a home its colour and sign."""
        return "confirmed" if row.confirmed else row.status.value

    def sign(self, state: str) -> str:
        """Return the sign of a state."""
        return SIGNS[state]

    def state_word(self, state: str) -> str:
        """Return the word of a state; a confirmed cold home is both."""
        if state != "confirmed":
            return self.say(state)
        return f"{self.say('cold')} {self.say('confirmed')}"

    def home(self, row: HomeRow, snapshot: Snapshot) -> str:
        """Return the name of a home."""
        point = snapshot.register.by_id.get(row.point_id)
        return home_name(point, self.language) if point else row.home

    def building(self, building_id: str) -> str:
        """Return the name of a building."""
        return building_name(building_id, self.language)

    def subject(self, subject: Subject, snapshot: Snapshot) -> str:
        """Return the name of a finding's or an order's place."""
        return subject_name(subject, snapshot.register, self.language)

    def place(self, place_id: str) -> str:
        """Return the name of a home by its id."""
        return id_name(place_id, self.language, home=True)

    def order_place(self, order: WorkOrder, snapshot: Snapshot) -> str:
        """Return the name of an order's place, with its kind where that is more than a home."""
        return self.subject_place(Subject(order.subject_type, order.subject_id), snapshot)

    def subject_place(self, subject: Subject, snapshot: Snapshot) -> str:
        """Return the name of a place, with its kind where that is more than a home."""
        name = self.subject(subject, snapshot)
        plain = subject.type in (SubjectType.POINT, SubjectType.HOME, SubjectType.BUILDING)
        return name if plain else f"{self.say(subject.type.value)} {name}"

    def clock_word(self, clock: StepClock) -> str:
        """Return how a step stands to its clock."""
        return self.say("due_now" if clock.state is ClockState.DUE else clock.state.value)

    def point(self, point: MeasurementPoint) -> str:
        """Return the name of a point's home or building."""
        return home_name(point, self.language)

    def clock_advice(self, clock: DeviceClock) -> str:
        """Return what is wrong with a device's clock and what to do."""
        return clock_advice(clock, self.language)

    def loss(self, lost: Lost) -> str:
        """Return when what was lost."""
        since = self.when(lost.since) if lost.since else self.say("not_known")
        return f"{since} – {self.when(lost.until)} {loss_brief(lost, self.language)}"

    def loss_cells(self, lost: Lost) -> tuple[str, str, str, str]:
        """Return what was lost, how many messages, by which limit, and where the ledger has it."""
        many = _MISSING if lost.messages is None else f"{lost.messages:,}"
        return loss_what(lost, self.language), many, loss_limit(lost, self.language), loss_entries(lost)

    def reading(self, values: Any) -> str:
        """Return the values of an unknown device's last packet."""
        if not isinstance(values, dict):
            return _MISSING
        shown = ((values.get(key), unit) for key, unit in READING_UNITS.items())
        return " · ".join(f"{n:.1f} {unit}" for n, unit in shown if isinstance(n, float | int)) or _MISSING

    def cause(self, finding: Finding | HomeRow | WorkOrder | OrderSheet) -> str:
        """Return scope and side of a cause."""
        cause = finding.cause
        if cause is None:
            return _MISSING
        scope, side = self.say(cause.scope.value), self.say(cause.side.value)
        return f"{scope}（{side}）" if self.language is Language.ZH else f"{scope} ({side})"

    def quoted(self, text: str) -> str:
        """Return text fit for a query of an address."""
        return quote(text, safe="")
