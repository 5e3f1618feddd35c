"""`make bench`: how fast rule, analysis, stores and collector are, side by side in one run.

Ratios of figures taken in one run are what counts: absolute ones belong to the machine and its day.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(ROOT / "tests")]  # the real brokers and databases that the tests start, too

import day  # noqa: E402
import machine  # noqa: E402
import rule  # noqa: E402
import stores  # noqa: E402
import wire  # noqa: E402
from figures import Report, Steps, Table  # noqa: E402

from heatwatch.output import progress  # noqa: E402


def main() -> None:
    """Measure what was asked for and print it."""
    options = _options()
    described = machine.describe()
    tables: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="heatwatch-bench-") as scratch, progress() as bar:
        steps = Steps(bar)
        for name in options.parts or PARTS:
            folder = Path(scratch, name)
            folder.mkdir()
            tables += PARTS[name](options, folder, steps)
    report = Report(machine=described, tables=tables)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    sys.stdout.write(report.markdown())


def _rule(options: argparse.Namespace, folder: Path, steps: Steps) -> list[Table]:
    return [rule.measure(rule.Sizes(options.points, tuple(options.scales), options.large), steps)]


def _day(options: argparse.Namespace, folder: Path, steps: Steps) -> list[Table]:
    return day.measure(options.homes, folder, steps)


def _stores(options: argparse.Namespace, folder: Path, steps: Steps) -> list[Table]:
    return [stores.measure(options.readings, folder, steps)]


def _wire(options: argparse.Namespace, folder: Path, steps: Steps) -> list[Table]:
    return wire.measure(wire.Plan(options.messages, options.devices, options.rounds, options.backlog), folder, steps)


PARTS: dict[str, Callable[[argparse.Namespace, Path, Steps], list[Table]]] = {
    "rule": _rule,
    "day": _day,
    "stores": _stores,
    "wire": _wire,
}


def _part(name: str) -> str:
    # Not `choices`: before Python 3.12 they refuse an empty list.
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return name


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; all unless named")
    parser.add_argument("--points", type=int, default=16_000, help="points of the estate at 1x")
    parser.add_argument("--scales", type=int, nargs="*", default=[1, 4, 16], help="multiples of it for the rule")
    parser.add_argument("--large", type=int, default=1_000_000, help="points of the large run of the rule, 0 for none")
    parser.add_argument("--homes", type=int, default=14_000, help="homes of the day from files (some 16 000 points)")
    parser.add_argument("--readings", type=int, default=1_000_000, help="readings that the stores get")
    parser.add_argument("--messages", type=int, default=60_000, help="messages that the collector drains")
    parser.add_argument("--devices", type=int, default=2_000, help="devices that they come from")
    parser.add_argument("--rounds", type=int, default=3, help="how often each consumer drains")
    parser.add_argument("--backlog", type=int, default=0, help="messages of a night's queue, 0 for none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
