"""Gaps in sequence numbers, against a count of what a device sent and what came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.sequence import Sequence

NUMBERS = st.lists(st.integers(0, 60), min_size=1, max_size=40)


@given(NUMBERS)
def test_what_is_missing_is_what_never_came(order):
    """A number's time follows from the number, as in a device that sends late what it had kept."""
    watched = Sequence()
    for seq in order:
        watched.saw(seq, seq * 1000)
    came = {seq for i, seq in enumerate(order) if seq >= order[0]}
    assert watched.missing == max(order) - order[0] + 1 - len(came)
    assert watched.gaps == sorted(watched.gaps)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200, unique=True))
def test_memory_is_bounded_and_nothing_is_counted_twice(order):
    watched = Sequence()
    for seq in order:
        watched.saw(seq, seq * 1000)
    assert len(watched.gaps) <= 16
    assert 0 <= watched.missing <= max(order) - order[0]


@given(NUMBERS, NUMBERS)
def test_a_device_that_begins_anew_keeps_what_was_lost(before, after):
    watched = Sequence()
    for i, seq in enumerate(sorted(before)):
        watched.saw(seq, i)
    lost = watched.missing
    for i, seq in enumerate(sorted(after)):
        watched.saw(seq, 1000 + i)
    assert watched.missing >= lost
