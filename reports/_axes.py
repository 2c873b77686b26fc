"""Axes and legends that the charts share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from dodac.words import Language, number_text
from reports._svg import Canvas, dots, month_starts, tick_digits
from reports.figures import day_number
from reports.formats import month_label

WIDE: Final = 760
NARROW: Final = 400
EPOCH: Final = date(1970, 1, 1)


class Plot:
    """A plot area with a linear y axis: puts numbers to places."""

    def __init__(
        self,
        canvas: Canvas,
        *,
        top: float,
        bottom: float,
        x: tuple[float, float],
        y: Sequence[float],
        language: Language,
    ) -> None:
        self.canvas = canvas
        self.language = language
        digits = tick_digits(y)
        self._labels = [number_text(tick, digits, language) for tick in y]
        self.left = 10 + max(canvas.text_width(label) for label in self._labels)
        self.right = canvas.width - 10
        self.top, self.bottom = top, canvas.height - bottom
        self._x, self._ticks = x, y

    def x(self, value: float) -> float:
        low, high = self._x
        return self.left + (value - low) / (high - low or 1) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self._ticks[0], self._ticks[-1]
        return self.bottom - (value - low) / (high - low or 1) * (self.bottom - self.top)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
        return [(self.x(a), self.y(b)) for a, b in zip(xs, ys, strict=True)]

    def y_axis(self, words: str) -> None:
        """Grid lines, labels, and the unit above the axis."""
        for tick, label in zip(self._ticks, self._labels, strict=True):
            place = self.y(tick)
            cls = "axis" if tick == 0 or tick == self._ticks[0] else "grid"
            self.canvas.line(self.left, place, self.right, place, cls)
            self.canvas.text(self.left - 6, place + 4, label, "note", anchor="end")
        self.canvas.text(4, self.top - 10, words, "note")

    def month_axis(self, first: float, last: float) -> None:
        """Months below, with the year where it changes."""
        start, end = EPOCH + timedelta(days=first), EPOCH + timedelta(days=last)
        span = max(1.0, last - first)
        room = (self.right - self.left) / (span / 30.4)  # width of one month
        every = next((n for n in (1, 2, 3, 6, 12) if room * n >= 34), 12)
        year = 0
        for day in month_starts(start, end, every):
            place = self.x(day_number(day))
            self.canvas.line(place, self.bottom, place, self.bottom + 4, "axis")
            if place > self.right - 8:
                continue
            self.canvas.text(
                place, self.bottom + 17, month_label(day.month, self.language), "note", anchor="middle"
            )
            if day.year != year:
                year = day.year
                self.canvas.text(place, self.bottom + 32, str(year), "note", anchor="middle")

    def number_axis(self, ticks: Sequence[float], words: str) -> None:
        digits = tick_digits(ticks)
        for tick in ticks:
            place = self.x(tick)
            self.canvas.line(place, self.bottom, place, self.bottom + 4, "axis")
            self.canvas.text(
                place, self.bottom + 17, number_text(tick, digits, self.language), "note", anchor="middle"
            )
        self.canvas.text(self.right, self.bottom + 34, words, "note", anchor="end")


def legend(canvas: Canvas, entries: Sequence[tuple[str, str]], top: float) -> float:
    """Line samples with words, wrapped to the width; gives the y below it."""
    x, y = 4.0, top
    for cls, words in entries:
        width = 26 + canvas.text_width(words) + 12
        if x > 4 and x + width > canvas.width:
            x, y = 4.0, y + 18
        if cls in ("band", "work", "zone"):
            canvas.rect(x, y - 9, 18, 10, cls)
        elif cls.startswith("dots") or cls == "faint":
            canvas.path(dots([(x + 5, y - 4), (x + 14, y - 4)]), cls)
        elif cls == "gap":
            canvas.line(x, y - 4, x + 18, y - 4, "gapline")
        else:
            canvas.line(x, y - 4, x + 18, y - 4, cls)
        canvas.text(x + 24, y, words)
        x += width
    return y
