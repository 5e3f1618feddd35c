"""`heatwatch points`: check, import, template of the register; unknown devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from heating.errors import InputError
from heating.instants import from_ms, rfc3339
from heating.register_template import write_template
from heating.unknown_devices import still_unknown
from heatwatch.context import Context
from heatwatch.output import note, print_json, print_table, print_text, writing
from heatwatch.registration import import_register, read_site_register

app = typer.Typer(help="The register of measurement points (测温点台账).", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(context: typer.Context, file: Path, json: Json = False) -> None:
    """Check a register file; every bad row is listed, exit 1 if there is one."""
    with Context.of(context) as opened:
        found = read_site_register(opened.settings, file)
        if json:
            print_json({"points": len(found.points), "problems": found.problems, "ignored": found.ignored_columns})
        else:
            for problem in found.problems:
                print_text(str(problem))
            for doubt in found.notes:
                note(f"worth a look: {doubt}")
            _say_ignored(found.ignored_columns)
            print_text(f"{file}: {len(found.points)} good points, {len(found.problems)} problems")
    if found.problems:
        raise typer.Exit(1)


@app.command("import")
def import_(
    context: typer.Context,
    file: Path,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows of a file with bad ones.")] = False,
    json: Json = False,
) -> None:
    """Import a register file; nothing is imported if any row is bad."""
    with Context.of(context) as opened:
        found = read_site_register(opened.settings, file)
        for problem in found.problems:
            note(f"{'skipped' if skip_bad else 'bad'}: {problem}")
        if found.problems and not skip_bad:
            raise InputError(f"{file}: {len(found.problems)} bad values, nothing imported; --skip-bad imports the rest")
        report = import_register(opened.settings, opened.ledger, found, opened.clock.now())
        if json:
            print_json({"report": report, "skipped": found.problems})
            return
        _say_ignored(found.ignored_columns)
        print_text(
            f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
            f"{report.moved_devices} devices moved, {report.retired} retired"
        )


@app.command()
def template(context: typer.Context, file: Path) -> None:
    """Write an empty register with headers and one example (CSV or XLSX by the file's ending)."""
    with Context.of(context) as opened, writing("FILE", file):
        write_template(file, opened.language)
    note(f"{file} written")


@app.command()
def unknown(context: typer.Context, json: Json = False) -> None:
    """List devices that send but are not in the register, with their last reading."""
    with Context.of(context, create=False) as opened:
        seen = still_unknown(opened.ledger.journal.strangers(), opened.register)
        shown = [msgspec.structs.replace(one, reading=_with_time(one.reading, opened.zone)) for one in seen]
        if json:
            print_json(shown)
            return
        rows = [
            [s.device_id, s.topic, rfc3339(s.first_seen, opened.zone), rfc3339(s.last_seen, opened.zone), str(s.count),
             _in_words(s.reading)]
            for s in shown
        ]  # fmt: skip
        header = ["device", "topic", "first", "last", "readings", "last reading"]
        print_table("unknown devices", header, rows, opened.language)


def _with_time(reading: Any, zone: ZoneInfo) -> Any:
    """Return the values of a reading with its instant as people write it."""
    if not isinstance(reading, dict) or "ts_ms" not in reading:
        return reading
    values = {name: value for name, value in reading.items() if name != "ts_ms"}
    return {"ts": rfc3339(from_ms(reading["ts_ms"]), zone), **values}


def _in_words(reading: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in reading.items()) if isinstance(reading, dict) else ""


def _say_ignored(columns: tuple[str, ...]) -> None:
    if columns:
        note(f"columns ignored: {', '.join(columns)}")
