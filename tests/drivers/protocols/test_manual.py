"""A form: what is typed is right, asked about, or refused with its reason; never a wrong number."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from dodac.samples import FIRST_REVISION, Reason
from drivers import load_profile, load_profiles
from drivers.manual_words import CODES, finding_text
from drivers.profile import ManualProfile
from drivers.protocols.manual import Finding, Form, Known, Typed
from drivers.protocols.manual_entry import Entry, Photo, canonical, read_back
from drivers.protocols.modbus_map import Ratios
from drivers.protocols.received import Refused

NOW = 1_790_000_000 * SECOND_NS


def form(id: str, **ratios: float) -> Form:
    profile = load_profile(id)
    assert isinstance(profile, ManualProfile)
    return Form("here", profile, Ratios(**ratios))


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_register_that_fell_is_asked_about_and_a_confirmation_is_for_that_number_only() -> None:
    meter = form("manual.water-meter")
    known = Known(before={"volume_m3": [(NOW - DAY_NS, 1234.5)]})
    fell = meter.check({"volume_m3": Typed("1200")}, NOW, NOW, NOW, known)
    assert codes(fell.findings) == ["fell"]
    confirmed = frozenset(finding.key for finding in fell.findings)
    assert fell.open(confirmed) == ()
    other = meter.check({"volume_m3": Typed("120")}, NOW, NOW, NOW, known)
    assert codes(other.open(confirmed)) == ["fell"]


def test_a_reading_typed_late_must_fit_between_its_neighbours() -> None:
    meter = form("manual.water-meter")
    known = Known(before={"volume_m3": [(NOW - 9, 100.0)]}, after={"volume_m3": [(NOW + 9, 200.0)]})
    check = {
        text: codes(meter.check({"volume_m3": Typed(text)}, NOW, NOW, NOW, known).findings)
        for text in ("99", "100", "150", "200", "201")
    }
    assert check == {"99": ["fell"], "100": [], "150": [], "200": [], "201": ["above_later"]}


def test_one_digit_too_many_in_a_register_is_asked_about() -> None:
    meter = form("manual.electricity-meter")
    known = Known(before={"energy_import_kwh": [(NOW - DAY_NS, 5000.0), (NOW - 2 * DAY_NS, 4900.0)]})
    assert meter.check({"energy_import_kwh": Typed("5150")}, NOW, NOW, NOW, known).findings == ()
    leap = meter.check({"energy_import_kwh": Typed("51500")}, NOW, NOW, NOW, known)
    assert codes(leap.findings) == ["leap"]


def test_the_transformers_ratio_counts_once_and_earlier_values_are_shown_as_on_the_meter() -> None:
    meter = form("manual.electricity-meter", ct=80.0)
    checked = meter.check({"energy_import_kwh": Typed("12,5 MWh")}, NOW, NOW, NOW)
    assert checked.read["energy_import_kwh"].value == 12_500 * 80
    assert meter.shown("energy_import_kwh", 12_500 * 80) == 12_500


def test_an_entry_of_the_future_or_of_another_year_is_not_taken() -> None:
    kit = form("manual.water-kit")
    ph = {"ph": Typed("7")}
    assert codes(kit.check(ph, NOW + 6 * MINUTE_NS, NOW + 6 * MINUTE_NS, NOW).findings) == ["future"]
    assert codes(kit.check(ph, NOW + 4 * MINUTE_NS, NOW + 4 * MINUTE_NS, NOW).findings) == []
    assert codes(kit.check(ph, 0, 0, NOW).findings) == ["too_old"]
    assert codes(kit.check(ph, NOW - 200 * DAY_NS, NOW - 200 * DAY_NS, NOW).findings) == ["old"]


def test_two_bills_never_speak_of_the_same_day() -> None:
    bill = form("manual.water-bill")
    typed = {"volume_interval_m3": Typed("1250")}
    known = Known(moments=[(NOW - 60 * DAY_NS, NOW - 30 * DAY_NS, "first")])
    follows = bill.check(typed, NOW - 30 * DAY_NS, NOW, NOW, known)
    assert follows.findings == ()
    overlaps = bill.check(typed, NOW - 31 * DAY_NS, NOW, NOW, known)
    assert codes(overlaps.findings) == ["overlap"]
    assert overlaps.findings[0].refused
    again = bill.check(typed, NOW - 60 * DAY_NS, NOW - 30 * DAY_NS, NOW, known, "first")
    assert again.findings == ()


@pytest.mark.parametrize(("days", "code"), [(0, "order"), (-1, "order"), (401, "long")])
def test_a_period_has_a_length_that_can_be(days: int, code: str) -> None:
    bill = form("manual.electricity-bill")
    typed = {"energy_interval_kwh": Typed("1250")}
    checked = bill.check(typed, NOW - days * DAY_NS, NOW, NOW + DAY_NS)
    assert codes(checked.findings) == [code]


def test_an_empty_form_and_an_unknown_field_are_refused() -> None:
    kit = form("manual.water-kit")
    assert codes(kit.check({"ph": Typed("  ")}, NOW, NOW, NOW).findings) == ["empty"]
    assert codes(kit.check({"phh": Typed("7")}, NOW, NOW, NOW).findings) == ["unknown"]


def test_a_sign_with_two_meanings_is_settled_by_the_range_or_asked() -> None:
    kit = form("manual.water-kit")
    only = kit.check({"ph": Typed("7.125")}, NOW, NOW, NOW)
    assert only.read["ph"].value == 7.125
    asked = kit.check({"cod_mg_l": Typed("1.234")}, NOW, NOW, NOW)
    assert asked.findings[0].choices == ("1.2340", "1234")
    assert asked.open(frozenset({asked.findings[0].key})) == asked.findings  # yes is no answer to which
    for choice, value in zip(asked.findings[0].choices, (1.234, 1234.0), strict=True):
        checked = kit.check({"cod_mg_l": Typed(choice)}, NOW, NOW, NOW)
        assert checked.read["cod_mg_l"].value == value


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_question_and_refusal_has_words_for_its_facts(language: str) -> None:
    facts = {
        "text": "x", "unit": "mg/l", "low": 1.0, "high": 2.0, "value": 3.0, "step": 0.1, "other": 4.0, "times": 12.0,
        "days": 400.0, "time_ns": NOW, "until_ns": NOW + HOUR_NS,
    }  # fmt: skip
    profile = load_profile("manual.water-kit")
    assert isinstance(profile, ManualProfile)
    for code in CODES:
        text = finding_text(Finding(code, "ph", facts=facts), profile, "Asia/Ho_Chi_Minh", language)  # type: ignore[arg-type]
        assert text
        assert "{" not in text


def test_at_least_ten_forms_stand_ready_in_both_languages() -> None:
    forms = [p for p in load_profiles().values() if isinstance(p, ManualProfile)]
    assert len(forms) >= 10
    assert {p.form.title.vi for p in forms}.isdisjoint({p.form.title.en for p in forms})


def _entry(**more: object) -> Entry:
    fields: dict[str, object] = {
        "id": "abcdef01", "instrument": "here", "values": {"ph": Typed("7,2")}, "start_ns": NOW, "end_ns": NOW,
    }  # fmt: skip
    return Entry(**{**fields, **more})  # type: ignore[arg-type]


def test_the_proof_holds_what_was_typed_by_whom_and_the_photo() -> None:
    kit = form("manual.water-kit")
    entry = _entry(
        operator="Lan", note="đục", photo=Photo("ab" * 32, "image/jpeg", 5), typed_ns=NOW + SECOND_NS
    )
    raw = canonical(entry, kit, kit.check(entry.values, NOW, NOW, NOW).read)
    told = json.loads(raw)
    assert told["channels"]["ph"] == {"number": "7.2", "typed": "7,2", "unit": "pH", "value": "7.2"}
    assert (told["operator"], told["note"], told["photo"]["sha256"]) == ("Lan", "đục", "ab" * 32)
    assert raw == json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    sample = read_back(raw).sample(kit)
    assert (sample.time_ns, sample.span_ns, sample.raw, sample.part) == (NOW, 0, raw, 0)
    assert sample.values[0] == 7.2
    later = canonical(
        _entry(revision=2, corrects="abcdef00"), kit, kit.check(entry.values, NOW, NOW, NOW).read
    )
    assert read_back(later).sample(kit).part == FIRST_REVISION + 1


def test_a_value_that_the_form_no_longer_believes_is_flagged_and_kept() -> None:
    kit = form("manual.water-kit")
    entry = _entry()
    raw = canonical(entry, kit, kit.check(entry.values, NOW, NOW, NOW).read)
    sample = read_back(raw.replace(b'"value":"7.2"', b'"value":"72.0"')).sample(kit)
    assert [(flag.channel, flag.reason, flag.value) for flag in sample.flags] == [
        ("ph", Reason.OUT_OF_RANGE, 72.0)
    ]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_entry_are_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(Refused):
        read_back(data)


@given(st.integers(0, 600), st.integers(0, 255))
def test_a_changed_byte_of_an_entry_never_breaks_the_reader(place: int, byte: int) -> None:
    kit = form("manual.water-kit")
    entry = _entry()
    raw = bytearray(canonical(entry, kit, kit.check(entry.values, NOW, NOW, NOW).read))
    raw[place % len(raw)] = byte
    with contextlib.suppress(Refused):
        read_back(bytes(raw)).sample(kit)
