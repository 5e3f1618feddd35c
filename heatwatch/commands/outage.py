"""`heatwatch outage`: registered outages and commissioning; homes under one are exempt."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import typer

from heating.errors import InputError
from heating.instants import rfc3339
from heating.register import Register
from heating.site import MeasurementPoint, Outage, SubjectType
from heatwatch.arguments import instant
from heatwatch.context import Context
from heatwatch.output import print_json, print_table, print_text

app = typer.Typer(help="Registered outages and commissioning; homes under one are exempt.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class OutageRow(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """An outage as it is shown: in the words of contract §1."""

    id: str
    kind: SubjectType
    place: str
    start: str
    end: str | None
    reason: str

    @classmethod
    def of(cls, outage: Outage, zone: ZoneInfo) -> Self:
        """Return what is shown of an outage, its times local to the site."""
        end = rfc3339(outage.end, zone) if outage.end else None
        return cls(
            outage.outage_id, outage.subject_type, outage.subject_id, rfc3339(outage.start, zone), end, outage.reason
        )


@app.command()
def add(
    context: typer.Context,
    place: Annotated[str, typer.Argument(help="Id of a station, branch, building, riser, home or point.")],
    start: Annotated[str, typer.Option("--from", help="When it begins.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words for people.")],
    end: Annotated[str | None, typer.Option("--to", help="When it ends, if known.")] = None,
    json: Json = False,
) -> None:
    """Register an outage of a place; prints its id."""
    if not reason.strip():
        raise InputError("--reason: is blank; say why there is no heat, people read it beside every home under it")
    with Context.of(context) as opened:
        kind = place_type(opened.register, place)
        begins = instant("--from", start, opened.zone)
        ends = instant("--to", end, opened.zone) if end else None
        if ends is not None and ends <= begins:
            raise InputError(f"--to: {end!r} is not after --from {start!r}")
        outage = Outage(
            outage_id=f"O{uuid4().hex[:10]}", subject_type=kind, subject_id=place, start=begins, end=ends, reason=reason
        )
        opened.ledger.places.add_outage(outage, opened.clock.now())
        if json:
            print_json(OutageRow.of(outage, opened.zone))
        else:
            print_text(outage.outage_id)


@app.command("end")
def end_(
    context: typer.Context,
    outage_id: str,
    at: Annotated[str | None, typer.Option("--at", help="When heat was back; now unless given.")] = None,
) -> None:
    """End an outage."""
    with Context.of(context) as opened:
        now = opened.clock.now()
        opened.ledger.places.end_outage(outage_id, instant("--at", at, opened.zone) if at else now, now)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List all outages."""
    with Context.of(context, create=False) as opened:
        rows = [OutageRow.of(outage, opened.zone) for outage in opened.ledger.places.outages()]
        if json:
            print_json(rows)
            return
        cells = [[row.id, row.kind, row.place, row.start, row.end or "", row.reason] for row in rows]
        print_table("outages", ["id", "kind", "place", "from", "to", "reason"], cells, opened.language)


def place_type(register: Register, place: str) -> SubjectType:
    """Return what kind of place an id names.

    Raises
    ------
    InputError
        If no point of the register lies there.
    """
    for kind, of in _IDS.items():
        if any(of(point) == place for point in register.points):
            return kind
    raise InputError(f"place {place!r} is not in the register; give an id such as S1, S1/B, S1/3, S1/3/1 or S1/3/1/501")


def _point(point: MeasurementPoint) -> str:
    return point.point_id


_IDS = {
    SubjectType.STATION: lambda p: p.station_id,
    SubjectType.BRANCH: lambda p: p.branch_id,
    SubjectType.BUILDING: lambda p: p.building_id,
    SubjectType.RISER: lambda p: p.riser_id,
    SubjectType.HOME: lambda p: p.home_id,
    SubjectType.POINT: _point,
}


def register(root: typer.Typer) -> None:
    """Add `outage`."""
    root.add_typer(app, name="outage")
