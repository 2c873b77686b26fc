"""A small SVG canvas: classes with paint attributes, nice ticks, paths with short numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from typing import Final, Literal

Anchor = Literal["start", "middle", "end"]

FONT: Final = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',Arial,sans-serif"

# The paint of each class as presentation attributes: the figure stands alone, and a page's
# style sheet (charts.css) overrides it for dark screens.
PAINT: Final[dict[str, str]] = {
    "text": 'fill="#1d2a33"',
    "note": 'fill="#5b6b77"',
    "grid": 'stroke="#e4e9ed" stroke-width="1"',
    "axis": 'stroke="#9aa7b1" stroke-width="1"',
    "zone": 'fill="#f2f5f7"',
    "work": 'fill="#e3e1dc"',
    "faint": 'fill="none" stroke="#0b7285" stroke-opacity=".3" stroke-width="2.2" stroke-linecap="round"',
    "measured": 'fill="none" stroke="#0b7285" stroke-width="2" stroke-linejoin="round"',
    "base": 'fill="none" stroke="#c2571a" stroke-width="1.8" stroke-linejoin="round"',
    "model": 'fill="none" stroke="#c2571a" stroke-width="1.2" stroke-dasharray="4 3"',
    "saving": 'fill="none" stroke="#2b7a3d" stroke-width="2" stroke-linejoin="round"',
    "band": 'fill="#2b7a3d" fill-opacity=".16"',
    "gap": 'fill="#b3261e"',
    "gapline": 'stroke="#b3261e" stroke-width="3"',
    "tet": 'fill="#8a5a00"',
    "tetbar": 'fill="#d9a441"',
    "dots": 'fill="none" stroke="#0b7285" stroke-opacity=".55" stroke-width="4" stroke-linecap="round"',
    "dots2": 'fill="none" stroke="#8a6d00" stroke-opacity=".6" stroke-width="4" stroke-linecap="round"',
    "barbase": 'fill="#e2b391"',
    "barmeasured": 'fill="#7db7c1"',
    "barsaving": 'fill="#9cc7a5"',
    "whisker": 'fill="none" stroke="#1d2a33" stroke-width="1.5"',
}


def short(value: float) -> str:
    """A coordinate with one decimal at most, without a trailing zero."""
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")


class Canvas:
    """Collects elements and gives one accessible `<svg>` text."""

    def __init__(
        self, ident: str, width: float, height: float, title: str, description: str, size: float = 12.5
    ) -> None:
        self.ident, self.width, self.height, self.size = ident, width, height, size
        self._title, self._description = title, description
        self._parts: list[str] = []

    def _add(self, tag: str, cls: str, attributes: str, inner: str = "") -> None:
        end = f">{inner}</{tag}>" if inner else "/>"
        self._parts.append(f'<{tag} class="c-{cls}" {PAINT[cls]} {attributes}{end}')

    def line(self, x1: float, y1: float, x2: float, y2: float, cls: str) -> None:
        self._add("path", cls, f'd="M{short(x1)} {short(y1)}L{short(x2)} {short(y2)}"')

    def path(self, d: str, cls: str) -> None:
        """A path; nothing when it is empty."""
        if d:
            self._add("path", cls, f'd="{d}"')

    def rect(self, x: float, y: float, width: float, height: float, cls: str, hint: str = "") -> None:
        inner = f"<title>{escape(hint)}</title>" if hint else ""
        self._add(
            "rect",
            cls,
            f'x="{short(x)}" y="{short(y)}" width="{short(max(0, width))}" height="{short(max(0, height))}"',
            inner,
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        cls: str = "text",
        *,
        anchor: Anchor = "start",
        scale: float = 1,
        bold: bool = False,
    ) -> None:
        extra = "" if anchor == "start" else f' text-anchor="{anchor}"'
        extra += "" if scale == 1 else f' font-size="{short(self.size * scale)}"'
        extra += ' font-weight="600"' if bold else ""
        self._add("text", cls, f'x="{short(x)}" y="{short(y)}"{extra}', escape(words))

    def text_width(self, words: str, scale: float = 1) -> float:
        """A careful guess of a text's width in the figure's units."""
        return len(words) * self.size * scale * 0.56

    def svg(self) -> str:
        """The whole figure."""
        return (
            f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 0 {short(self.width)} {short(self.height)}" '
            f'aria-labelledby="{self.ident}-t {self.ident}-d" font-family="{FONT}" '
            f'font-size="{short(self.size)}"><title id="{self.ident}-t">{escape(self._title)}</title>'
            f'<desc id="{self.ident}-d">{escape(self._description)}</desc>{"".join(self._parts)}</svg>'
        )


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Path data through points; a NaN lifts the pen. Relative steps keep it short."""
    parts: list[str] = []
    pen: tuple[int, int] | None = None
    for x, y in points:
        if math.isnan(x) or math.isnan(y):
            pen = None
            continue
        spot = (round(x * 10), round(y * 10))
        if pen is None:
            parts.append(f"M{short(spot[0] / 10)} {short(spot[1] / 10)}")
        else:
            dx, dy = short((spot[0] - pen[0]) / 10), short((spot[1] - pen[1]) / 10)
            parts.append(f"l{dx}{dy}" if dy.startswith("-") else f"l{dx} {dy}")
        pen = spot
    return "".join(parts)


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Path data of one round dot a point (stroke-linecap round)."""
    return "".join(f"M{short(x)} {short(y)}h0" for x, y in points if not (math.isnan(x) or math.isnan(y)))


def ribbon(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Path data of closed areas between two lines over the same x; a NaN in either parts them."""
    areas: list[str] = []
    top: list[tuple[float, float]] = []
    bottom: list[tuple[float, float]] = []

    def close() -> None:
        if len(top) > 1:
            areas.append(polyline([*top, *reversed(bottom)]) + "z")
        top.clear()
        bottom.clear()

    for high, low in zip(upper, lower, strict=True):
        if any(math.isnan(number) for number in (*high, *low)):
            close()
        else:
            top.append(high)
            bottom.append(low)
    close()
    return "".join(areas)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5, 5 · 10ᵏ) that enclose [low, high]."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return [0.0, 1.0]
    if high <= low:
        low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def tick_digits(ticks: Sequence[float]) -> int:
    """Decimals that tell neighbouring ticks apart."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    for digits in range(4):
        if abs(step - round(step, digits)) < step * 1e-6:
            return digits
    return 4


def month_starts(first: date, last: date, every: int) -> list[date]:
    """Firsts of every n-th month (counted from January) inside [first, last]."""
    found: list[date] = []
    year, month = first.year, first.month
    while date(year, month, 1) <= last:
        if date(year, month, 1) >= first and (month - 1) % every == 0:
            found.append(date(year, month, 1))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
