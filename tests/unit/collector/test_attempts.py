from __future__ import annotations

import logging

from collector.attempts import Attempts
from collector.settings import MqttSettings


def closes(attempts: Attempts, count: int) -> bool:
    """Let connections be closed before an answer; return whether that asks for another version."""
    for _ in range(count):
        attempts.begin()
        attempts.closed_early()
    return attempts.switch


def test_versions_are_tried_in_turn_until_one_is_understood():
    attempts = Attempts(MqttSettings())
    assert not closes(attempts, 1)
    assert closes(attempts, 1)
    attempts.switched()
    assert attempts.version == "3.1.1"
    assert closes(attempts, 2)
    attempts.switched()
    assert attempts.version == "5"
    attempts.accepted(session_present=True)
    assert not closes(attempts, 10), "it knows MQTT 5: a proxy before it closes"


def test_who_refuses_us_in_mqtt_5_knows_it():
    attempts = Attempts(MqttSettings())
    for _ in range(5):
        attempts.begin()
        attempts.refused("Not authorized", unsupported=False)
        attempts.closed_early()
    assert not attempts.switch
    assert attempts.problem == "refused: Not authorized"
    assert not closes(attempts, 5)


def test_a_version_that_was_asked_for_is_kept():
    attempts = Attempts(MqttSettings(version="5"))
    attempts.refused("Unsupported protocol version", unsupported=True)
    assert not attempts.switch
    assert not closes(attempts, 5)
    assert closes(Attempts(MqttSettings(version="auto")), 2)


def test_connections_that_do_not_last_are_disputed_and_made_slowly():
    attempts = Attempts(MqttSettings(client_id="ours"))
    for _ in range(3):
        assert not attempts.disputed
        assert attempts.delay_s[0] == 1
        attempts.accepted(session_present=True)
        attempts.lost("Unspecified error", taken_over=False)
    assert attempts.disputed
    assert attempts.delay_s[0] >= 20
    assert "'ours' used twice?" in attempts.problem


def test_a_network_that_comes_and_goes_is_no_dispute():
    attempts = Attempts(MqttSettings())
    for _ in range(10):
        attempts.accepted(session_present=True)
        attempts.lost("Unspecified error", taken_over=False)
        attempts.failed("Connection refused")
    assert not attempts.disputed


def test_a_takeover_is_disputed_at_once():
    attempts = Attempts(MqttSettings())
    attempts.accepted(session_present=True)
    attempts.lost("Session taken over", taken_over=True)
    assert attempts.disputed


def test_the_same_line_is_said_once_a_minute_and_a_new_one_at_once(caplog, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("collector.patience.time.monotonic", lambda: now[0])
    attempts = Attempts(MqttSettings())
    with caplog.at_level(logging.WARNING):
        for _ in range(130):
            attempts.failed("Connection refused")
            now[0] += 1
        assert len(caplog.records) == 3
        attempts.failed("no answer")
        assert len(caplog.records) == 4
