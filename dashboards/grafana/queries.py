"""InfluxQL for panels, variables and annotations: `/query` of 1.x, 2.x and 3 Core (no Flux, no regular expressions).

`$timeFilter` and `$__interval` are Grafana's. Variables are put in raw and between quotes, so that ids with a slash
stay what they are in every version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from heating.measurement import Measurement

DATASOURCE = {"type": "influxdb", "uid": "heatwatch"}
INTERVAL = "$__interval"

Where = Mapping[str, str]
"""Tag to the variable that it must equal (`building` to `$building`), or to a fixed text."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One query of a panel; `alias` names the line of a time series (`$tag_branch` takes it from a tag)."""

    query: str
    table: bool = False
    alias: str = ""

    def to_json(self, ref: str) -> dict[str, Any]:
        """Return the target as Grafana keeps it."""
        return {
            "refId": ref,
            "datasource": DATASOURCE,
            "query": self.query,
            "rawQuery": True,
            "resultFormat": "table" if self.table else "time_series",
            **({"alias": self.alias} if self.alias else {}),
        }


def newest(measurement: Measurement, fields: Iterable[str], *, where: Where | None = None, per: float = 1) -> Target:
    """Ask for the newest value of each field, as one row; `per` 60 makes minutes of seconds."""
    share = "" if per == 1 else f" / {per}"
    columns = ", ".join(f"last({_name(f)}){share} AS {_name(f)}" for f in fields)
    return Target(query=f"SELECT {columns} FROM {_name(measurement)} WHERE {_conditions(where)}", table=True)


def newest_rows(
    measurement: Measurement,
    columns: Iterable[str],
    *,
    tags: Iterable[str],
    by: str,
    where: Where | None = None,
    having: str = "",
    within: str = "",
) -> Target:
    """Ask for the newest row of each series as a table.

    Parameters
    ----------
    columns
        Columns of the table, tags and fields, in their order.
    tags
        Tags that tell the series apart; those among `columns` become columns.
    by
        A field that every row has: its newest value says which row is the newest.
    having
        Condition on the newest rows, such as `"cold" > 0`.
    within
        A stretch of its own (`2d`) for rows that are not written as often as others; the panel's unless given.
    """
    columns, tags = list(columns), list(tags)
    others = [name for name in columns if name not in tags and name != by]
    fields = ", ".join([f"last({_name(by)}) AS {_name(by)}", *map(_name, others)])
    conditions = " AND ".join([f"time > now() - {within}", *_equal(where)]) if within else _conditions(where)
    inner = f"SELECT {fields} FROM {_name(measurement)} WHERE {conditions} GROUP BY {_names(tags)}"
    condition = f" WHERE {having}" if having else ""
    return Target(query=f"SELECT {_names(columns)} FROM ({inner}){condition}", table=True)


def total_of_newest(measurement: Measurement, field: str, *, tags: Iterable[str], where: Where | None = None) -> Target:
    """Ask for the sum of the newest values of all series."""
    inner = (
        f"SELECT last({_name(field)}) AS {_name(field)} FROM {_name(measurement)} WHERE {_conditions(where)} "
        f"GROUP BY {_names(tags)}"
    )
    return Target(query=f"SELECT sum({_name(field)}) AS {_name(field)} FROM ({inner})", table=True)


def history(
    measurement: Measurement,
    value: str,
    *,
    alias: str,
    where: Where | None = None,
    tags: Iterable[str] = (),
    fill: str = "none",
    every: str = INTERVAL,
) -> Target:
    """Ask for one line over time, or one for each value of `tags`; `value` is an aggregate such as `mean("mean_c")`."""
    group = ", ".join([f"time({every})", *map(_name, tags)])
    return Target(
        query=f"SELECT {value} FROM {_name(measurement)} WHERE {_conditions(where)} GROUP BY {group} fill({fill})",
        alias=alias,
    )


def raw(measurement: Measurement, fields: Iterable[str], *, where: Where, having: str = "", limit: int = 0) -> Target:
    """Ask for the stored rows themselves, the newest first where there is a limit."""
    more = f" AND {having}" if having else ""
    tail = f" ORDER BY time DESC LIMIT {limit}" if limit else ""
    return Target(
        query=f"SELECT {_names(fields)} FROM {_name(measurement)} WHERE {_conditions(where)}{more}{tail}", table=True
    )


def known_values(
    measurement: Measurement, field: str, *, by: str, tags: Iterable[str], where: Where, within: str
) -> str:
    """Ask for the newest text of each series in a stretch of its own (`60d`): the choices of a variable.

    `by` is a field that every row has, as in `newest_rows`.
    """
    conditions = " AND ".join([f"time > now() - {within}", *_equal(where)])
    inner = (
        f"SELECT last({_name(by)}) AS {_name(by)}, {_name(field)} AS {_name(field)} FROM {_name(measurement)} "
        f"WHERE {conditions} GROUP BY {_names(tags)}"
    )
    return f"SELECT {_name(field)} FROM ({inner})"


def tag_values(measurement: Measurement, tag: str, where: Where | None = None) -> str:
    """Ask for the values of a tag: the choices of a variable."""
    condition = " AND ".join(_equal(where))
    return f"SHOW TAG VALUES FROM {_name(measurement)} WITH KEY = {_name(tag)}" + (
        f" WHERE {condition}" if condition else ""
    )


def chosen(*variables: str, **fixed: str) -> dict[str, str]:
    """Return conditions: each variable equals the tag of its name."""
    return {name: f"${{{name}:raw}}" for name in variables} | fixed


def _conditions(where: Where | None) -> str:
    return " AND ".join(["$timeFilter", *_equal(where)])


def _equal(where: Where | None) -> list[str]:
    return [f"{_name(tag)} = '{value}'" for tag, value in (where or {}).items()]


def _name(name: str) -> str:
    return f'"{name}"'


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(_name, names))
