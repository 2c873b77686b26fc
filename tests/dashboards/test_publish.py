"""Verified savings as points, and the whole way from register and journal to InfluxDB."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboards.publish import case_lines
from dodac.cli import main
from dodac.clock import SECOND_NS, ManualClock
from dodac.errors import DataError, Exit
from dodac.samples import Layout
from store import SavingMeasurement, SavingPoint, SavingTags, saving_lines

TAGS = SavingTags("c", "s", "o", "p", "v")
HOUR_NS = 3600 * SECOND_NS


def test_a_day_left_out_has_no_saving_but_keeps_what_was_measured(case):
    lines = [line for line in case_lines(case) if line.startswith("saving,")]
    assert len(lines) == 60
    assert "saving_kwh" not in lines[5]
    assert "measured_kwh" not in lines[5]  # the meter was silent that day
    assert "measured_kwh" in lines[6]
    assert "saving_kwh" not in lines[6]


def test_a_saving_in_megawatt_hours_is_not_shown_a_thousand_times_too_small(case):
    mega = replace(case, savings=replace(case.savings, unit="MWh"))
    (line,) = [line for line in case_lines(mega) if line.startswith("saving_total")]
    assert f"saving_kwh={1000.0 * case.savings.saving!r}," in line


def test_a_saving_of_water_is_refused_instead_of_shown_as_energy(case):
    with pytest.raises(DataError, match="m3"):
        case_lines(replace(case, savings=replace(case.savings, unit="m3")))


def test_the_band_grows_to_the_verified_one_and_not_beyond(case):
    fields = []
    for line in case_lines(case):
        if line.startswith("saving,"):
            fields.append(dict(word.split("=") for word in line.split(" ")[1].split(",")))
    widths = [(float(f["high_kwh"]) - float(f["low_kwh"])) / 2 for f in fields]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(300.0 / math.sqrt(58))
    assert widths[-1] == pytest.approx(300.0)


def test_words_of_a_plan_cannot_break_a_line():
    tags = SavingTags("bia sài gòn", "cu,chi", "o=1", "p", "v")
    point = SavingPoint(1, {"saving_kwh": 2.0, "money": math.nan}, {"name": 'say "hi"\nand\\go', "end": ""})
    (line,) = saving_lines(SavingMeasurement.TOTAL, [point], tags)
    head = "saving_total,company=bia\\ sài\\ gòn,option=o\\=1,plan=p,site=cu\\,chi,verification=v"
    assert line == head + ' saving_kwh=2.0,name="say \\"hi\\" and\\\\go" 1'


def test_an_infinite_figure_or_a_nameless_plan_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        saving_lines(SavingMeasurement.DAY, [SavingPoint(1, {"saving_kwh": math.inf}, {})], TAGS)
    with pytest.raises(ValueError, match="empty"):
        saving_lines(SavingMeasurement.DAY, [], replace(TAGS, plan=""))
    assert saving_lines(SavingMeasurement.DAY, [SavingPoint(1, {"x": math.nan}, {})], TAGS) == []


def _ns(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * SECOND_NS


@pytest.fixture
def plant(tmp_path, influxdb):
    """A site with fourteen months of hourly readings, its register with one verified saving."""
    from audit import Money, Option, Plan, Register, VerifiedSaving
    from store import Journal, JournalStore

    (tmp_path / "data").mkdir()
    secret = tmp_path / "influx"
    secret.write_text(influxdb.token, "utf-8")
    secret.chmod(0o600)
    file = tmp_path / "site.toml"
    file.write_text(
        f"""
[site]
id = "s"
company = "c"
timezone = "UTC"
[influxdb]
url = "{influxdb.url}"
bucket = "{influxdb.bucket}"
org = "{influxdb.org}"
token_file = "influx"
""",
        "utf-8",
    )
    meter, weather = Layout("meter", ("energy_interval_kwh",)), Layout("weather", ("temperature_c",))
    journal = Journal.open(tmp_path / "data/journal.db")
    journal.layout(meter)
    journal.layout(weather)
    items = []
    for hour in range((365 + 61) * 24):
        time_ns = _ns(2025, 1, 1) + hour * HOUR_NS + HOUR_NS // 2
        warm = 27.0 + 5.0 * math.sin(hour / 1_400.0) + math.sin(hour / 3.7)
        load = 100.0 + 3.0 * warm + 4.0 * math.sin(hour * 1.7) - (20.0 if hour >= 365 * 24 else 0.0)
        items.append(("file", meter.sample(time_ns, {"energy_interval_kwh": load}, span_ns=HOUR_NS)))
        items.append(("file", weather.sample(time_ns, {"temperature_c": warm}, span_ns=HOUR_NS)))
    journal.commit(items)
    journal.close()
    register = Register(tmp_path / "data/register.db", ManualClock(_ns(2026, 4, 1)))
    register.add_option(Option("o", "Speed control", "Biến tần", "c", "s", "site", "implemented"))
    register.add_plan(
        Plan(
            "p", "o", "C", "whole site", "cả địa điểm", ("meter", "energy_interval_kwh"),
            {"temperature": ("weather", "temperature_c")}, "towt-daily", None, "UTC",
            ("2025-01-01", "2025-12-31"), None, ("2026-01-01", "2026-02-28"), 0.9,
            Money(1_800.0, "VND", "2025-10-01"),
        )
    )  # fmt: skip
    store = JournalStore(tmp_path / "data/journal.db")
    register.freeze_baseline("p", store)
    saving = register.verify("p", store)
    assert isinstance(saving, VerifiedSaving)
    return file, saving


@pytest.mark.servers
def test_a_verified_saving_reaches_grafanas_database_with_the_figure_of_the_register(plant, influxdb, capsys):
    file, saving = plant
    assert main(["dashboards", "publish", "--site", str(file), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == {"published": {saving.id: 59 + 2 + 1}}
    (row,) = influxdb.influxql('SELECT "saving_kwh", "money", "name" FROM "saving_total"')
    assert row["saving_kwh"] == saving.saving
    assert row["saving_kwh"] == pytest.approx(59 * 24 * 20.0, rel=0.02)
    assert row["money"] == saving.money.amount
    (row,) = influxdb.influxql('SELECT sum("saving_kwh") FROM "saving"')
    assert row["sum"] == pytest.approx(saving.saving)
    (row,) = influxdb.influxql('SELECT last("cumulative_kwh") FROM "saving"')
    assert row["last"] == pytest.approx(saving.saving)


@pytest.mark.servers
def test_publishing_to_a_refusing_or_absent_database_is_one_message(plant, capsys):
    file, _ = plant
    (file.parent / "influx").write_text("wrong", "utf-8")
    assert main(["dashboards", "publish", "--site", str(file)]) == Exit.STORAGE
    told = capsys.readouterr().err
    assert "did not take the saving (auth)" in told
    assert "wrong" not in told
    assert main(["dashboards", "publish", "--site", str(file), "--saving", "nowhere"]) != Exit.OK
    assert "nowhere" in capsys.readouterr().err
