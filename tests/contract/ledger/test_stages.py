"""How the stages of a site last were, on every adapter."""

from __future__ import annotations

from contract.ledgerkit import T0, after

from heating.ledger import Ledger, open_ledger
from heating.stage import Health, StageNote

WELL = Health(alive=True, fresh=True, text="last packet 2 s ago")
BEHIND = Health(alive=True, fresh=False, text="存储不可用")


def test_a_note_takes_the_place_of_the_last_one_and_other_processes_read_it(ledger: Ledger, ledger_url: str) -> None:
    assert ledger.stages.notes() == []
    ledger.stages.note({"collector": WELL, "housekeeping": WELL}, T0)
    other = open_ledger(ledger_url)
    other.stages.note({"analyzer": WELL}, after(seconds=3))
    ledger.stages.note({"collector": BEHIND}, after(seconds=15))
    notes = [
        StageNote(stage="analyzer", at=after(seconds=3), health=WELL),
        StageNote(stage="collector", at=after(seconds=15), health=BEHIND),
        StageNote(stage="housekeeping", at=T0, health=WELL),
    ]
    assert other.stages.notes() == ledger.stages.notes() == notes
    other.close()


def test_notes_are_no_entries_of_the_chain(ledger: Ledger) -> None:
    before = ledger.chain.head()
    ledger.stages.note({"collector": WELL}, T0)
    assert ledger.chain.head() == before


def test_a_text_that_databases_refuse_is_noted_without_what_they_refuse(ledger: Ledger) -> None:
    ledger.stages.note({"collector": Health(alive=True, fresh=False, text="no file a\udcffb\x00")}, T0)
    assert ledger.stages.notes()[0].health.text == "no file a\ufffdb\ufffd"
