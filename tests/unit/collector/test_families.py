"""Every device family, by recorded shapes: the shared samples and our own."""

from __future__ import annotations

import base64
import json
from zoneinfo import ZoneInfo

import pytest
from parts import ROOT

from collector.payloads.families import FAMILIES, decoder_for
from collector.payloads.message import Flaw, Message, Reason, Sample, Silence
from collector.settings import TopicSettings
from heating.errors import ConfigError
from heating.instants import epoch_ms, parse_instant, to_ms
from heating.reading import Quality

ZONE = ZoneInfo("Asia/Shanghai")
FILTERS = {
    "native": "heatwatch/v1/+/readings",
    "chirpstack": "application/+/device/+/event/+",
    "ttn": "v3/+/devices/+/+",
    "zigbee2mqtt": "zigbee2mqtt/#",
    "tasmota": "tele/+/SENSOR",
    "shelly": "shellies/#",
    "value": "home/+/temperature",
}


def decode(family: str, topic: str, payload: object, **options: object) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    settings = TopicSettings(**{"filter": FILTERS[family], **options}, decoder=family)  # type: ignore[arg-type]
    return decoder_for(settings, ZONE)(topic, raw)


def only(message: Message) -> Sample:
    (sample,) = message.samples
    assert isinstance(sample, Sample), sample
    return sample


def ms(text: str) -> int:
    return to_ms(parse_instant(text, ZONE))


def samples() -> list[dict]:
    file = ROOT.parent / "shared" / "data" / "payloads" / "samples.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else [{}]


@pytest.mark.realdata
@pytest.mark.parametrize("case", samples(), ids=lambda case: f"{case.get('family')}: {case.get('note')}")
def test_shared_samples(case):
    expect = case["expect"]
    probes = dict(zip(expect.get("sensors", {}), ("supply_c", "return_c"), strict=False))
    message = decode(case["family"], case["topic"], case["payload"].encode(), probes=probes)
    if expect.get("ignore"):
        assert message.samples == []
        return
    assert message.device_id == expect["device_id"]
    if "sensors" in expect:
        assert [only(message).supply_c, only(message).return_c] == list(expect["sensors"].values())
        return
    assert len(message.samples) == len(expect["readings"])
    for found, wanted in zip(message.samples, expect["readings"], strict=True):
        assert isinstance(found, Sample)
        ts = wanted.get("ts")
        assert found.ts_ms == (None if ts is None else ms(ts) if isinstance(ts, str) else epoch_ms(ts))
        assert found.temperature_c == pytest.approx(wanted["temperature_c"], abs=5e-4)
        for name in ("humidity_pct", "seq"):
            assert name not in wanted or getattr(found, name) == wanted[name]
        for name in ("battery_v", "rssi_dbm"):
            assert name not in expect or getattr(found, name) == pytest.approx(expect[name])
        assert bool(found.quality & Quality.REPLAYED) == wanted.get("replayed", False)


def test_every_family_has_a_page():
    pages = {page.stem for page in (ROOT / "docs" / "devices").glob("*.md")}
    assert set(FAMILIES) <= pages


def test_unknown_decoder_and_zone_are_named():
    with pytest.raises(ConfigError, match=r"mqtt\.topics\.decoder = 'zigbe'"):
        decoder_for(TopicSettings(filter="a", decoder="zigbe"), ZONE)
    with pytest.raises(ConfigError, match=r"mqtt\.topics\.timezone = 'Mars/Base'"):
        decoder_for(TopicSettings(filter="a", timezone="Mars/Base"), ZONE)


def chirpstack(**fields: object) -> dict[str, object]:
    return {"time": "2026-12-01T02:00:00Z", "deviceInfo": {"devEui": "24e1"}, "fPort": 85, **fields}


UP = "application/a/device/24e1/event/up"


@pytest.mark.parametrize(
    ("frame", "profile", "expected"),
    [
        ("01755C 03673401 046865", "", [(None, 30.8, 50.5)]),
        ("0367FFFF", "EM320-TH", [(None, -0.1, None)]),
        ("FF0BFF FF0101 FF166136C40091605408 FF090300 FF0A0101 FF0F00", "EM300-TH", []),
        ("20CE9E74466310015D 20CE9E74466310015D", "EM320-TH", [(1_665_561_758_000, 27.2, 46.5)] * 2),
        ("20CE9E74466310015D00 20CE9E74466310015D00", "EM300-TH", [(1_665_561_758_000, 27.2, 46.5)] * 2),
        ("CBF60B0D0376010ADD7FFF", "LHT65", [(None, 28.29, 88.6)]),
        ("CBF6F5C603760100007FFF", "", [(None, -26.18, 88.6)]),
        ("CBF67FFF0376010ADD7FFF", "LHT65N", [(None, 327.67, 88.6)]),  # no sensor: the intake refuses it, visibly
        ("0ADD0B0DC37609 6346749E", "LHT65", [(1_665_561_758_000, 28.29, 88.6)]),
        ("00000B0D0376416346749E" * 2, "LHT65", [(1_665_561_758_000, 28.29, 88.6)] * 2),
    ],
)  # fmt: skip
def test_raw_frames(frame, profile, expected):
    data = base64.b64encode(bytes.fromhex(frame.replace(" ", ""))).decode()
    info = {"devEui": "24e1", "deviceProfileName": profile}
    message = decode("chirpstack", UP, chirpstack(data=data, deviceInfo=info))
    server = ms("2026-12-01T02:00:00Z")
    found = [(s.ts_ms, s.temperature_c, s.humidity_pct) for s in message.samples if isinstance(s, Sample)]
    assert found == [(server if ts is None else ts, t, h) for ts, t, h in expected]


@pytest.mark.parametrize("data", ["!!!", "AAEC", base64.b64encode(b"\x03\x67\x01").decode(), "AAAAAAAAAAAAAAAAAAAA"])
def test_raw_frames_of_nobody(data):
    assert decode("chirpstack", UP, chirpstack(data=data)).samples == [Flaw(None, Reason.WRONG_SHAPE)]


def test_chirpstack_codecs_and_zeros_left_out():
    sample = only(decode("chirpstack", UP, chirpstack(object={"TempC_SHT": 0, "Hum_SHT": 40, "BatV": 2.9})))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v, sample.seq) == (0.0, 40.0, 2.9, 0)
    cayenne = only(decode("chirpstack", UP, chirpstack(fCnt=7, object={"temperatureSensor": {"1": 19.5}})))
    assert (cayenne.temperature_c, cayenne.seq) == (19.5, 7)
    low = only(decode("chirpstack", UP, chirpstack(object={"temperature": 19.5, "battery": 8})))
    assert low.quality == Quality.LOW_BATTERY


def test_chirpstack_probes_of_an_entry_point():
    message = decode(
        "chirpstack",
        UP,
        chirpstack(object={"TempC_SHT": 20, "TempC_DS": 327.67, "TempC_DS2": 38.5}),
        probes={"TempC_DS": "supply_c", "TempC_DS2": "return_c"},
    )
    assert (only(message).supply_c, only(message).return_c, only(message).temperature_c) == (None, 38.5, None)


def test_chirpstack_refuses_a_stolen_name():
    forged = chirpstack(deviceInfo={"devEui": "ffff"}, object={"temperature": 20})
    assert decode("chirpstack", UP, forged).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    same = chirpstack(deviceInfo={"devEui": "24E1"}, object={"temperature": 20})
    assert decode("chirpstack", UP, same).device_id == "24E1"


def test_chirpstack_events_without_reading():
    assert decode("chirpstack", UP.replace("/up", "/join"), {}).silence is Silence.STATUS
    assert decode("chirpstack", UP, chirpstack(fPort=0)).silence is Silence.NO_READING
    assert decode("chirpstack", "gateway/1/event/up", {}).silence is Silence.OTHER_TOPIC
    assert decode("chirpstack", UP, chirpstack(time=None, object={"temperature": 1})).needs_clock


def test_ttn_normalized_simulated_and_raw():
    topic = "v3/app@heat/devices/eui-1/up"
    up = {"received_at": "2026-12-01T02:00:00Z", "normalized_payload": [{"air": {"temperature": 0.0}, "battery": 3.1}]}
    sample = only(decode("ttn", topic, {"end_device_ids": {"device_id": "eui-1"}, "uplink_message": up}))
    assert (sample.temperature_c, sample.battery_v, sample.seq) == (0.0, 3.1, 0)
    assert decode("ttn", topic, {"uplink_message": up, "simulated": True}).samples == []
    raw = {"frm_payload": base64.b64encode(bytes.fromhex("CBF60B0D0376010ADD7FFF")).decode(), "f_port": 2}
    assert only(decode("ttn", topic, {"uplink_message": raw})).temperature_c == 28.29
    forged = {"end_device_ids": {"device_id": "eui-2"}, "uplink_message": up}
    assert decode("ttn", topic, forged).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    assert decode("ttn", "v3/app@heat/devices/eui-1/down/ack", {}).silence is Silence.STATUS


def test_zigbee_names_times_and_marks():
    state = {"temperature": 19.5, "last_seen": "2026-12-01T10:00:00+08:00", "battery": 5}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/flat 1", state))
    assert (sample.ts_ms, sample.quality) == (ms("2026-12-01T02:00:00Z"), Quality.LOW_BATTERY)
    assert only(decode("zigbee2mqtt", "z/x", {"temperature": 1, "last_seen": 1796090400000}, filter="z/+")).ts_ms
    assert decode("zigbee2mqtt", "zigbee2mqtt/a/availability", b"online").silence is Silence.STATUS
    assert decode("zigbee2mqtt", "zigbee2mqtt/a/set", {"temperature": 1}).silence is Silence.OTHER_TOPIC
    assert decode("zigbee2mqtt", "zigbee2mqtt/a", {"temperature": "x"}).samples == [Flaw(None, Reason.WRONG_TYPE)]


def test_tasmota_probes_by_name_or_by_their_own_id():
    two = {"DS18B20-1": {"Id": "A1", "Temperature": 46}, "DS18B20-2": {"Id": "B2", "Temperature": 37}}
    assert decode("tasmota", "tele/x/SENSOR", two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(decode("tasmota", "tele/x/SENSOR", two, probes={"B2": "supply_c", "A1": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (37.0, 46.0)


def test_tasmota_board_topics_and_clock():
    sensors = {"ESP32": {"Temperature": 53.0}, "SI7021": {"Temperature": 20.5, "Humidity": None}}
    message = decode("tasmota", "flat1/tele/SENSOR", {"Time": "1970-01-01T00:01:00", **sensors}, filter="+/tele/SENSOR")
    assert (message.device_id, only(message).temperature_c, only(message).ts_ms) == ("flat1", 20.5, None)
    assert decode("tasmota", "tele/x/STATE", {}).silence is Silence.STATUS
    bad = decode("tasmota", "tele/x/SENSOR", {"Time": "x", **sensors})
    assert bad.samples == [Flaw(None, Reason.BAD_TIME)]
    utc = decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", "S": {"Temperature": 1}}, timezone="UTC")
    assert only(utc).ts_ms == ms("2026-12-01T10:00:00Z")


def test_shelly_generations():
    assert decode("shelly", "shellies/s1/sensor/humidity", b"40").silence is Silence.STATUS
    assert only(decode("shelly", "shellies/s1/sensor/temperature", b"68.0", unit="F")).temperature_c == 20.0
    assert decode("shelly", "shellies/s1/sensor/temperature", b"warm").samples == [Flaw(None, Reason.WRONG_TYPE)]
    note = {"src": "s2", "method": "NotifyStatus", "params": {"ts": 1796090400, "temperature:100": {"tC": 45.5}}}
    sample = only(decode("shelly", "s2/events/rpc", note, probes={"temperature:100": "supply_c"}))
    assert (sample.supply_c, sample.temperature_c) == (45.5, None)
    assert decode("shelly", "s2/events/rpc", note).silence is Silence.NO_READING
    assert decode("shelly", "s3/events/rpc", note).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    assert decode("shelly", "s2/events/rpc", {"src": "s2", "method": "NotifyEvent"}).silence is Silence.STATUS


@pytest.mark.parametrize(("payload", "value"), [(b"19.5", 19.5), (b" -3 ", -3.0), (b"1e1", 10.0), (b".5", 0.5)])
def test_bare_values(payload, value):
    message = decode("value", "home/flat1/temperature", payload)
    assert (message.device_id, only(message).temperature_c) == ("flat1", value)


@pytest.mark.parametrize("payload", [b"19,5", b"19.5 C", b"{}", b"\xff", b"1_0", b"0x10", "１９".encode(), b"9" * 5000])
def test_bare_values_that_are_none(payload):
    assert decode("value", "home/flat1/temperature", payload).samples == [Flaw(None, Reason.WRONG_TYPE)]


def test_value_options():
    assert decode("value", "home/a/temperature", b"unavailable").silence is Silence.STATUS
    assert decode("value", "home/a/humidity", b"40", filter="home/+/humidity", field="humidity_pct").samples == []
    deep = decode("value", "site/b/4/t", b"45", filter="site/+/+/t", field="supply_c")
    assert (deep.device_id, only(deep).supply_c) == ("b/4", 45.0)
    assert decode("value", "all/b/4", b"45", filter="all/#").device_id == "b/4"
