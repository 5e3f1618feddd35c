"""A process of its own on a ledger: `python ledger_child.py URL append|count [N]`; says `ready`, then works."""

from __future__ import annotations

import itertools
import sys
from datetime import UTC, datetime

from heating.ledger import Ledger, open_ledger
from heating.ledger.port import BatchIntent

AT = datetime(2026, 11, 22, tzinfo=UTC)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def append(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.chain.append("inspection", "P1", number, AT)
        ledger.orders.next_number(2026)


def count(ledger: Ledger, first: int) -> None:
    """Begin and finish for ever; after each step say what is durable."""
    for number in itertools.count(first):
        key = (f"D{number % 7}", number)
        ledger.journal.begin(BatchIntent(keys=(key,), oldest_ms=number, newest_ms=number), AT)
        say(f"begun {number}")
        ledger.journal.finish({"stored": 1}, (), {"stored": {key[0]: 1}}, AT)
        say(f"finished {number}")


if __name__ == "__main__":
    url, task, number = sys.argv[1:]
    opened = open_ledger(url)
    say("ready")
    {"append": append, "count": count}[task](opened, int(number))
