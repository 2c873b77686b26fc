"""A mistake in a form's profile is told with file, line and nearest word, before anybody types into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodac.errors import ConfigError
from drivers.catalogue import parse_profile
from drivers.golden import check

GOOD = """id: own
maker: any
models: [tank]
kind: production
evidence: {map: [a test]}
protocol: manual
form:
  title: {vi: Bồn, en: Tank}
  period: day
sums:
  mass_kg: [fuel_interval_kg]
channels:
  mass_kg: {units: [t], range: [0, 1000], expected: [1, 500]}
  fuel_interval_kg: {}
  fuel_interval_m3: {unit: l, resolution: 0.001}
tests:
  - entry: {mass_kg: "0,5 t"}
    expect: {mass_kg: 500}
"""


def test_a_form_of_ones_own_is_one_file() -> None:
    assert check(parse_profile(GOOD, Path("own.yaml"))) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("title: {vi: Bồn, en: Tank}", "title: {vi: Bồn}", 8, "form.title.en"),
        ("period: day", "perod: day", 9, 'Did you mean "period"?'),
        ("period: day", "period: daily", 9, 'Did you mean "day"?'),
        ("period: day", "photo: none", 13, "amount of a period"),
        ("fuel_interval_kg: {}", "volume_m3: {}", 14, "register of a moment"),
        ("[fuel_interval_kg]", "[fuel_interval_kgg]", 11, 'Did you mean "fuel_interval_kg"?'),
        ("[fuel_interval_kg]", "[fuel_interval_m3]", 11, "can't be added up"),
        ("units: [t]", "units: [m3]", 13, "don't convert"),
        ("units: [t]", "units: [t], scale: 10", 13, "one unit only"),
        ("units: [t]", "units: [], scale: 0", 13, "scale of 0"),
        ("expected: [1, 500]", "expected: [500, 1]", 13, "low end"),
        ("expected: [1, 500]", "expected: [1, 5000]", 13, "within the range"),
        ("range: [0, 1000]", "range: [1000, 0]", 13, "low end"),
        ("expect: {mass_kg: 500}", "refused: {mass_kg: out_of_rang}", 18, 'Did you mean "out_of_range"?'),
        ("expect: {mass_kg: 500}", "asked: {mas_kg: unusual}", 18, 'Did you mean "mass_kg"?'),
        ('    expect: {mass_kg: 500}\n', "", 17, "at least one value, question or refusal"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is(old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        parse_profile(GOOD.replace(old, new), Path("own.yaml"))
    assert words in str(error.value)
    assert error.value.where.line == line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("expect: {mass_kg: 500}", "expect: {mass_kg: 5}", "expected 5"),
        ("expect: {mass_kg: 500}", "refused: {mass_kg: out_of_range}", "refused for nothing"),
        ('"0,5 t"', '"0,9 t"', "asked about for unusual"),
        ('"0,5 t"', '"5 t"', "out_of_range"),
    ],
)
def test_a_golden_entry_that_gives_something_else_is_found(old: str, new: str, words: str) -> None:
    assert words in " ".join(check(parse_profile(GOOD.replace(old, new), Path("own.yaml"))))
