"""Tables of the ledger, in types that SQLite and PostgreSQL both know.

Instants are integers of milliseconds (UTC) named `*_ms`; values that are only read back whole are canonical JSON in
text (`heating.ledger.codec`). `FOREVER` stands for an end that has not come, so that one index answers "still going
on at" without a second look at NULL.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text

# Raised with every change of a table; a ledger of a newer schema is refused.
SCHEMA_VERSION = 3

FOREVER = 2**63 - 1

metadata = MetaData()

# An INTEGER PRIMARY KEY is SQLite's row id itself: no second index.
_ROW = BigInteger().with_variant(Integer(), "sqlite")

schema = Table(
    "ledger_schema",
    metadata,
    Column("id", _ROW, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

# Sequences and cursors by name. A sequence lives here and not in the database's own kind, since numbers must be
# given in the order of commits, without gaps, and never again.
numbers = Table(
    "numbers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# --- the chain and its projections -------------------------------------------------------------------------------

chain = Table(
    "chain",
    metadata,
    Column("seq", _ROW, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("chain_by_subject", "subject", "seq"),
    Index("chain_by_kind", "kind", "seq"),
)

chain_head = Table(
    "chain_head",
    metadata,
    Column("id", _ROW, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("retracted", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("findings_by_end", "end_ms"),
    Index("findings_by_subject", "subject_id", "subject_type", "start_ms"),
)

# `body` is without history: that is the order's events in the chain.
orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("orders_by_opening", "opened_ms"),
    Index("orders_unfinished", "finished", "opened_ms"),
)

order_findings = Table(
    "order_findings",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Index("order_findings_by_order", "order_id"),
    sqlite_with_rowid=False,
)

# --- messages ----------------------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False),
    Column("tried_ms", BigInteger),
    Column("attempts", BigInteger, nullable=False),
    Column("error", Text),
    Column("body", Text, nullable=False),
    Index("outbox_due", "state", "next_try_ms"),
)

# --- the collector's book ----------------------------------------------------------------------------------------

intent = Table(
    "intent",
    metadata,
    Column("id", _ROW, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The counts of a batch, until they are folded into `device_days`.
tallies = Table(
    "tallies",
    metadata,
    Column("row", _ROW, primary_key=True),
    Column("day", Text, nullable=False),
    Column("body", Text, nullable=False),
)

# The day comes first: a fold touches the pages of a day or two and no others.
device_days = Table(
    "device_days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

changes = Table(
    "changes",
    metadata,
    Column("seq", _ROW, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("oldest_ms", BigInteger, nullable=False),
    Column("newest_ms", BigInteger, nullable=False),
    Column("late_points", Text, nullable=False),
)

clockless = Table(
    "clockless",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("received_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("clockless_by_age", "seen_ms"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("row", _ROW, primary_key=True, autoincrement=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("index", BigInteger),
    Column("payload", LargeBinary, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Index("quarantine_by_digest", "sha256"),
)

strangers = Table(
    "strangers",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("reading", Text, nullable=False),
    Index("strangers_by_age", "last_ms"),
)

device_clocks = Table(
    "device_clocks",
    metadata,
    Column("device_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("skew_ms", BigInteger),
    Column("drift_ms_per_day", BigInteger),
    Column("packets", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("memory", Text, nullable=False),
)

# --- places ------------------------------------------------------------------------------------------------------

points = Table(
    "points",
    metadata,
    Column("point_id", Text, primary_key=True),
    Column("retired", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)

placements = Table(
    "placements",
    metadata,
    Column("row", _ROW, primary_key=True, autoincrement=False),
    Column("device_id", Text, nullable=False),
    Column("point_id", Text, nullable=False),
    Column("start_ms", BigInteger),
    Column("end_ms", BigInteger),
)

# Personal data stands here and nowhere else. `file_digest` is that of the register's cells last taken over, so that
# a correction by hand is not undone by the next import of the same cells; `erased` keeps them from coming back.
contacts = Table(
    "contacts",
    metadata,
    Column("point_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("file_digest", Text, nullable=False),
    Column("erased", Boolean, nullable=False),
)

outages = Table(
    "outages",
    metadata,
    Column("outage_id", Text, primary_key=True),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger),
    Column("reason", Text, nullable=False),
)
