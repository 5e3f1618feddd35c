"""Winters, made and measured."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from firmware_sim.weather import HOUR_MS, Span, WeatherSpec, make_weather
from heating.errors import InputError
from heating.instants import parse_instant, to_ms

ZONE = ZoneInfo("Asia/Shanghai")
START = to_ms(parse_instant("2027-01-11T00:00", ZONE))


def span(hours: int) -> Span:
    return Span(START, hours, START, ZONE)


@pytest.mark.parametrize(("climate", "mean"), [("tianjin", -0.6), ("harbin", -7.7)])
def test_a_season_has_the_mean_of_its_city(climate: str, mean: float) -> None:
    weather = make_weather(WeatherSpec(climate=climate), span(24 * 400), np.random.default_rng(1))
    assert weather.temperature_c.mean() == pytest.approx(mean, abs=1.2)
    by_hour = weather.temperature_c.reshape(-1, 24).mean(axis=0)
    assert int(by_hour.argmin()) in (5, 6)
    assert int(by_hour.argmax()) in (16, 17, 18)
    assert 2 < np.ptp(by_hour) / 2 < 5


def test_a_measured_series_is_followed_from_its_start(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text("ts_local,temperature_c\n2010-01-01T00:00+08:00,-11\n2010-01-01T02:00+08:00,-15\n")
    spec = WeatherSpec(file=str(file), file_start="2010-01-01T00:00+08:00")
    weather = make_weather(spec, span(4), np.random.default_rng(1))
    assert weather.temperature_c.tolist() == [-11, -13, -15, -15]
    assert weather.at(np.array([START + HOUR_MS // 2])).tolist() == [-12]


def test_a_file_that_is_no_series_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("when,what\n1,2\n")
    with pytest.raises(InputError, match="ts_local,temperature_c"):
        make_weather(WeatherSpec(file=str(tmp_path / "w.csv")), span(4), np.random.default_rng(1))


@pytest.mark.realdata
def test_reads_the_measured_beijing_winters() -> None:
    from parts import ROOT

    file = ROOT.parent / "shared" / "data" / "weather" / "beijing-hourly-2010-2014.csv"
    spec = WeatherSpec(file=str(file), file_start="2012-01-11T00:00+08:00")
    weather = make_weather(spec, span(24 * 20), np.random.default_rng(1))
    assert -8 < weather.temperature_c.mean() < 0
