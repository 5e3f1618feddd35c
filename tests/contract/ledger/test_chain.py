"""The hash chain: its written format, what `verify` notices, what must never stand in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from contract.ledgerkit import T0, finding, notice, order
from sqlalchemy import Connection, create_engine, text

from heating.instants import to_ms
from heating.ledger import Ledger, open_ledger
from heating.site import Contact, MeasurementPoint


def filled(ledger: Ledger) -> None:
    ledger.chain.append("inspection", "P1", {"温度": 17.5, "a": [1, None]}, T0)
    ledger.findings.record([finding(1), finding(2)], at=T0)
    opened = order()
    ledger.orders.save(opened, opened.history, [notice()], at=T0)
    ledger.findings.record([finding(1, confirmed=True)], at=T0)


@contextmanager
def by_hand(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_format_of_the_chain_is_as_written_down(ledger: Ledger, ledger_url: str) -> None:
    filled(ledger)
    before = "0" * 64
    with by_hand(ledger_url) as connection:
        rows = connection.execute(text("SELECT * FROM chain ORDER BY seq")).mappings().all()
    for number, row in enumerate(rows, 1):
        assert (row["seq"], row["prev_hash"], row["at_ms"]) == (number, before, to_ms(T0))
        packed = b""
        for name in ("seq", "at_ms", "kind", "subject", "body", "prev_hash"):
            field = str(row[name]).encode()
            packed += str(len(field)).encode() + b":" + field + b","
        before = hashlib.sha256(packed).hexdigest()
        assert row["hash"] == before
    assert (ledger.chain.head().seq, ledger.chain.head().hash) == (len(rows), before)


def test_the_first_entry_is_the_same_on_any_machine(ledger: Ledger) -> None:
    ledger.chain.append("inspection", "P1", {"b": 1, "a": "温"}, T0)
    # printf '1:1,13:1795314000123,10:inspection,2:P1,17:{"a":"温","b":1},64:000…,' | sha256sum
    assert ledger.chain.head().hash == "da7a5d4f9765606a894321a889404560a769e60cfbef614c8b33b1a1586ffdf5"


def test_entries_are_read_in_order_and_by_kind_and_subject(ledger: Ledger) -> None:
    filled(ledger)
    entries = ledger.chain.entries()
    assert [entry.seq for entry in entries] == list(range(1, 8))
    assert entries[0].body == {"温度": 17.5, "a": [1, None]}
    assert [e.seq for e in ledger.chain.entries(after=3, limit=2)] == [4, 5]
    assert [e.kind for e in ledger.chain.entries(subject="W1")] == ["order", "order_state", "notice"]
    assert [e.subject for e in ledger.chain.entries(kind="finding", after=2)] == ["F2", "F1"]


def test_a_sound_ledger_verifies(ledger: Ledger) -> None:
    assert ledger.chain.verify().entries == 0
    filled(ledger)
    verdict = ledger.chain.verify()
    assert (verdict.entries, verdict.broken_at, verdict.reason) == (7, None, None)
    assert verdict.head == ledger.chain.head().hash


SWAP = """
    UPDATE chain SET (subject, body) = (SELECT c.subject, c.body FROM chain c WHERE c.seq = 5 - chain.seq)
    WHERE seq IN (2, 3)"""


@pytest.mark.parametrize(
    ("act", "broken_at", "says"),
    [
        ("UPDATE chain SET body = replace(body, '1.25', '0.25') WHERE seq = 2", 2, "was changed"),
        ("UPDATE chain SET at_ms = at_ms - 1 WHERE seq = 5", 5, "was changed"),
        ("UPDATE chain SET subject = 'P2' WHERE seq = 1", 1, "was changed"),
        ("DELETE FROM chain WHERE seq = 4", 4, "entry 4 is missing"),
        ("DELETE FROM chain WHERE seq = 1", 1, "entry 1 is missing"),
        ("DELETE FROM chain WHERE seq > 5", 6, "entries 6 to 7 are missing at the end"),
        ("UPDATE chain_head SET hash = prev FROM (SELECT hash AS prev FROM chain WHERE seq = 6) AS c", 7, "the head"),
        (SWAP, 2, "was changed"),
        (
            "UPDATE findings SET body = replace(body, '1.25', '0.25') WHERE id = 'F2'",
            3,
            "finding F2 is not what entry 3",
        ),
        ("UPDATE findings SET end_ms = 0 WHERE id = 'F1'", 7, "finding F1 is not what entry 7"),
        ("UPDATE findings SET retracted = (1 = 1) WHERE id = 'F1'", 7, "finding F1 is not what entry 7"),
        ("DELETE FROM findings WHERE id = 'F1'", 7, "finding F1 of entry 7 is missing"),
        ("UPDATE findings SET id = 'F8' WHERE id = 'F2'", 3, "finding F8 stands in no entry"),
        ("UPDATE orders SET body = replace(body, 'open', 'closed')", 5, "order W1 is not what entry 5"),
        ("UPDATE orders SET finished = (1 = 1)", 5, "order W1 is not what entry 5"),
        ("DELETE FROM orders", 5, "order W1 of entry 5 is missing"),
        ("DELETE FROM order_findings", 5, "lost findings"),
        ("INSERT INTO order_findings VALUES ('F2', 'W1')", 0, "does not cover finding F2"),
    ],
)
def test_verify_says_where_the_ledger_was_tampered_with(
    ledger: Ledger, ledger_url: str, act: str, broken_at: int, says: str
) -> None:
    filled(ledger)
    with by_hand(ledger_url) as connection:
        connection.execute(text(act))
    verdict = ledger.chain.verify()
    assert verdict.broken_at == broken_at
    assert says in str(verdict.reason)


def test_who_noted_the_head_down_notices_a_chain_forged_anew(ledger: Ledger, ledger_url: str) -> None:
    filled(ledger)
    noted = ledger.chain.head()
    with by_hand(ledger_url) as connection:
        for table in ("chain", "findings", "orders", "order_findings", "outbox"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE chain_head SET seq = 0, hash = :zeros"), {"zeros": "0" * 64})
    for _ in range(noted.seq):
        ledger.chain.append("inspection", "P1", "all was warm", T0)
    assert ledger.chain.verify().broken_at is None
    assert ledger.chain.entries(after=noted.seq - 1)[0].hash != noted.hash


def test_no_personal_data_enters_the_chain(ledger: Ledger) -> None:
    point = MeasurementPoint(point_id="P1", device_id="D1", station="S1", building="3", room="501", floor=5)
    ledger.places.import_register([point], {"P1": Contact("张三", "13800000000", "人民路 1 号")}, T0)
    ledger.places.set_contact("P1", Contact("李四", "13900000000", "人民路 2 号"), T0, by="desk")
    ledger.places.set_contact("P1", Contact(), T0, by="desk")
    chain = str(ledger.chain.entries())
    for secret in ("张三", "李四", "138000", "139000", "人民路"):
        assert secret not in chain
    acts = [entry.body["act"] for entry in ledger.chain.entries(kind="audit")]
    assert acts == ["import_register", "correct_contact", "erase_contact"]


def test_the_chain_goes_on_after_opening_again(ledger: Ledger, ledger_url: str) -> None:
    filled(ledger)
    ledger.close()
    ledger.close()
    again = open_ledger(ledger_url, create=False)
    assert again.chain.append("inspection", "P1", None, T0) == 8
    assert again.chain.verify().broken_at is None
    again.close()
