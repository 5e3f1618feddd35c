from __future__ import annotations

import threading
import time

from collector.inbox import Inbox
from collector.packet import Packet


def packets(count: int, size: int = 10) -> list[Packet]:
    return [Packet(topic="t", payload=b"x" * size, received_ms=i, length=size) for i in range(count)]


def offered(inbox: Inbox, sent: list[Packet]) -> threading.Thread:
    thread = threading.Thread(target=lambda: [inbox.offer(one) for one in sent])
    thread.start()
    return thread


def gathered(inbox: Inbox, limit: int, batch_s: float) -> tuple[list[Packet], float]:
    began = time.monotonic()
    found = inbox.gather(limit, first_s=10.0, batch_s=batch_s)
    return found, time.monotonic() - began


def test_a_batch_that_is_full_ends_at_once():
    inbox, sent = Inbox(5000), packets(2000)
    thread = offered(inbox, sent)
    found, took_s = gathered(inbox, 2000, 60.0)
    thread.join()
    assert found == sent
    assert took_s < 30


def test_a_batch_of_large_packets_ends_by_their_size():
    inbox = Inbox(5000)
    offered(inbox, packets(40, 60_000)).join()
    assert len(inbox.gather(2000, first_s=10.0, batch_s=60.0)) == 17


def test_a_pause_ends_a_batch_that_may_be_all_the_broker_gives():
    inbox, sent = Inbox(5000), packets(20)
    offered(inbox, sent).join()
    found, took_s = gathered(inbox, 2000, 60.0)
    assert found == sent
    assert took_s < 30


def test_a_few_packets_wait_for_others_until_their_time_is_over():
    inbox, sent = Inbox(5000), packets(19)
    offered(inbox, sent).join()
    found, took_s = gathered(inbox, 2000, 0.2)
    assert found == sent
    assert took_s >= 0.2
