"""Charts are sound SVG, accessible, without inline style, and never show a saving without its ±."""

import re
import xml.etree.ElementTree as ET  # our own output is parsed
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import SavingCase
from dodac.words import LANGUAGES, Language
from reports import charts
from reports._svg import dots, nice_ticks, polyline, ribbon, tick_digits

Chart = Callable[[SavingCase, Language, int], str]
ALL: list[Chart] = [charts.timeline, charts.cusum, charts.signature, charts.before_after]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("chart", ALL)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [charts.WIDE, charts.NARROW])
def test_a_chart_can_be_read_by_everyone_and_passes_a_strict_policy(
    case: SavingCase, chart: Chart, language: Language, width: int
) -> None:
    text = chart(case, language, width)
    root = ET.fromstring(text)  # noqa: S314
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    assert set(str(root.get("aria-labelledby")).split()) == ids
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert "style=" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "nan" not in text
    assert "None" not in text
    wide = float(str(root.get("viewBox")).split()[2])
    for element in root.iter(f"{SVG}text"):
        x, words = float(str(element.get("x"))), "".join(element.itertext())
        reach = len(words) * 13 * 0.62
        right = {"end": x, "middle": x + reach / 2}.get(str(element.get("text-anchor")), x + reach)
        left = {"end": x - reach, "middle": x - reach / 2}.get(str(element.get("text-anchor")), x)
        assert right <= wide + 12, words
        assert left >= -12, words


@pytest.mark.parametrize("chart", [charts.timeline, charts.cusum, charts.before_after])
def test_the_saving_is_never_drawn_without_its_uncertainty(case: SavingCase, chart: Chart) -> None:
    assert "295 ± 20" in chart(case, "en", charts.WIDE).replace(",000", "")


def test_the_same_case_gives_the_same_picture(case: SavingCase) -> None:
    assert charts.timeline(case, "vi") == charts.timeline(case, "vi")


def test_a_baseline_without_temperature_has_no_signature(case: SavingCase) -> None:
    bare = replace(case, baseline_frame=case.baseline_frame.drop(columns="temperature"))
    assert charts.signature(bare, "vi") == ""


def test_a_loss_is_drawn_as_a_loss(make_case: Callable[..., SavingCase]) -> None:
    worse = make_case(saved=-0.05)
    assert worse.savings.saving < 0
    for chart in ALL:
        ET.fromstring(chart(worse, "vi", charts.NARROW))  # noqa: S314
    assert "−" in charts.before_after(worse, "vi")


def test_words_of_a_plan_can_not_break_the_picture(case: SavingCase) -> None:
    evil = '</title><script>alert("x")</script>'
    plan = replace(case.plan, exclude=(("2026-03-03", "2026-03-05", evil),))
    assert "<script>" not in charts.timeline(replace(case, plan=plan), "en")


def test_a_sparkline_of_few_or_steady_values_is_still_a_picture() -> None:
    for points in ([], [(0.0, 1.0)], [(0.0, 5.0), (1.0, 5.0)], [(0.0, 0.0), (1.0, float("nan")), (2.0, 0.0)]):
        root = ET.fromstring(charts.sparkline(points, "O₂ <b>"))  # noqa: S314
        assert root.findtext(f"{SVG}title") == "O₂ <b>"


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_enclose_the_data_with_round_numbers(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert ticks[0] <= low + span * 1e-6
    assert ticks[-1] >= low + span * (1 - 1e-6)
    assert 2 <= len(ticks) <= 9


def test_ticks_can_be_told_apart() -> None:
    assert tick_digits([0, 0.25, 0.5]) == 2
    assert tick_digits([0, 2500, 5000]) == 0
    assert nice_ticks(5, 5)[0] < 5 < nice_ticks(5, 5)[-1]
    assert nice_ticks(float("nan"), 1) == [0.0, 1.0]


def test_a_missing_value_lifts_the_pen() -> None:
    nan = float("nan")
    assert polyline([(0, 0), (1, nan), (2, 2), (3, 1)]) == "M0 0M2 2l1-1"
    assert dots([(0, 0), (nan, 1)]) == "M0 0h0"
    parts = ribbon([(0, 2), (1, 2), (2, nan), (3, 2), (4, 2)], [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)])
    assert len(re.findall("z", parts)) == 2
