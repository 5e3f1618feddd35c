"""Device messages as makers and users publish them, decoded by hand, and the values of sensors that fail.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import base64
import json
from zoneinfo import ZoneInfo

import pytest

from collector.intake import Intake
from collector.packet import Packet
from collector.payloads.families import decoder_for
from collector.payloads.message import Flaw, Message, Reason, Sample, Silence
from collector.settings import TopicSettings
from heating.instants import parse_instant, to_ms
from heating.reading import Quality, Reading
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

ZONE = ZoneInfo("Asia/Shanghai")
SERVER = "2026-12-01T02:00:00Z"
UP = "application/a/device/24e124136b502217/event/up"
TTN_UP = "v3/rooms@heat/devices/eui-1/up"


def ms(text: str) -> int:
    return to_ms(parse_instant(text, ZONE))


def decode(family: str, topic: str, payload: object, **options: object) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    settings = TopicSettings(**{"filter": "#", **options}, decoder=family)  # type: ignore[arg-type]
    return decoder_for(settings, ZONE)(topic, raw)


def only(message: Message) -> Sample:
    (sample,) = message.samples
    assert isinstance(sample, Sample), sample
    return sample


def chirpstack(frame: str = "", profile: str = "", port: int = 85, **fields: object) -> Message:
    data = base64.b64encode(bytes.fromhex(frame)).decode()
    info = {"devEui": "24e124136b502217", "deviceProfileName": profile}
    options = {name: fields.pop(name) for name in ("probes", "unit") if name in fields}
    uplink = {"time": SERVER, "deviceInfo": info, "fPort": port, "data": data, **fields}
    return decode("chirpstack", UP, uplink, **options)


def ttn(uplink: dict, topic: str = TTN_UP, **options: object) -> Message:
    return decode("ttn", topic, {"end_device_ids": {"device_id": "eui-1"}, **uplink}, **options)


def judged(message: Message, kind: PointKind = PointKind.ROOM) -> list[object]:
    """Return what the intake makes of it: the value of a reading, or the reason."""
    point = MeasurementPoint(point_id="P", device_id=message.device_id, station="S", kind=kind)
    packet = Packet(topic="t", payload=b"", received_ms=ms(SERVER), length=0)
    outcomes = Intake(Register.of_points([point])).judge(packet, message, ms(SERVER))
    return [
        (o.temperature_c if kind is PointKind.ROOM else (o.supply_c, o.return_c)) if isinstance(o, Reading)
        else o.reason if isinstance(o, Flaw) else o.silence
        for o in outcomes
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "port", "profile", "expected"),
    [
        # TheThingsNetwork/lorawan-devices, milesight-iot/em300-th-codec.yaml
        ("01753203 67C80004683C", 1, "EM300-TH", (20.0, 30.0, None)),
        # delmation/payload-decoders, EM300-TH
        ("01755C 0367B600 04685B", 85, "", (18.2, 45.5, None)),
        # Milesight AM103 (diwise/iot-agent): an unknown channel behind costs nothing of what stands before it
        ("017559 0367DF00 04683A 077D7603", 5, "rooms", (22.3, 29.0, None)),
        # EM300-TH: an answer to a setting (report interval), state of storage, then the values
        ("FE03B004 059C01 03673401", 85, "EM300-TH", (30.8, None, None)),
        ("FFFF0101 FF0A0102 017564 0367F6FF 0468FF", 85, "", (-1.0, None, None)),
        # Dragino LHT65N, manual: battery 3.0 V, 21.00 °C, 60 %; no external sensor
        ("CBB8083402580000000000", 2, "LHT65N", (21.0, 60.0, 3.0)),
        ("CBB8083402580000000000", 2, "", (21.0, 60.0, 3.0)),
        # A LHT65 of 2020: 3.115 V, 28.82 °C, 50.8 %, probe missing
        ("CC2B0B4201FC017FFF7FFF", 2, "", (28.82, 50.8, 3.115)),
        # LHT65N with a SHT31 outside (kind 0B): the inner sensor is the room's
        ("CBB80834025 80B09C4 01F4".replace(" ", ""), 2, "LHT65N", (21.0, 60.0, 3.0)),
        # below zero, battery with status bits "good" and 14 bits of mV
        ("CF42FF9C03E8017FFF7FFF", 2, "LHT65", (-1.0, 100.0, 3.906)),
    ],
)
def test_frames_by_hand(frame, port, profile, expected):
    sample = only(chirpstack(frame, profile, port))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v) == expected
    assert sample.ts_ms == ms(SERVER)


@pytest.mark.parametrize(
    ("frame", "profile"),
    [
        ("20CE9E74466310015D 017550", "EM320-TH"),
        ("20CE9E74466310015D00 017550", "EM300-TH"),
        ("017550 20CE9E74466310015D", ""),
        ("0ADD0B0DC37641 6346749E", "LHT65N"),  # asked for
        ("0ADD0AA0012C81 6346749E", "LHT65N"),  # sent again by itself (firmware 1.5.6)
    ],
)
def test_logged_readings_keep_their_time(frame, profile):
    sample = only(chirpstack(frame, profile, port=2))
    assert (sample.ts_ms, bool(sample.quality & Quality.REPLAYED), sample.seq) == (1_665_561_758_000, True, None)


def test_a_logged_reading_without_time_is_of_no_known_instant():
    message = chirpstack("20CE0000000010015D00 0367C800", "EM300-TH")
    assert message.samples[1] == Flaw(1, Reason.NO_CLOCK)
    assert judged(message) == [20.0, Reason.NO_CLOCK]


@pytest.mark.parametrize(
    ("frame", "profile", "port"),
    [
        ("0B 1501 0101FF 0BB8", "LHT65N", 5),  # state of the device
        ("0BB801 0ADD 0AE0", "LHT65N", 3),  # log of a probe without times
        ("CBB8 28FF641E 0F 0117031A", "LHT65", 2),  # serial number of a DS18B20 where the values would stand
        ("CBB8 28FF641E 10 09C4 01F4", "LHT65N", 2),
        ("FE03B004", "EM300-TH", 85),
        ("0175FF", "", 85),
    ],
)
def test_frames_without_a_reading(frame, profile, port):
    message = chirpstack(frame, profile, port, fCnt=7)
    assert judged(message) == [Silence.NO_READING]
    assert message.seq == 7  # it used up a number of the device all the same


@pytest.mark.parametrize(
    "frame",
    [
        "0E6E0000010F00008F01A7",  # Dragino LSN50v2: 14.3 °C stands elsewhere
        "0B3D01F47FFF016307E5B6",  # Dragino LHT52
        "0000000000000000000000",
        # logged readings of other Milesight models (their READMEs): WS203, TS201, WT201
        "20CEAE5BA664040024016520CE5C5CA6640301340165",
        "20CEC79AFA6401BDFF2E01",
        "20CE5C470A65D09EC091",
    ],
)
def test_frames_of_other_nodes_are_not_guessed_at(frame):
    assert chirpstack(frame, "", 2).samples == [Flaw(None, Reason.WRONG_SHAPE)]


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        ({"temperature": "21.50", "humidity": "40"}, (21.5, 40.0, None)),
        ({"Temperature": 21.5, "Humidity": 40, "Battery": 3.62}, (21.5, 40.0, 3.62)),
        ({"temp": 21.5, "hum": 40, "bat": 3012}, (21.5, 40.0, 3.012)),
        ({"temperature_1": 21.5, "relative_humidity_2": 40}, (21.5, 40.0, None)),  # The Things Stack's Cayenne LPP
        ({"temperatureSensor": {"1": 21.5}, "humiditySensor": {"2": 40}}, (21.5, 40.0, None)),  # ChirpStack's
        ({"air_temperature": {"value": 21.5, "unit": "°C"}, "air_humidity": {"value": 40}}, (21.5, 40.0, None)),
        ({"temp": {"value": 70.7, "unit": "°F"}}, (21.5, None, None)),
        ({"TempF_SHT": 70.7}, (21.5, None, None)),
        ({"data": {"TempC_SHT": 21.5, "Hum_SHT": 40}}, (21.5, 40.0, None)),
        ({"TempC1": 0, "TempC_SHT": 14.3, "Hum_SHT": 42.3, "BatV": 3.694}, (14.3, 42.3, 3.694)),  # LSN50v2
        ({"TempC1": "20.1", "TempC2": 327.67, "TempC3": -127}, (20.1, None, None)),  # two probes of three are missing
        (
            {"temperature": 21.5, "vdd": 3596, "humidity": 127.5},
            (21.5, None, 3.596),
        ),  # Elsys; a humidity that cannot be
    ],
)
def test_codecs_call_it_differently(decoded, expected):
    for message in (chirpstack(object=decoded), ttn({"uplink_message": {"decoded_payload": decoded}})):
        sample = only(message)
        assert sample.temperature_c == pytest.approx(expected[0])
        assert (sample.humidity_pct, sample.battery_v) == expected[1:]


@pytest.mark.parametrize(
    ("decoded", "low"),
    [
        ({"battery": 9}, True),
        ({"battery": 92}, False),
        ({"battery": 3.05}, False),  # volts
        ({"battery": 2950}, False),  # millivolts
        ({"Bat_status": 1}, True),
        ({"Bat_status": "Ultra Low"}, True),
        ({"Bat_status": "Good", "battery": 5}, False),
    ],
)
def test_battery_in_percent_volts_and_words(decoded, low):
    assert bool(only(chirpstack(object={"temperature": 20, **decoded})).quality & Quality.LOW_BATTERY) is low


def test_several_channels_and_nothing_that_says_which():
    two = {"temperature_1": 45.0, "temperature_2": 38.0}
    assert chirpstack(object=two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(chirpstack(object=two, probes={"temperature_1": "supply_c", "temperature_2": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (45.0, 38.0)


@pytest.mark.parametrize("decoded", [{"Temp_Red": 45.1, "Temp_White": 38.0}, {"TempC_DS": 27.8, "BatV": 3.0}])
def test_a_temperature_of_an_unknown_name_is_shown_to_somebody(decoded):
    assert chirpstack(object=decoded).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    (name, value), *_ = decoded.items()
    assert only(chirpstack(object=decoded, probes={name: "temperature_c"})).temperature_c == value
    # What the server has normalized is no riddle.
    known = {"decoded_payload": decoded, "normalized_payload": [{"air": {"temperature": 21.5}}]}
    assert only(ttn({"uplink_message": known})).temperature_c == 21.5


def test_an_uplink_that_cannot_be_read_has_used_up_a_number_too():
    message = chirpstack(object={"Temp_Red": 45.1}, fCnt=8)
    assert (message.samples, message.seq) == ([Flaw(None, Reason.AMBIGUOUS_PROBES)], 8)
    read = chirpstack(object={"temperature": 20}, fCnt=9)
    assert (only(read).seq, read.seq) == (9, None)


@pytest.mark.parametrize("decoded", [{"mcu_temperature": 35.0}, {"temperature_alarm": 1}, {"target_temperature": 21}])
def test_what_is_no_temperature_of_a_room_is_ignored(decoded):
    assert chirpstack(object=decoded).silence is Silence.NO_READING


def test_the_frame_is_asked_where_the_codec_leaves_the_temperature_out():
    zero = {"decoded_payload": {"Hum_SHT": 60.0, "BatV": 3.0}, "f_port": 2}
    raw = {"frm_payload": base64.b64encode(bytes.fromhex("CBB8000002580000000000")).decode()}
    assert only(ttn({"uplink_message": {**zero, **raw}})).temperature_c == 0.0
    assert ttn({"uplink_message": zero}).silence is Silence.NO_READING
    log = {"Node_type": "LHT65N", "DATALOG": "[27.81,28.29,88.6,2022-10-12 08:02:38],"}
    sample = only(chirpstack("0ADD0B0D0376416346749E", "LHT65N", 2, object=log))
    assert (sample.temperature_c, sample.ts_ms) == (28.29, 1_665_561_758_000)
    # A codec of another maker: its frame is none of ours.
    assert chirpstack("CBB8000002580000000000", "door", 2, object={"open": True}).silence is Silence.NO_READING


def test_dragino_with_a_clock_of_its_own():
    decoded = {"Hum_SHT": 50, "Systimestamp": 1661461942, "TempC_DS": 327.67, "TempC_SHT": 28.77}
    sample = only(
        ttn({"uplink_message": {"decoded_payload": decoded, "received_at": "2022-08-25T21:12:53.828332832Z"}})
    )
    assert (sample.ts_ms, sample.temperature_c) == (1_661_461_942_000, 28.77)
    never_set = decoded | {"Systimestamp": 42}
    again = only(
        ttn({"uplink_message": {"decoded_payload": never_set, "received_at": "2022-08-25T21:12:53.828332832Z"}})
    )
    assert again.ts_ms == ms("2022-08-25T21:12:53.828Z")


def test_probes_of_raw_frames():
    probes = {"TempC_DS": "supply_c"}
    assert only(chirpstack("CBB80834025801119A7FFF", "LHT65", 2, probes=probes)).supply_c == 45.06
    missing = chirpstack("CBB808340258017FFF7FFF", "LHT65", 2, probes=probes)
    assert missing.samples == [Flaw(None, Reason.NO_VALUE)]


def test_ttn_normalized_as_a_list_and_on_its_own_topic():
    measured = {"air": {"temperature": 21.5, "relativeHumidity": 40}, "time": "2026-12-01T01:50:00Z"}
    sample = only(ttn({"uplink_message": {"normalized_payload": [measured, {"battery": 3.1}], "received_at": SERVER}}))
    assert (sample.temperature_c, sample.humidity_pct, sample.ts_ms) == (21.5, 40.0, ms("2026-12-01T01:50:00Z"))
    own = {"uplink_normalized": {"normalized_payload": {"air": {"temperature": 21.5}}, "received_at": SERVER}}
    sample = only(ttn(own, topic=TTN_UP + "/normalized"))
    assert (sample.temperature_c, sample.ts_ms) == (21.5, ms(SERVER))
    # Milesight's published formatter puts percents where volts belong.
    percent = {"normalized_payload": [{"air": {"temperature": 20.0}, "battery": 50}]}
    assert only(ttn({"uplink_message": percent})).battery_v is None


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("join", {"join_accept": {"session_key_id": "AYJy"}, "received_at": SERVER}),
        ("location/solved", {"location_solved": {"location": {"latitude": 39.1}}}),
        ("down/queued", {"downlink_queued": {"f_port": 1}}),
        ("up", {"uplink_message": {"f_cnt": 3, "received_at": SERVER}}),  # settings of the network only
    ],
)
def test_ttn_messages_without_reading(topic, payload):
    assert ttn(payload, topic=f"v3/rooms@heat/devices/eui-1/{topic}").samples == []


def test_chirpstack_without_a_time_of_the_server():
    receptions = [{"rssi": -100}, {"gwTime": "2026-12-01T01:59:59.5+00:00", "nsTime": SERVER, "rssi": -90}]
    sample = only(chirpstack("0367C800", "EM300-TH", time=None, rxInfo=receptions))
    assert (sample.ts_ms, sample.rssi_dbm) == (ms("2026-12-01T01:59:59.500Z"), -90)


@pytest.mark.parametrize(
    ("last_seen", "at"),
    [
        ("2026-12-01T01:59:58.123Z", "2026-12-01T01:59:58.123Z"),  # ISO_8601
        ("2026-12-01T09:59:58+08:00", "2026-12-01T01:59:58Z"),  # ISO_8601_local
        (1796090398123, "2026-12-01T01:59:58.123Z"),  # epoch
    ],
)
def test_zigbee_times(last_seen, at):
    state = {"temperature": 19.5, "humidity": 40.1, "battery": 97, "voltage": 3000, "last_seen": last_seen}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/S1/3/501", state, filter="zigbee2mqtt/#"))
    assert (sample.ts_ms, sample.battery_v) == (ms(at), 3.0)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("a/availability", b'{"state":"online"}'),
        ("a/set", b'{"state":"ON"}'),
        ("a/get/temperature", b""),
        ("a/temperature", b"19.5"),  # output: attribute_and_json says everything twice
        ("a/linkquality", b"99"),
        ("a", b""),  # a retained state, cleared
        ("a", b'{"temperature":null,"humidity":null,"linkquality":90}'),
        ("bridge/devices", b"[]"),
        ("bridge/logging", b'{"level":"info","message":"MQTT publish"}'),
    ],
)
def test_zigbee_messages_without_reading(name, payload):
    assert decode("zigbee2mqtt", f"zigbee2mqtt/{name}", payload, filter="zigbee2mqtt/#").samples == []


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        ({"AM2301": {"Temperature": 4.7, "Humidity": 93.7, "DewPoint": 3.8}}, (4.7, 93.7)),
        ({"DS18B20": {"Id": "0316A279D3FF", "Temperature": 20.9}}, (20.9, None)),
        ({"BME280": {"Temperature": 23.0, "Humidity": 32.3, "Pressure": 1014}, "SGP30": {"eCO2": 584}}, (23.0, 32.3)),
        ({"SHT3X": {"Temperature": 21.0, "Humidity": 41}, "DS18B20": {"Id": "A", "Temperature": 48.2}}, (21.0, 41.0)),
        ({"AHT1X-0x38": {"Temperature": 24.7, "Humidity": 61.9}, "ESP32": {"Temperature": 56.7}}, (24.7, 61.9)),
        ({"SI7021": {"Temperature": -5.1, "Humidity": None}, "ANALOG": {"A0": 1024}}, (-5.1, None)),
    ],
)
def test_tasmota_sensors(sensors, expected):
    sample = only(decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", **sensors, "TempUnit": "C"}))
    assert (sample.temperature_c, sample.humidity_pct, sample.ts_ms) == (*expected, ms(SERVER))


@pytest.mark.parametrize(
    "sensors",
    [
        {"DS18B20": {"Id": "0316A279D3FF", "Temperature": None}},
        {"ESP32": {"Temperature": 56.7}},
        {"ENERGY": {"Power": 12}},
        {"Switch1": "OFF"},
    ],
)
def test_tasmota_messages_without_reading(sensors):
    message = decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", **sensors})
    assert message.silence is Silence.NO_READING


@pytest.mark.parametrize(
    ("topic_filter", "topic", "device"),
    [
        ("tele/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("+/tele/SENSOR", "rt-1/tele/SENSOR", "rt-1"),
        ("home/tele/+/SENSOR", "home/tele/rt-1/SENSOR", "rt-1"),
        ("home/+/tele/SENSOR", "home/rt-1/tele/SENSOR", "rt-1"),
        ("tele/#", "tele/b4/rt-1/SENSOR", "b4/rt-1"),
        ("+/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("tele/rt-1/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("$share/g/tele/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("tele/+/SENSOR", "tele/SENSOR/SENSOR", "SENSOR"),
    ],
)
def test_tasmota_topics(topic_filter, topic, device):
    sensors = {"SI7021": {"Temperature": 20.5}}
    assert decode("tasmota", topic, sensors, filter=topic_filter).device_id == device


def test_tasmota_writes_its_offset_where_told_to():
    sensors = {"Time": "2026-12-01T10:00:00+08:00", "SI7021": {"Temperature": 20.5}}
    assert only(decode("tasmota", "tele/x/SENSOR", sensors, timezone="UTC")).ts_ms == ms(SERVER)


def test_shelly_status_topics_units_and_clocks():
    topic = "shellyhtg3-80b54e358c18/status/temperature:0"
    sample = only(decode("shelly", topic, {"id": 0, "tC": 21.4, "tF": 70.5}))
    assert (sample.temperature_c, sample.ts_ms) == (21.4, None)
    assert only(decode("shelly", topic, {"id": 0, "tF": 70.7})).temperature_c == pytest.approx(21.5)
    assert decode("shelly", topic, {"id": 0, "tC": None, "errors": ["read"]}).silence is Silence.NO_READING
    assert decode("shelly", topic.replace("temperature", "humidity"), {"rh": 40}).silence is Silence.STATUS
    note = {
        "src": "ShellyHTG3-80B54E358C18",
        "method": "NotifyStatus",
        "params": {"ts": 2.17, "temperature:0": {"tC": 1}},
    }
    booting = only(decode("shelly", "shellyhtg3-80b54e358c18/events/rpc", note))
    assert booting.ts_ms is None  # its clock is not set yet
    behind = decode("shelly", "shellies/shellyhtg3-80b54e358c18/events/rpc", note)
    assert (behind.device_id, only(behind).temperature_c) == ("shellyhtg3-80b54e358c18", 1.0)
    wired = decode("shelly", "shellies/shelly1-A/ext_temperature/0", b"45.2", probes={"ext_temperature/0": "supply_c"})
    assert only(wired).supply_c == 45.2


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"value": 21.5}', 21.5),
        (b'{"state": "21.5"}', 21.5),
        (b'"21.5"', 21.5),
        (b'{"value": 70.7, "unit": "\xc2\xb0F"}', 21.5),
        (b"21.50\n", 21.5),
        (b'{"temperature": 21.5, "humidity": 40}', 21.5),
        (b'{"temperature": 70.7, "unit_of_measurement": "\xc2\xb0F"}', 21.5),
    ],
)
def test_values_in_wrappings(payload, value):
    assert only(decode("value", "home/a/temperature", payload, filter="home/+/temperature")).temperature_c == (
        pytest.approx(value)
    )


@pytest.mark.parametrize("payload", [b"unavailable", b" Unknown ", b"null", b"", b'{"value": null}', b'"unavailable"'])
def test_values_that_say_nothing(payload):
    assert decode("value", "home/a/temperature", payload, filter="home/+/temperature").samples == []


def test_value_with_a_time():
    payload = {"value": 21.5, "ts": "2026-12-01T10:00:00+08:00"}
    assert only(decode("value", "home/a/t", payload, filter="home/+/t")).ts_ms == ms(SERVER)
    local = {"value": 21.5, "ts": "2026-12-01T10:00:00"}
    assert decode("value", "home/a/t", local, filter="home/+/t").samples == [Flaw(None, Reason.NO_OFFSET)]
    assert only(decode("value", "home/a/t", local, filter="home/+/t", timezone="local")).ts_ms == ms(SERVER)


@pytest.mark.parametrize("value", [327.67, 3276.7, 6553.5, -127, -127.0, 85, 999, -999, 215, 1950])
def test_signs_of_a_failed_sensor_and_wrong_units_never_become_readings_of_a_room(value):
    messages = [
        chirpstack(object={"temperature": value}),
        ttn({"uplink_message": {"decoded_payload": {"TempC_SHT": value}}}),
        decode("zigbee2mqtt", "z/a", {"temperature": value}, filter="z/#"),
        decode("tasmota", "tele/x/SENSOR", {"DS18B20": {"Id": "A", "Temperature": value}}),
        decode("shelly", "shellies/a/sensor/temperature", str(value).encode()),
        decode("value", "a", str(value).encode()),
        decode("native", "heatwatch/v1/a/readings", {"temperature_c": value}),
    ]
    assert [judged(message) for message in messages] == [[Reason.OUT_OF_RANGE]] * len(messages)


def test_a_missing_probe_costs_the_other_nothing():
    probes = {"DS18B20-1": "supply_c", "DS18B20-2": "return_c"}
    for gone in (-127, 85, 327.67, None):
        sensors = {"DS18B20-1": {"Temperature": gone}, "DS18B20-2": {"Temperature": 38.5}}
        message = decode("tasmota", "tele/x/SENSOR", sensors, probes=probes)
        assert judged(message, PointKind.ENTRY) == [(None, 38.5)]
    both = {"DS18B20-1": {"Temperature": 85}, "DS18B20-2": {"Temperature": -127}}
    message = decode("tasmota", "tele/x/SENSOR", both, probes=probes)
    assert judged(message, PointKind.ENTRY) == [Reason.NO_VALUE]
    # Water of 85 °C in a meter that is no DS18B20 is water of 85 °C.
    meter = decode("shelly", "m/events/rpc", {"method": "NotifyStatus", "params": {"temperature:100": {"tC": 85.0}}},
                   probes={"temperature:100": "supply_c"})  # fmt: skip
    assert judged(meter, PointKind.ENTRY) == [(85.0, None)]
