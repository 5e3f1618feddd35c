from __future__ import annotations

import gc
import sys

from heatwatch.interpreter import long_turns, settled_memory


def test_garbage_is_searched_for_less_often_while_stages_run():
    usual = gc.get_threshold()
    with settled_memory():
        assert gc.get_freeze_count()
        assert gc.get_threshold()[0] > usual[0]
    assert gc.get_threshold() == usual
    assert not gc.get_freeze_count()


def test_threads_take_longer_turns_while_stages_run():
    usual = sys.getswitchinterval()
    with long_turns():
        assert sys.getswitchinterval() > usual
    assert sys.getswitchinterval() == usual
