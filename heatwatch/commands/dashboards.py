"""`heatwatch dashboards`: Grafana's dashboards and provisioning as files, or pushed into a live Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboards.grafana.board import Site
from dashboards.grafana.build import build, dashboards_of
from dashboards.grafana.changes import Change
from dashboards.grafana.provisioning import Source, file_secret
from dashboards.grafana.words import speaker
from heating.errors import ConfigError
from heating.regulation import load_profile
from heating.site import HomeClass
from heating.store.address import InfluxAddress, parse_address
from heating.words import Language
from heatwatch.context import Context
from heatwatch.output import print_json, print_text, writing

app = typer.Typer(help="Grafana dashboards: as files, or pushed through the API.", no_args_is_help=True)
Lang = Annotated[Language | None, typer.Option("--lang", help="zh-CN or en; site.language unless given.")]
InfluxUrl = Annotated[str, typer.Option("--influx", help="InfluxDB as Grafana reaches it, http://host:8086.")]
Database = Annotated[str, typer.Option("--database", help="Database or bucket; that of store.url unless given.")]
User = Annotated[str, typer.Option("--user", help="User of an InfluxQL account, where there is no token.")]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("build")
def build_files(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("grafana"),
    lang: Lang = None,
    path: Annotated[
        str, typer.Option("--path", help="Where Grafana finds the dashboards; OUT/dashboards unless given.")
    ] = "",
    influx: InfluxUrl = "",
    database: Database = "",
    token_file: Annotated[str, typer.Option("--token-file", help="File of the token on Grafana's machine.")] = "",
    user: User = "",
    password_file: Annotated[
        str, typer.Option("--password-file", help="File of the account's password on Grafana's machine.")
    ] = "",
    json: Json = False,
) -> None:
    """Write dashboards and provisioning files; secrets are named by their files, never written."""
    with Context.of(context) as opened:
        url, name = _database(opened, influx, database, in_file=True)
        source = Source(
            url=url, database=name, token=file_secret(token_file), user=user, password=file_secret(password_file)
        )
        where = path or str((out / "dashboards").resolve())
        site = _site(opened, lang)
        with writing("--out", out):
            files = build(out, site, source, where)
    if json:
        print_json([str(file) for file in files])
        return
    for file in files:
        print_text(str(file))


@app.command("push")
def push_live(
    context: typer.Context,
    lang: Lang = None,
    influx: InfluxUrl = "",
    database: Database = "",
    user: User = "",
    json: Json = False,
) -> None:
    """Bring data source, dashboards and alert rules into the Grafana of `grafana.url`; a second push changes nothing.

    The data source gets the secret of `store.token_file`; with --user the part behind its colon is the password.
    """
    from dashboards.grafana.push import push

    with Context.of(context) as opened:
        url, name = _database(opened, influx, database, in_file=False)
        secret = opened.settings.store.credentials()["token"] or ""
        source = Source(url=url, database=name, token=secret)
        if user:
            source = Source(url=url, database=name, user=user, password=secret.partition(":")[2] or secret)
        site = _site(opened, lang)
        done = push(opened.settings.grafana, site, dashboards_of(site), source)
    if json:
        print_json(done)
        return
    for one in done:
        print_text(f"{_SIGNS[one.change]} {one.kind:12} {one.name}: {one.change}")


def _site(opened: Context, lang: Language | None) -> Site:
    settings = opened.settings
    rule = load_profile(settings.regulation.enterprise).floor_rule(HomeClass.APARTMENT)
    site = Site(settings.site.name, opened.zone, speaker(lang or opened.language))
    if rule.day_c is None or rule.night_c is None:
        return site
    return Site(site.name, site.zone, site.say, rule.day_c, rule.night_c)


def _database(opened: Context, influx: str, database: str, *, in_file: bool) -> tuple[str, str]:
    """Return where Grafana finds the database: as said, else as the store's address says."""
    address = parse_address(opened.settings.store.url)
    if isinstance(address, InfluxAddress):
        return influx or address.base_url, database or address.database
    if influx and database:
        return influx, database
    if in_file:
        # Grafana fills these in from its environment.
        return influx or "$INFLUXDB_URL", database or "$INFLUXDB_DATABASE"
    raise ConfigError(
        f"store.url = {opened.settings.store.url!r}: Grafana reads InfluxDB; set influxdb://host:port/database, "
        "or give --influx and --database"
    )


_SIGNS = {Change.CREATED: "+", Change.CHANGED: "~", Change.UNCHANGED: "="}


def register(root: typer.Typer) -> None:
    """Add `dashboards`."""
    root.add_typer(app, name="dashboards")
