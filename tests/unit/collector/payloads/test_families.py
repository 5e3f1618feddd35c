"""The table of device families, and the samples shared by everybody."""

from __future__ import annotations

import json

import pytest
from parts import ROOT
from peers.decoding import ZONE, decode, ms, only

from collector.payloads.families import FAMILIES, decoder_for
from collector.payloads.message import Sample
from collector.settings import TopicSettings
from heating.errors import ConfigError
from heating.instants import epoch_ms
from heating.reading import Quality


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
