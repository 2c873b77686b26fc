"""Charts without a time axis: energy over temperature, and before against after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit.records import SavingCase
from dodac.words import Language, number_text
from reports._axes import WIDE, Plot, legend
from reports._svg import Anchor, Canvas, dots, nice_ticks, polyline, short, tick_digits
from reports.figures import chart_interval, chart_rows, is_long, meter_class_percent
from reports.formats import larger_unit, percent_text, rounded_text, unit_text
from reports.words import rows_words, say

if TYPE_CHECKING:
    import pandas as pd


def signature(case: SavingCase, language: Language, width: int = WIDE) -> str:
    """Energy signature: baseline days over temperature, with the model's mean curve on working days.

    Gives "" when the baseline has no temperature.
    """
    interval = case.plan.interval
    frame = chart_rows(case.baseline_frame, interval)
    words = rows_words(chart_interval(interval), language)
    # a bill's point is its mean day, but it is one bill
    point = rows_words(interval if is_long(interval) else "day", language)
    if "temperature" not in frame.columns:
        return ""
    used = frame[frame["used"].astype(bool) & frame["temperature"].notna() & frame["measured"].notna()]
    if len(used) < 3:
        return ""
    unit, factor = larger_unit(case.savings.unit, float(used["measured"].max()))
    canvas = Canvas(
        f"signature-{width}",
        width,
        300,
        say("chart_signature", language),
        say("chart_signature_desc", language, **point),
    )
    # weeks and months hold both kinds of days
    working = [True] * len(used) if is_long(interval) else _working(case, used)
    rest = [not flag for flag in working]
    entries = [("dots", say("legend_working", language)), ("base", say("legend_working_model", language))]
    if is_long(interval):
        entries = [
            ("dots", say("legend_rows", language, **point)),
            ("base", say("legend_rows_model", language)),
        ]
    if any(rest):
        entries.append(("dots2", say("legend_other", language)))
    below = legend(canvas, entries, 16)
    low, high = float(used["measured"].min()), float(used["measured"].max())
    if 0 < low < 0.45 * high:
        low = 0.0
    xticks = nice_ticks(float(used["temperature"].min()), float(used["temperature"].max()), 6)
    plot = Plot(
        canvas, top=below + 30, bottom=44, x=(xticks[0], xticks[-1]), language=language,
        y=nice_ticks(low / factor, high / factor),
    )  # fmt: skip
    plot.y_axis(say("axis_per", language, unit=unit_text(unit, language), **words))
    plot.number_axis(xticks, say("axis_temperature", language, **point))
    for part, cls in ((used[rest], "dots2"), (used[working], "dots")):
        canvas.path(
            dots(plot.points(part["temperature"].tolist(), (part["measured"] / factor).tolist())), cls
        )
    usual = used[working]
    least = 1 if is_long(interval) else 5
    curve = _curve(usual["temperature"].tolist(), (usual["model"] / factor).tolist(), least)
    canvas.path(polyline(plot.points(*curve)), "base")
    return canvas.svg()


def _working(case: SavingCase, frame: pd.DataFrame) -> list[bool]:
    """Which days are usual working days: the model's occupied weekdays without holidays."""
    import pandas as pd

    from analysis import day_types

    settings = case.baseline.settings
    groups, rest = settings.get("groups"), settings.get("rest_group")
    if isinstance(groups, list | tuple) and isinstance(rest, int):
        # of hourly models: groups of weekdays, one of them at rest; their "occupied" is by hours
        days = set(range(7)) - set(groups[rest])
    else:
        occupied = settings.get("occupied")
        days = set(occupied) if isinstance(occupied, list | tuple) and occupied else {0, 1, 2, 3, 4}
    kinds = day_types(pd.DatetimeIndex(frame.index), case.plan.holidays).tolist()
    return [
        stamp.weekday() in days and kind == "normal" for stamp, kind in zip(frame.index, kinds, strict=True)
    ]


def _curve(
    xs: Sequence[float], ys: Sequence[float], least: int, bins: int = 14
) -> tuple[list[float], list[float]]:
    """Means of y over equally filled bins of x: the model's course, whatever its other drivers did."""
    pairs = sorted((x, y) for x, y in zip(xs, ys, strict=True) if x == x and y == y)
    size = max(least, math.ceil(len(pairs) / bins))
    parts = [pairs[place : place + size] for place in range(0, len(pairs), size)]
    if len(parts) > 1 and len(parts[-1]) < size / 2:
        parts[-2:] = [parts[-2] + parts[-1]]
    return (
        [sum(x for x, _ in part) / len(part) for part in parts],
        [sum(y for _, y in part) / len(part) for part in parts],
    )


def before_after(case: SavingCase, language: Language, width: int = WIDE) -> str:
    """Adjusted baseline, measured and saving as bars; the ± as a whisker where the model speaks."""
    savings = case.savings
    unit, factor = larger_unit(savings.unit, savings.adjusted_baseline)
    half = savings.uncertainty.half_width / factor
    decimals = max(0, min(3, 1 - math.floor(math.log10(half)) if half > 0 else 0))
    words = {
        name: rounded_text(value / factor, decimals, language)
        for name, value in (
            ("base", savings.adjusted_baseline),
            ("measured", savings.measured),
            ("saving", savings.saving),
        )
    }
    half_words = rounded_text(half, decimals, language)
    unit_words = unit_text(unit, language)
    meter = meter_class_percent(case)
    meter_half = savings.measured / factor * meter / 100 if meter is not None else 0.0
    meter_words = f" ± {rounded_text(meter_half, decimals, language)}" if meter is not None else ""
    note = say("meter_unknown", language) if meter is None else say("meter_class", language)
    rows = [
        ("barbase", say("bar_adjusted", language), savings.adjusted_baseline / factor, half, f"{words['base']} ± {half_words} {unit_words}"),
        ("barmeasured", say("bar_measured", language), savings.measured / factor, meter_half, f"{words['measured']}{meter_words} {unit_words} ({note})"),
        ("barsaving", say("bar_saving", language), savings.saving / factor, half,
         f"{words['saving']} ± {half_words} {unit_words} ({percent_text(savings.fraction, language)})"),
    ]  # fmt: skip
    canvas = Canvas(
        f"bars-{width}", width, 52 * len(rows) + 44, say("chart_bars", language),
        say("chart_bars_desc", language, base=rows[0][4], measured=rows[1][4], saving=rows[2][4]),
    )  # fmt: skip
    ends = [end for _, _, value, spread, _ in rows for end in (value - spread, value + spread)]
    ticks = nice_ticks(min(0.0, *ends), max(0.0, *ends), 5 if width >= 600 else 4)
    left, right, bottom = 6.0, width - 24.0, 52.0 * len(rows) + 6

    def place(value: float) -> float:
        return left + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (right - left)

    digits = tick_digits(ticks)
    for tick in ticks:
        canvas.line(place(tick), 6, place(tick), bottom, "axis" if tick == 0 else "grid")
        anchor: Anchor = "start" if tick == ticks[0] else "middle"
        canvas.text(place(tick), bottom + 16, number_text(tick, digits, language), "note", anchor=anchor)
    canvas.text(width - 4, bottom + 33, unit_words, "note", anchor="end")
    for number, (cls, name, value, spread, text) in enumerate(rows):
        top = 52.0 * number + 8
        canvas.text(left + 2, top + 13, name)
        canvas.text(right, top + 13, text, bold=cls == "barsaving", anchor="end")
        x0, x1 = sorted((place(0.0), place(value)))
        canvas.rect(x0, top + 19, x1 - x0, 20, cls)
        if spread > 0:
            a, b, middle = place(value - spread), place(value + spread), top + 29
            canvas.path(
                f"M{short(a)} {short(middle - 6)}v12M{short(b)} {short(middle - 6)}v12"
                f"M{short(a)} {short(middle)}H{short(b)}",
                "whisker",
            )
    return canvas.svg()
