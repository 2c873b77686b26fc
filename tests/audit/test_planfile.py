"""Options and plans written by people: every mistake has its line."""

import pytest

from audit.planfile import read_option, read_plan
from dodac.errors import ConfigError

OPTION = """\
id = "boiler-trim"
name_en = "Oxygen trim on boiler 1"
name_vi = "Chỉnh oxy cho lò hơi 1"
company = "bia-sai-gon"
site = "cu-chi"
asset = "boiler1"
status = "planned"
investment = { amount = 250_000_000, currency = "VND", price_date = "2023-11-01" }
"""

PLAN = """\
id = "trim-plan"
option = "boiler-trim"
ipmvp_option = "C"
boundary_en = "whole plant"
boundary_vi = "toàn nhà máy"
energy = "main:energy_interval_kwh"
zone = "Asia/Ho_Chi_Minh"
holidays = "VN"
baseline = [2023-01-01, 2023-12-31]
blackout = ["2024-01-01", "2024-01-31"]
reporting = ["2024-02-01", "2025-01-31"]
price = { amount = 1899, currency = "VND", price_date = 2024-01-01 }
exclude = [{ from = "2023-03-01", to = "2023-03-02", why = "flood" }]

[drivers]
temperature = "weather:temperature_c"
tonnes = "scale:mass_kg"
"""


def test_a_plan_as_people_write_it_is_read(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    plan = read_plan(file)
    assert plan.energy == ("main", "energy_interval_kwh")
    assert plan.baseline == ("2023-01-01", "2023-12-31")
    assert plan.drivers == {"temperature": ("weather", "temperature_c"), "tonnes": ("scale", "mass_kg")}
    assert (plan.model, plan.confidence, plan.holidays) == ("towt-daily", 0.9, "VN")
    assert plan.exclude == (("2023-03-01", "2023-03-02", "flood"),)
    file.write_text(OPTION, encoding="utf-8")
    option = read_option(file)
    assert option.investment is not None
    assert option.investment.amount == 250e6


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('holidays = "VN"', 'holliday = "VN"', r':8: unknown key "holliday".*Did you mean "holidays"'),
        ("[2023-01-01, 2023-12-31]", "2023-01-01", r':9: "baseline": write two dates'),
        ('"2024-02-01", "2025', '"2024-02-30", "2025', r':11: "reporting": write a date'),
        ('"main:energy_interval_kwh"', '"main"', r':6: "energy": write "instrument:channel"'),
        ("amount = 1899", 'amount = "1899"', r':12: "price": write a number'),
        ('zone = "Asia/Ho_Chi_Minh"', "zone = 7", r':7: "zone": write a text'),
        ('option = "boiler-trim"\n', "", 'the key "option" is missing'),
        ('why = "flood"', 'because = "flood"', r':13: "exclude"'),
        ("tonnes =", "energy =", '"energy" is taken'),
        ('"C"', '"C', ":3: this is not TOML"),
        ("currency =", "curency =", r':12: "price": unknown key "curency"; did you mean "currency"\?'),
        ('"VND"', '"dong"', r':12: plan "trim-plan": price: "dong" is no currency'),
        ("amount = 1899", "amount = inf", r":12: .*inf VND is no price"),
        ("amount = 1899", "amount = nan", r":12: .*nan VND is no price"),
        (
            '"weather:temperature_c"',
            "5",
            r':16: "drivers": write a text in quotes \(in drivers.temperature\)',
        ),
        (
            '"scale:mass_kg"',
            '"main:energy_interval_kwh"',
            r":17: .*drivers.tonnes: this is the energy itself",
        ),
        ('"scale:mass_kg"', '"scale:mass_kgs"', r':17: .*"mass_kgs" is not a channel'),
        ("2025-01-31", "9999-12-31", r":11: .*year 9999"),
        ('"2024-01-01", "2024-01-31"', '"2023-12-01", "2024-01-31"', "lies in the baseline period"),
    ],
)
def test_a_mistake_in_a_plan_is_shown_where_it_stands(tmp_path, old, new, words):
    file = tmp_path / "plan.toml"
    assert old in PLAN
    file.write_text(PLAN.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        read_plan(file)
    assert str(file) in str(caught.value)


def test_the_line_of_a_long_list_is_that_of_its_item(tmp_path):
    file = tmp_path / "plan.toml"
    items = '[\n  { from = "2023-03-01", to = "2023-03-02", why = "flood" },\n  { from = 7, to = "", why = "" },\n]'
    line = '[{ from = "2023-03-01", to = "2023-03-02", why = "flood" }]'
    file.write_text(PLAN.replace(line, items), encoding="utf-8")
    with pytest.raises(ConfigError, match=r':15: "exclude": write a date as .* \(in exclude.1.from\)'):
        read_plan(file)


def test_an_option_s_investment_is_an_amount_of_money(tmp_path):
    file = tmp_path / "option.toml"
    for wrong in ("nan", "inf", "-5"):
        file.write_text(OPTION.replace("250_000_000", wrong), encoding="utf-8")
        with pytest.raises(ConfigError, match=r":8: .*is no price"):
            read_option(file)


def test_a_file_of_a_windows_editor_is_read(tmp_path):
    file = tmp_path / "option.toml"
    file.write_bytes(b"\xef\xbb\xbf" + OPTION.replace("\n", "\r\n").encode())
    assert read_option(file).id == "boiler-trim"


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no such option file"):
        read_option(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="can't be read"):
        read_option(tmp_path / "bytes.toml")
