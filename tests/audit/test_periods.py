"""The daily frame: local days, whole days only, and one digest for the same readings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import frame_digest, period_frame
from audit.periods import days_of, window_ns
from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns
from dodac.errors import DataError
from dodac.samples import Flag, Layout, Reason
from store import Journal, JournalStore

METER = Layout("meter", ("energy_import_kwh",))
AIR = Layout("air", ("temperature_c",))


def quarter_hours(path: Path, zone: str, day: str, days: int, *, dead: tuple[str, str] | None = None) -> None:
    """A counter and a thermometer read every 15 min: 96 kWh on a day of 24 hours, 20 … 30 °C."""
    start = parse_time_ns(day, zone)
    gone = (parse_time_ns(dead[0], zone), parse_time_ns(dead[1], zone)) if dead else (0, 0)
    items = []
    for number in range(days * 96 + 1):
        time_ns = start + number * 15 * MINUTE_NS
        if gone[0] <= time_ns < gone[1]:
            items.append(
                ("t", METER.sample(time_ns, {}, flags=[Flag("energy_import_kwh", Reason.NO_ANSWER)]))
            )
        else:
            items.append(("t", METER.sample(time_ns, {"energy_import_kwh": 5000.0 + number})))
        swing = 5.0 * np.sin(2 * np.pi * number / 96)
        items.append(("t", AIR.sample(time_ns, {"temperature_c": 25.0 + float(swing)})))
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.layout(AIR)
        journal.commit(items)


@pytest.fixture
def meter_plan(plan):
    return replace(
        plan,
        energy=("meter", "energy_import_kwh"),
        drivers={"temperature": ("air", "temperature_c")},
        baseline=("2023-03-20", "2023-03-29"),
    )


def test_days_are_local_days(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Asia/Ho_Chi_Minh", "2023-03-20", 10)
    frame = period_frame(JournalStore(path), meter_plan, meter_plan.baseline)
    assert list(frame.columns) == ["energy", "temperature", "day_type", "coverage", "used"]
    assert str(frame.index[0]) == "2023-03-20 00:00:00+07:00"
    assert len(frame) == 10
    np.testing.assert_allclose(frame["energy"], 96.0)
    np.testing.assert_allclose(frame["temperature"], 25.0, atol=0.1)
    assert frame["used"].all()


def test_a_day_of_summer_time_has_its_own_length(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Europe/Berlin", "2023-03-20", 10)
    berlin = replace(meter_plan, zone="Europe/Berlin", baseline=("2023-03-20", "2023-03-28"))
    frame = period_frame(JournalStore(path), berlin, berlin.baseline)
    expected = np.where(frame.index.strftime("%d") == "26", 92.0, 96.0)
    np.testing.assert_allclose(frame["energy"], expected)
    assert frame["used"].all()


def test_a_day_in_part_is_left_out_and_never_scaled_up(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Asia/Ho_Chi_Minh", "2023-03-20", 10, dead=("2023-03-24T18:00", "2023-03-25T09:00"))
    frame = period_frame(JournalStore(path), meter_plan, meter_plan.baseline)
    left_out = frame.index[~frame["used"]].strftime("%d").tolist()
    assert left_out == ["24", "25"]
    assert (frame["coverage"] < 0.9).tolist() == (~frame["used"]).tolist()


def test_an_excluded_day_is_not_used(store, plan):
    out = replace(plan, exclude=(("2023-05-01", "2023-05-02", "flood"),))
    frame = period_frame(store, out, plan.baseline)
    assert frame.index[~frame["used"]].strftime("%m-%d").tolist() == ["05-01", "05-02"]


def test_holidays_of_the_plan_become_day_types(store, plan):
    frame = period_frame(store, replace(plan, holidays="VN"), plan.baseline)
    words = dict(zip(frame.index.strftime("%m-%d"), frame["day_type"], strict=True))
    assert (words["01-22"], words["05-01"], words["06-01"]) == ("tet", "holiday", "normal")


def test_a_meter_whose_day_starts_at_one_is_not_smeared_over_two_days(tmp_path, plan):
    path, layout = tmp_path / "j.sqlite", Layout("main", ("energy_interval_kwh",))
    air = Layout("weather", ("temperature_c",))
    start = parse_time_ns("2023-01-01T01:00", plan.zone)
    with Journal.open(path) as journal:
        journal.layout(layout)
        journal.layout(air)
        journal.commit(
            [
                ("t", one.sample(start + day * DAY_NS + DAY_NS // 2, {name: float(day)}, span_ns=DAY_NS))
                for day in range(30)
                for one, name in ((layout, "energy_interval_kwh"), (air, "temperature_c"))
            ]
        )
    frame = period_frame(JournalStore(path), plan, ("2023-01-01", "2023-01-31"))
    np.testing.assert_array_equal(frame["energy"], [*range(30), np.nan])
    assert frame["used"].tolist() == [True] * 30 + [False]


def test_an_hour_missing_from_interval_amounts_leaves_the_day_out(tmp_path, plan):
    path, layout = tmp_path / "j.sqlite", Layout("main", ("energy_interval_kwh",))
    air = Layout("weather", ("temperature_c",))
    start = parse_time_ns("2023-01-01", plan.zone)
    hours = [hour for hour in range(96) if hour != 30]
    with Journal.open(path) as journal:
        journal.layout(layout)
        journal.layout(air)
        journal.commit(
            [
                ("t", one.sample(start + h * HOUR_NS + HOUR_NS // 2, {name: 10.0}, span_ns=HOUR_NS))
                for h in hours
                for one, name in ((layout, "energy_interval_kwh"), (air, "temperature_c"))
            ]
        )
    frame = period_frame(JournalStore(path), plan, ("2023-01-01", "2023-01-04"))
    # 23 of 24 hours: enough for a mean temperature, a twenty-fourth too little for an amount
    assert frame["used"].tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"energy": ("mian", "energy_interval_kwh")}, 'Did you mean "main"'),
        ({"energy": ("main", "heat_interval_kwh")}, 'no readings of "heat_interval_kwh"'),
    ],
)
def test_an_instrument_or_channel_that_is_not_there_is_named(store, plan, change, words):
    with pytest.raises(DataError, match=words):
        period_frame(store, replace(plan, **change), plan.baseline)


def test_the_digest_sees_every_used_number_and_no_rounding_of_sums(store, plan):
    frame = period_frame(store, plan, plan.baseline)
    digest = frame_digest(frame)
    assert frame_digest(frame.copy()) == digest
    nudged = frame.copy()
    nudged.iloc[7, 0] *= 1.0 + 1e-15
    assert frame_digest(nudged) == digest
    for column, change in ((0, 1e-6), (1, 1e-6)):
        changed = frame.copy()
        changed.iloc[7, column] *= 1.0 + change
        assert frame_digest(changed) != digest
    unused = frame.copy()
    unused.iloc[7, unused.columns.get_loc("used")] = False
    assert frame_digest(unused) != digest


def test_a_zone_that_skips_midnight_still_has_its_day():
    # Chile set its clocks at midnight on 2023-09-03: 00:00 did not exist
    days = days_of("America/Santiago", ("2023-09-02", "2023-09-04"))
    assert [str(day) for day in days.strftime("%Y-%m-%d %H:%M")] == [
        "2023-09-02 00:00",
        "2023-09-03 01:00",
        "2023-09-04 00:00",
    ]
    start, end = window_ns("America/Santiago", ("2023-09-02", "2023-09-03"))
    assert (end - start) // HOUR_NS == 47
    assert isinstance(days, pd.DatetimeIndex)


def test_hours_weeks_and_months_are_local_and_whole(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Europe/Berlin", "2023-03-01", 62)
    store = JournalStore(path)
    berlin = replace(meter_plan, zone="Europe/Berlin", baseline=("2023-03-01", "2023-04-30"))
    hours = period_frame(store, replace(berlin, interval="hour"), ("2023-03-25", "2023-03-27"))
    assert len(hours) == 24 + 23 + 24
    np.testing.assert_allclose(hours["energy"], 4.0)
    assert hours["used"].all()
    months = period_frame(store, replace(berlin, interval="month"), berlin.baseline)
    assert list(months.index.strftime("%m-%d")) == ["03-01", "04-01"]
    np.testing.assert_allclose(months["energy"], [31 * 96.0 - 4.0, 30 * 96.0])
    weeks = period_frame(store, replace(berlin, interval="week"), ("2023-03-06", "2023-03-19"))
    np.testing.assert_allclose(weeks["energy"], 7 * 96.0)
    assert frame_digest(hours) != frame_digest(hours.iloc[::-1])


def test_a_month_with_an_excluded_day_is_no_whole_month(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Asia/Ho_Chi_Minh", "2023-03-01", 61)
    plan = replace(
        meter_plan, interval="month", baseline=("2023-03-01", "2023-04-30"),
        exclude=(("2023-04-10", "2023-04-11", "flood"),),
    )  # fmt: skip
    assert period_frame(JournalStore(path), plan, plan.baseline)["used"].tolist() == [True, False]


BILL = Layout("bill", ("energy_interval_kwh",))


def bills(path, *rows):
    with Journal.open(path) as journal:
        journal.layout(BILL)
        items = []
        for first, after, kwh in rows:
            start, end = (parse_time_ns(day, "Asia/Ho_Chi_Minh") for day in (first, after))
            span = end - start
            sample = BILL.sample(start + span // 2, {"energy_interval_kwh": kwh}, span_ns=span)
            items.append(("t", sample))
        journal.commit(items)


def test_bills_have_their_own_lengths_and_the_weather_of_their_days(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Asia/Ho_Chi_Minh", "2023-03-01", 100)
    bills(path, ("2023-03-05", "2023-04-03", 2900.0), ("2023-04-03", "2023-05-05", 3300.0))
    plan = replace(
        meter_plan, interval="bill", energy=("bill", "energy_interval_kwh"),
        drivers={"temperature": ("air", "temperature_c"), "output": ("meter", "energy_import_kwh")},
        baseline=("2023-03-01", "2023-05-31"),
    )  # fmt: skip
    frame = period_frame(JournalStore(path), plan, plan.baseline)
    assert frame["days"].tolist() == [29.0, 32.0]
    assert frame["energy"].tolist() == [2900.0, 3300.0]
    np.testing.assert_allclose(frame["temperature"], 25.0, atol=0.1)
    np.testing.assert_allclose(frame["output"], [29 * 96.0, 32 * 96.0])
    assert frame["used"].all()


def test_bills_that_claim_the_same_days_are_refused(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    bills(path, ("2023-03-05", "2023-04-03", 2900.0), ("2023-03-30", "2023-05-05", 3300.0))
    plan = replace(
        meter_plan, interval="bill", energy=("bill", "energy_interval_kwh"), drivers={},
        baseline=("2023-03-01", "2023-05-31"),
    )  # fmt: skip
    with pytest.raises(DataError, match="two bills claim the days from 2023-03-30"):
        period_frame(JournalStore(path), plan, plan.baseline)


def test_degree_hours_come_with_models_that_use_them_and_change_no_digest(tmp_path, meter_plan):
    path = tmp_path / "j.sqlite"
    quarter_hours(path, "Asia/Ho_Chi_Minh", "2023-03-20", 10)
    store = JournalStore(path)
    plain = period_frame(store, meter_plan, meter_plan.baseline)
    auto = period_frame(store, replace(meter_plan, model="auto"), meter_plan.baseline)
    # 20 … 30 °C over the day: above 25 °C for half of it, though the mean is 25 °C
    np.testing.assert_allclose(auto["cdd_25"], 5.0 / np.pi, rtol=0.03)
    assert not any(str(name).startswith("cdd") for name in plain.columns)
    assert frame_digest(auto) == frame_digest(plain)


def test_daily_means_of_temperature_give_no_degree_hours(store, plan):
    frame = period_frame(store, replace(plan, model="auto"), plan.baseline)
    assert not any(str(name).startswith(("hdd", "cdd")) for name in frame.columns)


@pytest.mark.parametrize(("interval", "end"), [("month", "2025-01-31"), ("week", "2025-02-05")])
def test_a_saving_of_months_or_weeks_ends_with_its_last_day_and_opens_again(
    register, option, plan, store, interval, end
):
    register.add_option(option)
    plan = replace(plan, interval=interval, model="mean")
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    found = register.verify(plan.id, store)
    assert (found.start, found.end) == ("2024-02-01", end)
    assert register.case(found.id, store).savings.end == end
    assert register.verify(plan.id, store) == found
