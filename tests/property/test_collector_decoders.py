"""No bytes make a decoder or the intake raise, and no packet leaves the counters."""

from __future__ import annotations

import base64
import json
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from peers.books import MemoryLedger, MemoryStore

from collector.batch import Batch
from collector.intake import Ignored, Intake
from collector.judge import Judge
from collector.packet import Packet, clip
from collector.payloads.families import FAMILIES, decoder_for
from collector.payloads.message import Flaw, Message
from collector.routes import Routes
from collector.settings import TopicSettings
from collector.timekeeping import Timekeeper
from collector.writer import Writer
from heating.clock import ManualClock
from heating.instants import from_ms
from heating.reading import Reading
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

NOW = 1_795_312_800_000
ZONE = ZoneInfo("Asia/Shanghai")
TOPICS = {
    "native": "heatwatch/v1/D1/readings",
    "chirpstack": "application/a/device/D1/event/up",
    "ttn": "v3/a@t/devices/D1/up",
    "zigbee2mqtt": "zigbee2mqtt/D1",
    "tasmota": "tele/D1/SENSOR",
    "shelly": "D1/events/rpc",
    "value": "home/D1/temperature",
}
ROUTES = tuple(
    TopicSettings(filter=topic.replace("D1", "+"), decoder=family, probes=probes)
    for family, topic in TOPICS.items()
    for probes in ({}, {"temperature": "supply_c"})
)
REGISTER = Register.of_points(
    MeasurementPoint(point_id=f"P-{kind}", device_id=device, station="S", kind=kind)
    for device, kind in (("D1", PointKind.ROOM), ("D2", PointKind.ENTRY), ("D3", PointKind.OUTDOOR))
)

# Keys that decoders look for, so that the fuzz gets past the first step.
KEYS = st.sampled_from(
    [
        "readings",
        "ts",
        "temperature_c",
        "humidity_pct",
        "seq",
        "replayed",
        "supply_c",
        "return_c",
        "battery_v",
        "flags",
        "device_id",
        "time",
        "deviceInfo",
        "devEui",
        "object",
        "history",
        "timestamp",
        "temperature",
        "humidity",
        "battery",
        "data",
        "rxInfo",
        "rssi",
        "fCnt",
        "end_device_ids",
        "uplink_message",
        "decoded_payload",
        "frm_payload",
        "normalized_payload",
        "air",
        "received_at",
        "rx_metadata",
        "last_seen",
        "voltage",
        "Time",
        "TempUnit",
        "SI7021",
        "Temperature",
        "Id",
        "params",
        "temperature:0",
        "tC",
        "humidity:0",
        "rh",
        "method",
        "src",
        "TempC_SHT",
        "TempC1",
        "temperature_1",
        "temp_red",
        "BatV",
        "Bat_status",
        "Systimestamp",
        "deviceProfileName",
        "version_ids",
        "model_id",
        "uplink_normalized",
        "settings",
        "gwTime",
        "fPort",
        "f_port",
        "value",
        "unit",
        "state",
        "tF",
        "sys",
        "unixtime",
        "devicepower:0",
        "dst",
        "messages",
        "measurementId",
        "measurementValue",
        "4097",
        "ZbReceived",
        "Device",
        "Name",
        "LinkQuality",
        "ANALOG",
        "Temperature1",
        "Temperature2",
        "Epoch",
        "Node_type",
        "DATALOG",
        "Hum_SHT",
        "attributes",
        "unit_of_measurement",
        "temperature_unit",
        "last_battery_percentage",
    ]
) | st.text(max_size=4)
# Pieces of real frames, so that the fuzz gets into them.
BLOCKS = [
    bytes.fromhex(text)
    for text in ("01755C", "03673401", "8367340101", "046865", "20CE9E74466310015D", "00", "FE03B004", "FF0BFF",
                 "CBF60B0D0376010ADD7FFF", "0ADD0B0DC376096346749E", "00000B0D0376416346749E", "CBB828FF641E1009C401F4",
                 "049AF901", "20CE9E7446631001D10101", "93673401E8FF00", "FC6B00", "0467F700")
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([NOW, NOW // 1000, 10**30, -1, 0, 1e308, 327.67, 85.0, -127, 2, 3, 85, "21.5"])
    | st.sampled_from(
        ["NotifyFullStatus", "F", "°F", "D1", "2026-11-22T10:00:00", "LHT65N", "EM300-TH", "Low", "%", "K"]
    )
    | st.floats()
    | st.text(max_size=6)
    | (st.binary(max_size=24) | st.lists(st.sampled_from(BLOCKS), max_size=4).map(b"".join)).map(
        lambda raw: base64.b64encode(raw).decode()
    )
)
TREES = st.recursive(
    SCALARS, lambda kids: st.lists(kids, max_size=4) | st.dictionaries(KEYS, kids, max_size=6), max_leaves=20
)
PAYLOADS = (
    TREES.map(lambda tree: json.dumps(tree).encode())
    | st.dictionaries(KEYS, TREES, max_size=6).map(lambda tree: json.dumps(tree).encode())
    | st.binary(max_size=64)
)
FAMILY = st.sampled_from(sorted(FAMILIES))


def packet(topic: str, payload: bytes, *, retained: bool = False) -> Packet:
    kept, sha256 = clip(payload)
    return Packet(topic=topic, payload=kept, received_ms=NOW, length=len(payload), sha256=sha256, retained=retained)


@given(st.sampled_from(ROUTES), st.text(max_size=20) | st.sampled_from(sorted(TOPICS.values())), PAYLOADS)
def test_decoders_never_raise(route, topic, payload):
    message = decoder_for(route, ZONE)(topic, payload)
    assert isinstance(message, Message)
    assert isinstance(message.device_id, str)
    outcomes = Intake(REGISTER, 86_400_000).judge(packet(topic, payload), message, NOW)
    assert len(outcomes) == max(len(message.samples), 1)
    assert all(isinstance(outcome, (Reading, Flaw, Ignored)) for outcome in outcomes)


@given(st.lists(st.tuples(FAMILY, PAYLOADS, st.sampled_from(["D1", "D2", "D3", "X"]), st.booleans()), max_size=12))
def test_no_packet_leaves_the_counters(sent):
    store, ledger = MemoryStore(), MemoryLedger(REGISTER)
    writer = Writer(Judge(Routes(ROUTES, ZONE), Timekeeper(ZONE)), store, ledger, ManualClock(from_ms(NOW)), 30)  # type: ignore[arg-type]
    writer.recover()
    packets = [packet(TOPICS[f].replace("D1", d), payload, retained=r) for f, payload, d, r in sent]
    for batch in (packets, packets):
        writer.push(Batch(list(batch)))
    totals = ledger.journal.totals
    assert totals["packets"] == 2 * len(packets)
    assert totals["received"] == sum(totals[k] for k in ("stored", "repeated", "ignored", "quarantined"))
    assert totals["received"] + totals["packets.status"] >= totals["packets"]
    assert totals["stored"] == len(store.rows)
    assert totals["quarantined"] == len(ledger.journal.rows)
