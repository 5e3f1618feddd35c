"""Raw frames of Dragino LHT65 and LHT65N, and what Dragino's codecs make of them.

Where nothing else is said the facts are of Dragino's user manuals and of its own codecs; messages are written anew.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, chirpstack, in_base64, judged, ms, only, silence, ttn

from collector.payloads.message import Flaw, Reason, Sample, Silence
from heating.reading import Quality

LOGGED = 1_665_561_758_000


@pytest.mark.parametrize(
    ("frame", "profile", "expected"),
    [
        ("CBF60B0D0376010ADD7FFF", "LHT65", (28.29, 88.6, 3.062)),
        ("CBF6F5C603760100007FFF", "", (-26.18, 88.6, 3.062)),
        # battery 3.0 V, 21.00 °C, 60 %; no external sensor
        ("CBB8083402580000000000", "LHT65N", (21.0, 60.0, 3.0)),
        ("CBB8083402580000000000", "", (21.0, 60.0, 3.0)),
        # A LHT65 of 2020: 3.115 V, 28.82 °C, 50.8 %, probe missing
        ("CC2B0B4201FC017FFF7FFF", "", (28.82, 50.8, 3.115)),
        # with a SHT31 outside (kind 0B): the inner sensor is the room's
        ("CBB8083402580B09C401F4", "LHT65N", (21.0, 60.0, 3.0)),
        # below zero, battery with status bits "good" and 14 bits of mV
        ("CF42FF9C03E8017FFF7FFF", "LHT65", (-1.0, 100.0, 3.906)),
        # what else can be in the probe's place: interrupt, light, voltage, counters; "sensor no connection"
        ("CBB80834025804 01010000", "LHT65", (21.0, 60.0, 3.0)),
        ("CBB80834025805 01900000", "LHT65", (21.0, 60.0, 3.0)),
        ("CBB80834025806 0CE40000", "LHT65", (21.0, 60.0, 3.0)),
        ("CBB80834025807 00050000", "LHT65", (21.0, 60.0, 3.0)),
        ("CBB80834025808 00000005", "LHT65N", (21.0, 60.0, 3.0)),
        ("CBB80834025881 7FFF7FFF", "LHT65", (21.0, 60.0, 3.0)),
        # the LHT65N-PIR counts movements beside its sensor
        ("CBB8083402580E01000003", "LHT65N-PIR", (21.0, 60.0, 3.0)),
    ],
)
def test_present_values(frame, profile, expected):
    sample = only(chirpstack(frame, profile, port=2))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v) == expected
    assert sample.ts_ms == ms(SERVER)


def test_a_missing_sensor_is_refused_visibly():
    assert judged(chirpstack("CBF67FFF0376010ADD7FFF", "LHT65N", 2)) == [Reason.OUT_OF_RANGE]


@pytest.mark.parametrize("port", [2, 3])
@pytest.mark.parametrize(
    "frame",
    [
        "0ADD0B0DC37641 6346749E",  # asked for
        "0ADD0AA0012C81 6346749E",  # sent again by itself (firmware 1.5.6)
        "00000B0D037641 6346749E" * 2,
        "0ADD0B0DC37641 6346749E" + "00" * 11,
    ],
)
def test_logged_readings_keep_their_time(frame, port):
    samples = chirpstack(frame, "LHT65N", port).samples
    assert {s.ts_ms for s in samples if isinstance(s, Sample)} == {LOGGED}
    assert all(isinstance(s, Sample) and s.quality & Quality.REPLAYED and s.seq is None for s in samples)


def test_own_clock_behind_the_values():
    sample = only(chirpstack("0ADD0B0DC37609 6346749E", "LHT65", 2))
    assert (sample.ts_ms, sample.temperature_c, sample.humidity_pct) == (LOGGED, 28.29, 88.6)


def test_the_log_of_the_manual():
    """LHT65 manual, data log: eight readings of 2021-01-19, the probe missing; the first four here."""
    log = "7FFF08980146416006 5F97 7FFF088E014B41600660 09 7FFF0885014E41600660 66 7FFF0875015141600662 BE"
    samples = chirpstack(log, "LHT65", 2).samples
    found = [(s.ts_ms, s.temperature_c, s.humidity_pct) for s in samples if isinstance(s, Sample)]
    assert found == [
        (ms("2021-01-19T04:27:03Z"), 22.0, 32.6),
        (ms("2021-01-19T04:28:57Z"), 21.9, 33.1),
        (ms("2021-01-19T04:30:30Z"), 21.81, 33.4),
        (ms("2021-01-19T04:40:30Z"), 21.65, 33.7),
    ]


@pytest.mark.parametrize(
    ("frame", "port"),
    [
        ("0B 1501 0101FF 0BB8", 5),  # state of the device
        ("0BB801 0ADD 0AE0", 3),  # log of a probe without times
        ("CBB8 28FF641E 0F 0117031A", 2),  # serial numbers of probes where the values would stand
        ("CBB8 28FF641E 10 09C401F4", 2),
        ("CBB8 08340258 15 09C401F4", 2),
        ("CBB8 08340258 20 09C401F4", 2),
        ("00" * 11, 2),  # asked for logged readings that it does not have: never 0.00 °C
    ],
)
def test_frames_without_a_reading(frame, port):
    """Whatever a codec makes of them: old ones show a serial number or a log as the temperature of now."""
    codec = {"BatV": 3.0, "Bat_status": 3, "TempC_SHT": 21.0, "Hum_SHT": 60.0, "Temp": [21.0]}
    for message in (chirpstack(frame, "LHT65N", port, fCnt=7), chirpstack(frame, "rooms", port, fCnt=7, object=codec)):
        assert judged(message) == [Silence.NO_READING]
        assert message.seq == 7


def test_a_log_that_a_codec_shows_as_a_present_reading_is_read_from_the_frame():
    codec = {"BatV": 2.781, "Bat_status": 0, "TempC_SHT": 28.29, "Hum_SHT": 88.6, "TempC_DS": 254.22}
    raw = {"f_port": 2, "frm_payload": in_base64("0ADD0B0DC376416346749E"), "received_at": SERVER}
    sample = only(ttn({"uplink_message": {**raw, "decoded_payload": codec}}))
    assert (sample.ts_ms, sample.temperature_c) == (LOGGED, 28.29)
    for text in ({"Node_type": "LHT65N", "DATALOG": "[27.81,28.29,88.6,2022-10-12 08:02:38],"},):
        for decoded in (text, {"data": text, "retransmission_Status": "retransmission_Status"}):
            sample = only(chirpstack("0ADD0B0D0376416346749E", "rooms", 2, object=decoded))
            assert (sample.temperature_c, sample.ts_ms) == (28.29, LOGGED)


@pytest.mark.parametrize(
    "frame",
    [
        "0E6E0000010F00008F01A7",  # LSN50v2: 14.3 °C stands elsewhere
        "0BB800C800000000000000",  # LSN50v2 with one probe of 20.0 °C, which would be 2.00
        "0B3D01F47FFF016307E5B6",  # LHT52
        "0000000000000000000000",
    ],
)
def test_frames_of_other_nodes_are_not_guessed_at(frame):
    assert chirpstack(frame, "", 2).samples == [Flaw(None, Reason.WRONG_SHAPE)]


@pytest.mark.parametrize(
    ("codec", "reason"),
    [
        ({"Node_type": "LHT65N-VIB", "BatV": 3.0, "vib_count": 4, "work_min": 1}, Silence.NO_READING),
        ({"Node_type": "DDS75-LB", "Bat": 3.0, "Distance": 2100}, Silence.NO_READING),
        ({"Node_type": "SW3L-LB", "Total_pulse": 12}, Silence.NO_READING),
        ({"Node_type": "D22-LB", "BatV": 3.0, "Temp_Red": 45.1, "Temp_White": 38.0}, Reason.AMBIGUOUS_PROBES),
        ({"Node_type": "S31-LB", "BatV": 3.0, "Hum_SHT31": 40.0}, Silence.NO_READING),
    ],
)
def test_the_frame_of_another_node_is_not_read_as_a_lht65(codec, reason):
    """All of Dragino's codecs write a Node_type, and most frames have eleven bytes."""
    message = chirpstack("CBB8083402580000000000", codec["Node_type"], 2, object=codec)
    assert judged(message) == [reason]
    assert judged(chirpstack("CBB8083402580000000000", "rooms", 2, object=codec)) == [reason]


def test_the_frame_of_a_lht65n_vib_is_quarantined():
    assert judged(chirpstack("0BB80800000004083402 58", "LHT65N-VIB", 2)) == [Reason.WRONG_SHAPE]


def test_the_frame_is_asked_where_the_codec_leaves_the_temperature_out():
    zero = {"decoded_payload": {"Hum_SHT": 60.0, "BatV": 3.0}, "f_port": 2}
    raw = {"frm_payload": in_base64("CBB8000002580000000000")}
    assert only(ttn({"uplink_message": {**zero, **raw}})).temperature_c == 0.0
    assert silence(ttn({"uplink_message": zero})) is Silence.NO_READING
    # A codec of another maker: its frame is none of ours.
    assert silence(chirpstack("CBB8000002580000000000", "door", 2, object={"open": True})) is Silence.NO_READING


def test_a_clock_of_its_own_by_the_codec():
    decoded = {"Hum_SHT": 50, "Systimestamp": 1661461942, "TempC_DS": 327.67, "TempC_SHT": 28.77}
    at = {"received_at": "2022-08-25T21:12:53.828332832Z"}
    sample = only(ttn({"uplink_message": {"decoded_payload": decoded, **at}}))
    assert (sample.ts_ms, sample.temperature_c) == (1_661_461_942_000, 28.77)
    never_set = decoded | {"Systimestamp": 42}
    again = only(ttn({"uplink_message": {"decoded_payload": never_set, **at}}))
    assert again.ts_ms == ms("2022-08-25T21:12:53.828Z")


def test_probes_of_raw_frames():
    probes = {"TempC_DS": "supply_c"}
    assert only(chirpstack("CBB80834025801119A7FFF", "LHT65", 2, probes=probes)).supply_c == 45.06
    missing = chirpstack("CBB808340258017FFF7FFF", "LHT65", 2, probes=probes)
    assert missing.samples == [Flaw(None, Reason.NO_VALUE)]


def test_a_lht52_by_its_codec():
    """ChirpStack writes all numbers of a codec as floats, also the device's own clock."""
    decoded = {"TempC_SHT": 26.6, "Hum_SHT": 52.7, "TempC_DS": 327.67, "Systimestamp": 1709222478.0, "Ext": 1.0}
    sample = only(chirpstack("0A64020F7FFF0165E0AA4E", "LHT52", 2, object=decoded))
    assert (sample.temperature_c, sample.humidity_pct, sample.ts_ms) == (26.6, 52.7, ms("2024-02-29T16:01:18Z"))


@pytest.mark.parametrize("profile", ["LHT65N", "rooms"])
@pytest.mark.parametrize(
    ("frame", "temperature", "humidity"),
    [("CCB5026C039F010A857FFF", 6.2, 92.7), ("CCB501FF01F4017FFF7FFF", 5.11, 50.0)],
)
def test_a_cold_home_that_a_codec_takes_for_the_log_of_a_probe(frame, temperature, humidity, profile):
    """TheThingsNetwork/lorawan-devices and others ask byte 2 on any port (akenza-io/device-type-library, 304)."""
    decoded = {"bat": 3253, "sensor": "tmp117", "Temp": [276.51, 407.05, 26.93, 327.67]}
    sample = only(chirpstack(frame, profile, 2, object=decoded))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v) == (temperature, humidity, 3.253)
    one = decoded | {"Temp": [19.5]}  # on its own port it is what it says, of no known instant and of the probe
    assert judged(chirpstack("0CB5 02 079E", profile, 3, object=one)) == [Silence.NO_READING]
