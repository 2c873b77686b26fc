"""Charts as SVG texts from a saving's case: the same figures on the page and in the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

from audit.records import SavingCase
from dodac.words import Language
from reports._axes import NARROW, WIDE, Plot, legend
from reports._relations import before_after, signature
from reports._svg import Canvas, dots, nice_ticks, polyline, ribbon
from reports.figures import (
    chart_interval,
    chart_rows,
    day_number,
    day_numbers,
    excluded_spans,
    half_widths_of,
    is_long,
    tet_spans,
    used_values,
    weekly_mean,
)
from reports.formats import (
    larger_unit,
    percent_text,
    plus_minus,
    unit_text,
)
from reports.words import rows_words, say

__all__ = ["NARROW", "WIDE", "before_after", "cusum", "signature", "sparkline", "stylesheet", "timeline"]


@cache
def stylesheet() -> str:
    """CSS of the classes that charts use; dark screens override the paint attributes."""
    return (Path(__file__).parent / "templates" / "charts.css").read_text(encoding="utf-8")


def timeline(case: SavingCase, language: Language, width: int = WIDE) -> str:
    """Measured energy against the (adjusted) baseline, a week's mean over faint days."""
    interval = case.plan.interval
    base, report = (chart_rows(frame, interval) for frame in (case.baseline_frame, case.savings.frame))
    words = rows_words(chart_interval(interval), language)
    long = is_long(interval)
    daily = [used_values(base, "measured"), used_values(report, "measured")]
    model = [used_values(base, "model"), used_values(report, "adjusted_baseline")]
    means = daily if long else [weekly_mean(series) for series in daily]
    model_means = model if long else [weekly_mean(series) for series in model]
    # each row stands in the middle of what it speaks for
    xs = [day_numbers(rows.index) + rows["length"].to_numpy() / 2 for rows in (base, report)]
    everything = [value for series in (*daily, *model_means) for value in series.tolist() if value == value]
    low, high = (min(everything), max(everything)) if everything else (0.0, 1.0)
    if 0 < low < 0.45 * high:
        low = 0.0
    if long:
        high += 0.12 * (high - low)  # the names of the periods stand above a line with few points
    unit, factor = larger_unit(case.savings.unit, high)
    saving, half = plus_minus(
        case.savings.saving / factor, case.savings.uncertainty.half_width / factor, language
    )
    canvas = Canvas(
        f"timeline-{width}",
        width,
        330 if width >= 600 else 340,
        say("chart_timeline", language),
        say(
            "chart_rows_desc" if long else "chart_timeline_desc",
            language,
            saving=f"{saving} ± {half} {unit}",
            one=say(f"one_{interval}", language),
        ),
    )
    gaps = excluded_spans(case)
    measured = [("measured", say("legend_measured_rows", language, one=say(f"one_{interval}", language)))]
    if not long:
        measured = [("measured", say("legend_measured", language)), ("faint", say("legend_day", language))]
    entries = [*measured,
               ("base", say("legend_adjusted", language)),
               ("model", say("legend_model", language)), ("band", say("legend_saving", language))]  # fmt: skip
    if gaps:
        entries.append(("gap", say("legend_gap", language)))
    below = legend(canvas, entries, 16)
    first = min(day_number(case.plan.baseline[0]), float(xs[0].min()) - 0.5)
    last = max(day_number(case.plan.reporting[1]) + 1, float(xs[1].max()) + 0.5)
    ticks = [tick * 1.0 for tick in nice_ticks(low / factor, high / factor)]
    plot = Plot(canvas, top=below + 34, bottom=40, x=(first, last), y=ticks, language=language)
    _zones(case, canvas, plot, language)
    plot.y_axis(say("axis_per", language, unit=unit_text(unit, language), **words))
    plot.month_axis(first, last)

    def drawn(place: int, series: Sequence[float]) -> list[tuple[float, float]]:
        return plot.points(xs[place].tolist(), [value / factor for value in series])

    for place in (0, 1):
        canvas.path(dots(drawn(place, daily[place].tolist())), "faint")
    canvas.path(ribbon(drawn(1, model_means[1].tolist()), drawn(1, means[1].tolist())), "band")
    canvas.path(polyline(drawn(0, model_means[0].tolist())), "model")
    canvas.path(polyline(drawn(1, model_means[1].tolist())), "base")
    for place in (0, 1):
        canvas.path(polyline(drawn(place, means[place].tolist())), "measured")
    _marks(case, canvas, plot, language, gaps)
    return canvas.svg()


def _zones(case: SavingCase, canvas: Canvas, plot: Plot, language: Language) -> None:
    """Shades the baseline period and the works; names the three periods above the plot."""
    plan = case.plan
    height = plot.bottom - plot.top
    spans = [("zone", plan.baseline, "zone_baseline"), ("", plan.reporting, "zone_reporting")]
    if plan.blackout is not None:
        spans.insert(1, ("work", plan.blackout, "zone_blackout"))
    for cls, (start, end), key in spans:
        left, right = plot.x(day_number(start)), plot.x(day_number(end) + 1)
        words = say(key, language)
        if cls:
            canvas.rect(left, plot.top, right - left, height, cls, words)
        if canvas.text_width(words) <= right - left:
            canvas.text((left + right) / 2, plot.top + 14, words, "note", anchor="middle")


def _marks(
    case: SavingCase, canvas: Canvas, plot: Plot, language: Language, gaps: Sequence[tuple[str, str, str]]
) -> None:
    """Tết as a named tick; missing or excluded spans as bars on the axis."""
    first, last = date.fromisoformat(case.plan.baseline[0]), date.fromisoformat(case.plan.reporting[1])
    for begin, finish in tet_spans(case, first, last):
        left, right = plot.x(day_number(begin)), plot.x(day_number(finish) + 1)
        words = say("mark_tet", language)
        canvas.text((left + right) / 2, plot.bottom - 8, words, "tet", anchor="middle", scale=0.9)
        canvas.rect(left, plot.bottom - 4, right - left, 4, "tetbar", words)
    for start, end, why in gaps:
        left = plot.x(day_number(start))
        right = plot.x(day_number(end) + 1)
        canvas.rect(left, plot.bottom - 2.5, max(2.5, right - left), 5, "gap", f"{start} – {end}: {why}")


def cusum(case: SavingCase, language: Language, width: int = WIDE) -> str:
    """The cumulative saving with its band, which grows to the stated ±."""
    frame = chart_rows(case.savings.frame, case.plan.interval)
    each = case.savings.intervals / max(1, int(frame["used"].sum()))
    xs = day_numbers(frame.index)
    running: list[float] = []
    counts: list[float] = []
    total, count = 0.0, 0
    for saving, used in zip(frame["saving"].tolist(), frame["used"].tolist(), strict=True):
        if used and saving == saving:
            total += saving
            count += 1
        running.append(total)
        counts.append(count * each)
    widths = half_widths_of(case, counts)
    upper = [a + b for a, b in zip(running, widths, strict=True)] or [1.0]
    lower = [a - b for a, b in zip(running, widths, strict=True)] or [0.0]
    unit, factor = larger_unit(case.savings.unit, max(map(abs, (*upper, *lower))))
    value, half = plus_minus(
        case.savings.saving / factor, case.savings.uncertainty.half_width / factor, language
    )
    unit_words = unit_text(unit, language)
    canvas = Canvas(
        f"cusum-{width}",
        width,
        280,
        say("chart_cusum", language),
        say(
            "chart_cusum_desc",
            language,
            saving=f"{value} ± {half} {unit_words}",
            one=say(f"one_{case.plan.interval if is_long(case.plan.interval) else 'day'}", language),
        ),
    )
    band = say(
        "legend_band", language, confidence=percent_text(case.savings.uncertainty.confidence, language, 0)
    )
    below = legend(canvas, [("saving", say("legend_cusum", language)), ("band", band)], 16)
    ticks = nice_ticks(min(0.0, *lower) / factor, max(0.0, *upper) / factor)
    first, last = day_number(case.plan.reporting[0]), day_number(case.plan.reporting[1]) + 1
    ends = (xs + frame["length"].to_numpy()).tolist()
    if ends:
        first, last = min(first, float(xs.min())), max(last, *ends)
    plot = Plot(canvas, top=below + 30, bottom=40, x=(first, last), y=ticks, language=language)
    plot.y_axis(unit_words)
    plot.month_axis(first, last)
    canvas.path(
        ribbon(plot.points([first, *ends], [0.0, *(v / factor for v in upper)]),
               plot.points([first, *ends], [0.0, *(v / factor for v in lower)])),
        "band",
    )  # fmt: skip
    canvas.path(polyline(plot.points([first, *ends], [0.0, *(v / factor for v in running)])), "saving")
    if ends:
        canvas.text(
            plot.x(ends[-1]) - 6,
            plot.y(upper[-1] / factor) + 2 - 12,
            f"{value} ± {half} {unit_words}",
            bold=True,
            anchor="end",
        )
    return canvas.svg()


def sparkline(
    points: Sequence[tuple[float, float]],
    title: str,
    *,
    width: int = 160,
    height: int = 40,
    ident: str = "spark",
) -> str:
    """The course of a live value over (time, value) points; the newest is marked by a dot."""
    canvas = Canvas(ident, width, height, title, title, size=10)
    good = [(x, y) for x, y in points if y == y]
    if len(good) > 1:
        left, right = good[0][0], good[-1][0]
        low, high = min(y for _, y in good), max(y for _, y in good)
        # a steady value is a line in the middle, not noise blown up to the full height
        middle, half = (low + high) / 2, max((high - low) / 2, abs(high + low) / 2 * 0.005, 1e-9)
        places = [
            (
                3 + (x - left) / (right - left or 1) * (width - 6),
                height / 2 - (y - middle) / half * (height / 2 - 4),
            )
            for x, y in good
        ]
        canvas.path(polyline(places), "measured")
        canvas.path(dots(places[-1:]), "dots")
    return canvas.svg()
