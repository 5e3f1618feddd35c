from __future__ import annotations

import gc

from heatwatch.pipeline import settled_memory


def test_garbage_is_searched_for_less_often_while_stages_run():
    usual = gc.get_threshold()
    with settled_memory():
        assert gc.get_freeze_count()
        assert gc.get_threshold()[0] > usual[0]
    assert gc.get_threshold() == usual
    assert not gc.get_freeze_count()
