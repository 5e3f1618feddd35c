from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from peers.books import MemoryChain

from collector.losses import Losses
from heating.errors import LedgerUnavailable
from heating.loss import LOSS, Loss

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def written(losses: Losses) -> list[tuple[object, ...]]:
    chain = MemoryChain()
    losses.write(chain)
    found = [msgspec.convert(body, Loss) for kind, _, body, _ in chain.entries if kind == LOSS]
    return [(loss.what, loss.since, loss.until, loss.messages) for loss in found]


def test_a_first_start_is_no_loss(tmp_path):
    losses = Losses(str(tmp_path))
    losses.connected(NOW, kept=False)
    losses.dropped(b"700", NOW)  # before we came
    assert written(losses) == []
    assert losses.text(NOW) == ""


def test_a_session_that_is_gone_is_dated_by_when_we_were_last_there(tmp_path):
    Losses(str(tmp_path)).alive(NOW)
    losses = Losses(str(tmp_path))
    losses.connected(at(60), kept=False)
    assert written(losses) == [("session", NOW, at(60), None)]
    assert written(losses) == []
    assert "since 2026-11-22T08:00" in losses.text(at(61))
    assert losses.text(at(60 + 24 * 60 + 1)) == ""


def test_a_clock_that_was_set_back_does_not_end_a_loss_before_it_begins(tmp_path):
    Losses(str(tmp_path)).alive(NOW)
    losses = Losses(str(tmp_path))
    losses.connected(at(-1440), kept=False)
    losses.dropped(b"5", at(-1440))
    losses.dropped(b"7", at(-2880))
    assert written(losses) == [("session", at(-1440), at(-1440), None), ("queue", at(-2880), at(-2880), 2)]


def test_a_lost_session_says_for_how_long_the_broker_was_to_keep_it(tmp_path):
    Losses(str(tmp_path)).alive(NOW)
    losses, chain = Losses(str(tmp_path), 3600), MemoryChain()
    losses.connected(at(61), kept=False)
    losses.write(chain)
    ((_, _, body, _),) = chain.entries
    assert msgspec.convert(body, Loss).expiry_s == 3600


def test_drops_are_counted_over_restarts_of_either_side(tmp_path):
    losses = Losses(str(tmp_path))
    losses.connected(NOW, kept=False)
    losses.dropped(b"5", NOW)
    losses.alive(at(1))
    losses = Losses(str(tmp_path))
    losses.connected(at(60), kept=True)
    losses.dropped(b"5", at(60))
    losses.dropped(b"25", at(61))
    losses.dropped(b"3", at(70))  # the broker was restarted
    losses.dropped(b"nonsense", at(71))
    assert written(losses) == [("queue", at(1), at(61), 20), ("queue", at(61), at(70), 3)]
    assert [metric.value for metric in losses.metrics()] == [0, 23, at(70).timestamp()]


def test_what_the_ledger_could_not_take_is_written_after_a_restart(tmp_path):
    losses = Losses(str(tmp_path))
    losses.alive(NOW)
    losses.connected(at(1), kept=False)

    class Away(MemoryChain):
        def append(self, *_: object) -> int:
            raise LedgerUnavailable("away")

    with pytest.raises(LedgerUnavailable):
        losses.write(Away())
    assert len(written(Losses(str(tmp_path)))) == 1
    assert written(Losses(str(tmp_path))) == []


def test_a_note_is_on_the_disk_before_it_takes_the_place_of_the_last(tmp_path, monkeypatch):
    done: list[str] = []
    for call in ("fsync", "replace"):
        really = getattr(os, call)
        monkeypatch.setattr(os, call, lambda *a, c=call, r=really: done.append(c) or r(*a))
    Losses(str(tmp_path)).alive(NOW)
    assert done == ["fsync", "replace"]
