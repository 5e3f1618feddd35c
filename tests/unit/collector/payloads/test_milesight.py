"""Raw frames of Milesight EM300-TH and EM320-TH.

Where nothing else is said the facts are of Milesight's user guides and of its own codecs; messages are written anew.
"""

from __future__ import annotations

import base64

import pytest
from peers.decoding import SERVER, chirpstack, judged, ms, only

from collector.payloads.message import Flaw, Reason, Sample, Silence
from heating.reading import Quality

LOGGED = 1_665_561_758_000


@pytest.mark.parametrize(
    ("frame", "port", "profile", "expected"),
    [
        ("01755C 03673401 046865", 85, "", (30.8, 50.5)),
        ("0367FFFF", 85, "EM320-TH", (-0.1, None)),
        ("0367FFFF", None, "", (-0.1, None)),
        # TheThingsNetwork/lorawan-devices, milesight-iot/em300-th-codec.yaml
        ("01753203 67C80004683C", 1, "EM300-TH", (20.0, 30.0)),
        # delmation/payload-decoders, EM300-TH
        ("01755C 0367B600 04685B", 85, "", (18.2, 45.5)),
        # AM103 (diwise/iot-agent): an unknown channel behind costs nothing of what stands before it
        ("017559 0367DF00 04683A 077D7603", 5, "rooms", (22.3, 29.0)),
        # an answer to a setting (report interval, message between devices), state of storage, then the values
        ("FE03B004 059C01 03673401", 85, "EM300-TH", (30.8, None)),
        ("FE7901018810 0000 FC6B00 03673401", 85, "EM300-TH", (30.8, None)),
        ("FFFF0101 FF0A0102 017564 0367F6FF 0468FF", 85, "", (-1.0, None)),
        # EM300-MCS, EM300-SLD: magnet, water
        ("01755C 03673401 046865 060001", 85, "EM300-MCS", (30.8, 50.5)),
        ("050000 03673401 046865", 85, "EM300-SLD", (30.8, 50.5)),
        # EM320-TH of the second version: humidity in tenths, what made it send, alarms by threshold and by change
        ("01755C 03673401 049AF901", 85, "EM320-TH", (30.8, 50.5)),
        ("056B01 03673401 049AFFFF", 85, "EM320-TH", (30.8, None)),
        ("8367340102 849AF90101", 85, "EM320-TH", (30.8, 50.5)),
        ("93673401E8FF00 94686502 00", 85, "EM320-TH", (30.8, 50.5)),
        ("F93958 02 F9D901 F8C90100 03673401", 85, "EM320-TH", (30.8, None)),
        ("03673401 B4680100", 85, "EM320-TH", (30.8, None)),
    ],
)
def test_present_values(frame, port, profile, expected):
    sample = only(chirpstack(frame, profile, port))
    assert (sample.temperature_c, sample.humidity_pct) == expected
    assert sample.ts_ms == ms(SERVER)


@pytest.mark.parametrize("raw", ["0180", "0280", "0380"])
def test_a_sensor_that_fails_is_quarantined(raw):
    """EM320-TH of the second version: not collected, below, above its range."""
    assert judged(chirpstack(f"01755C 0367{raw} 0468FF", "EM320-TH")) == [Reason.OUT_OF_RANGE]


@pytest.mark.parametrize(
    ("frame", "profile", "logged"),
    [
        ("20CE9E74466310015D 017550", "EM320-TH", 1),
        ("20CE9E74466310015D00 017550", "EM300-TH", 1),
        ("017550 20CE9E74466310015D", "", 1),
        ("20CE9E74466310015D 20CE9E74466310015D", "EM320-TH", 2),
        ("20CE9E74466310015D00 20CE9E74466310015D00", "EM300-TH", 2),
        ("FC6B00 20CE9E74466310015D00", "EM300-TH", 1),
        # the second version of EM320-TH: humidity in tenths, and what made it log
        ("20CE9E7446631001D10101 20CE9E7446631001D10102", "EM320-TH", 2),
    ],
)
def test_logged_readings_keep_their_time(frame, profile, logged):
    samples = chirpstack(frame, profile).samples
    assert len(samples) == logged
    for sample in samples:
        assert isinstance(sample, Sample)
        assert (sample.ts_ms, sample.temperature_c, sample.humidity_pct) == (LOGGED, 27.2, 46.5)
        assert (sample.quality, sample.seq) == (Quality.REPLAYED, None)


def test_logged_readings_beside_a_sensor_that_fails():
    history = [{"timestamp": 1665561758, "temperature": 27.2, "humidity": "collection_err"}]
    decoded = {"temperature": "collection_err", "history": history}
    bad, good = chirpstack("20CE9E7446631001FFFF01", "EM320-TH", object=decoded).samples
    assert bad == Flaw(0, Reason.WRONG_TYPE)
    assert isinstance(good, Sample)
    assert (good.index, good.ts_ms, good.temperature_c, good.humidity_pct) == (1, LOGGED, 27.2, None)


def test_a_logged_reading_without_time_is_of_no_known_instant():
    message = chirpstack("20CE0000000010015D00 0367C800", "EM300-TH")
    assert message.samples[1] == Flaw(1, Reason.NO_CLOCK)
    assert judged(message) == [20.0, Reason.NO_CLOCK]


@pytest.mark.parametrize(
    ("frame", "profile"),
    [
        ("FF0BFF FF0101 FF166136C40091605408 FF090300 FF0A0101 FF0F00", "EM300-TH"),
        ("FE03B004", "EM300-TH"),
        ("FC6C02", "EM300-TH"),
        ("0175FF", ""),
        ("01755A 20CE9E74466300000001", "EM300-MLD"),  # logs water, not air
    ],
)
def test_frames_without_a_reading(frame, profile):
    message = chirpstack(frame, profile, fCnt=7)
    assert judged(message) == [Silence.NO_READING]
    assert message.seq == 7  # it used up a number of the device all the same


@pytest.mark.parametrize(
    ("frame", "port"),
    [
        # logged readings of other models (their READMEs): WS203, TS201, WT201, EM500-LGT
        ("20CEAE5BA664040024016520CE5C5CA6640301340165", 85),
        ("20CEC79AFA6401BDFF2E01", 85),
        ("20CE5C470A65D09EC091", 85),
        ("20CEC79AFA64C8000000", 85),
        # Cayenne LPP on channel 3, its bytes the other way round: 25.6 °C, not 0.1
        ("03670100 046850", 2),
        ("03670100 046850", 10),
    ],
)
def test_frames_of_others_are_not_guessed_at(frame, port):
    assert chirpstack(frame, "", port).samples == [Flaw(None, Reason.WRONG_SHAPE)]


@pytest.mark.parametrize("data", ["!!!", "AAEC", base64.b64encode(b"\x03\x67\x01").decode(), "AAAAAAAAAAAAAAAAAAAA"])
def test_frames_of_nobody(data):
    assert chirpstack(data=data).samples == [Flaw(None, Reason.WRONG_SHAPE)]


def test_two_channels_of_temperature_are_a_riddle():
    """TS302, two probes: 24.1 and 24.7 °C; neither need be the room's."""
    frame = "017564 0367F100 0467F700"
    codec = {"battery": 100, "temperature_chn1": 24.1, "temperature_chn2": 24.7}
    assert judged(chirpstack(frame, "")) == [Reason.AMBIGUOUS_PROBES]
    assert judged(chirpstack(frame, "", object=codec)) == [Reason.AMBIGUOUS_PROBES]
    sample = only(chirpstack(frame, "", object=codec, probes={"temperature_chn2": "temperature_c"}))
    assert sample.temperature_c == 24.7
