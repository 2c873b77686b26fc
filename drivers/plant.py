"""A simulated brewery for the demo: two years of 15-minute samples and live values with a known truth.

Nothing of it is measured. Weather, production and consumption are made by the few lines below, so
that the true saving of the measure is known and the whole chain can be held against it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers.simulator.electric import Load, readings

STEP_NS = 15 * 60 * SECOND_NS
STEPS_A_DAY = 96

POWER = Layout("main-power", ("power_w", "energy_import_kwh"))
WATER = Layout("main-water", ("flow_m3h", "volume_m3"))
FLUE = Layout("boiler1-flue", ("o2_pct", "co_ppm"))
BOILER = Layout("boiler1-temperatures", ("t_flue_c", "t_air_c"))
WEATHER = Layout("weather", ("temperature_c",))
OUTPUT = Layout("brewhouse", ("output_units",))
LAYOUTS = (POWER, WATER, FLUE, BOILER, WEATHER, OUTPUT)

_COOLING_W_PER_K = 9_500.0
_COOLING_FROM_C = 16.0
_MEASURE_ON_COOLING = 0.30  # the measure: floating condensing pressure and speed control
_MEASURE_ON_BASE_W = 6_000.0
_START_KWH = 4_812_345.0
_START_M3 = 96_210.0
FAULT_DAYS = 3


@dataclass(frozen=True)
class Periods:
    """Local dates, first and last day included."""

    baseline: tuple[dt.date, dt.date]
    blackout: tuple[dt.date, dt.date]
    reporting: tuple[dt.date, dt.date]

    @classmethod
    def ending(cls, last: dt.date) -> Periods:
        """Twelve months before and twelve after two weeks of works, up to and with `last`."""
        day = dt.timedelta(days=1)
        reporting_start = last - 364 * day
        blackout_start = reporting_start - 14 * day
        return cls(
            baseline=(blackout_start - 365 * day, blackout_start - day),
            blackout=(blackout_start, reporting_start - day),
            reporting=(reporting_start, last),
        )


class Plant:
    """The simulated brewery from the first baseline day to the last reporting day, and now."""

    def __init__(self, last: dt.date, *, zone: str = "Asia/Ho_Chi_Minh", seed: int = 2026) -> None:
        self.zone = zone
        self.periods = Periods.ending(last)
        self._first = self.periods.baseline[0]
        days = (last - self._first).days + 1
        random = np.random.default_rng(seed)
        start = dt.datetime.combine(self._first, dt.time(), ZoneInfo(zone))
        self.start_ns = int(start.timestamp()) * SECOND_NS
        steps = days * STEPS_A_DAY
        day = np.repeat(np.arange(days), STEPS_A_DAY)
        hour = np.tile(np.arange(STEPS_A_DAY) / 4.0, days)
        season = (
            2 * math.pi * (np.array([self._date(n).timetuple().tm_yday for n in range(days)]) - 196) / 365.25
        )

        # weather: northern Vietnam, warm in July, day-to-day swings with memory
        swing = _ar1(random, days, 0.75, 2.2)
        self.temperature_c = (24.0 + 6.5 * np.cos(season) + swing)[day] + 3.5 * np.sin(
            (hour - 9) * math.pi / 12
        )

        # production: two shifts, few hours on Sunday, none around Tết
        tet = np.array([self._date(n) in _tet_days(self._date(n).year) for n in range(days)])
        weekday = np.array([self._date(n).weekday() for n in range(days)])
        level = np.where(weekday == 6, 0.25, np.where(weekday == 5, 0.8, 1.0)) * (1 + 0.12 * np.cos(season))
        level = np.where(tet, 0.0, level * (1 + _ar1(random, days, 0.4, 0.08)))
        shift = ((hour >= 6) & (hour < 22)).astype(float)
        self.output_hl = np.round(
            np.maximum(level[day] * shift * (9.0 + random.normal(0, 0.5, steps)), 0.0), 2
        )

        # electricity, W: base, production, cooling; slow and fast noise
        running = np.where(tet, 0.55, 1.0)[day]
        cooling = np.maximum(self.temperature_c - _COOLING_FROM_C, 0.0) * _COOLING_W_PER_K * running
        base = 95_000.0 * running + 16_000.0 * ((hour < 6) | (hour >= 18))
        noise = 1 + _ar1(random, days, 0.35, 0.025)[day] + random.normal(0, 0.02, steps)
        without = (base + 11_000.0 * self.output_hl + cooling) * noise
        measure = np.arange(steps) >= (self.periods.reporting[0] - self._first).days * STEPS_A_DAY
        saved = (_MEASURE_ON_COOLING * cooling + _MEASURE_ON_BASE_W) * noise
        self.power_w = np.where(measure, without - saved, without)
        self._saved_kwh = np.where(measure, saved, 0.0) / 4_000.0
        self.energy_kwh = np.round(_START_KWH + np.cumsum(self.power_w) / 4_000.0, 2)

        self.flow_m3h = np.round(1.2 + 2.1 * self.output_hl * (1 + random.normal(0, 0.05, steps)), 3)
        self.volume_m3 = np.round(_START_M3 + np.cumsum(self.flow_m3h) / 4, 3)

        firing = np.where(self.output_hl > 0, 1.0, 0.35)
        self.o2_pct = np.round(7.6 - 1.1 * firing + random.normal(0, 0.15, steps), 2)
        self.co_ppm = np.round(45 + 20 * firing + random.normal(0, 6, steps))
        self.t_flue_c = np.round(172 + 46 * firing + random.normal(0, 2.0, steps), 1)

        # the fault: the power meter is dead for days in the reporting year, and says 0 kWh once when it is back
        fault_day = (self.periods.reporting[0] - self._first).days + 120
        self._fault = slice(fault_day * STEPS_A_DAY + 40, (fault_day + FAULT_DAYS) * STEPS_A_DAY + 40)

    def _date(self, number: int) -> dt.date:
        return self._first + dt.timedelta(days=number)

    def _steps(self, first: dt.date, last: dt.date) -> tuple[int, int]:
        return (
            (first - self._first).days * STEPS_A_DAY,
            ((last - self._first).days + 1) * STEPS_A_DAY,
        )

    def true_saving_kwh(self, days: set[dt.date] | None = None) -> float:
        """The saving that was really made in the reporting period, or on the days given."""
        begin, end = self._steps(*self.periods.reporting)
        daily = self._saved_kwh[begin:end].reshape(-1, STEPS_A_DAY).sum(axis=1)
        first = self.periods.reporting[0]
        return float(
            sum(kwh for n, kwh in enumerate(daily) if days is None or first + dt.timedelta(days=n) in days)
        )

    def batches(self, first: dt.date, last: dt.date) -> Iterator[list[Sample]]:
        """All instruments' samples from the first to the last local day, a week a batch."""
        begin, end = self._steps(first, last)
        for low in range(begin, end, 7 * STEPS_A_DAY):
            yield self._batch(low, min(low + 7 * STEPS_A_DAY, end))

    def _batch(self, low: int, high: int) -> list[Sample]:
        ends = [self.start_ns + (n + 1) * STEP_NS for n in range(low, high)]
        rows: list[Sample] = []
        for place, end_ns in enumerate(ends):
            step = low + place
            if not self._fault.start <= step < self._fault.stop:
                rows.append(self._power(step, end_ns))
            elif step == self._fault.start:
                flags = [Flag(name, Reason.NO_ANSWER) for name in POWER.channels]
                rows.append(POWER.sample(end_ns, {}, flags=flags, time_source=TimeSource.DEVICE))
        # (layout, how long each sample speaks for, its columns)
        plan: tuple[tuple[Layout, int, tuple[np.ndarray, ...]], ...] = (
            (WATER, 0, (self.flow_m3h, self.volume_m3)),
            (FLUE, 0, (self.o2_pct, self.co_ppm)),
            (BOILER, 0, (self.t_flue_c, self.temperature_c)),
            (WEATHER, STEP_NS, (self.temperature_c,)),
            (OUTPUT, STEP_NS, (self.output_hl,)),
        )
        for layout, span_ns, columns in plan:
            present = (1 << len(layout.channels)) - 1
            values = [column[low:high].tolist() for column in columns]
            rows.extend(
                Sample(
                    layout.instrument,
                    end_ns - span_ns // 2,
                    span_ns,
                    TimeSource.DEVICE,
                    layout.id,
                    row,
                    present,
                )
                for end_ns, row in zip(ends, zip(*values, strict=True), strict=True)
            )
        return rows

    def _power(self, step: int, end_ns: int) -> Sample:
        zero = step == self._fault.stop  # the reading just after the meter is back
        energy = 0.0 if zero else float(self.energy_kwh[step])
        values = (float(self.power_w[step]), energy)
        return Sample(POWER.instrument, end_ns, 0, TimeSource.DEVICE, POWER.id, values, 0b11)

    def events(self) -> list[Event]:
        """The meter's fault as the collector would have told it."""
        start = self.start_ns + self._fault.start * STEP_NS
        end = self.start_ns + (self._fault.stop + 1) * STEP_NS
        return [
            Event(start, EventKind.GAP, "no answer from the meter", "replay", POWER.instrument, end_ns=end),
        ]

    def live(self, clock: Clock) -> Mapping[str, Callable[[], Mapping[str, float]]]:
        """What each simulated instrument shows now: counters go on from where the two years ended."""
        begin_ns = clock.monotonic_ns()
        energy_from, volume_from = float(self.energy_kwh[-1]), float(self.volume_m3[-1])

        def seconds() -> float:
            return (clock.monotonic_ns() - begin_ns) / SECOND_NS

        def wave(period_s: float, phase: float = 0.0) -> float:
            return math.sin(2 * math.pi * seconds() / period_s + phase)

        def power() -> dict[str, float]:
            watts = 248_000.0 + 9_000.0 * wave(40) + 2_500.0 * wave(7)
            factor = 0.87 + 0.01 * wave(31)
            angle = math.degrees(math.acos(factor))
            one, two, three = (231.0 + 1.5 * wave(53, n) for n in (1, 2, 3))
            shares = [watts / 3 * (1 + 0.02 * wave(17, n)) / factor for n in (1, 2, 3)]
            load = Load(
                voltage_v=(one, two, three),
                current_a=(shares[0] / one, shares[1] / two, shares[2] / three),
                angle_deg=(angle, angle, angle),
                frequency_hz=50.0 + 0.02 * wave(11),
            )
            shown = readings(load)
            total = energy_from + 248.0 * seconds() / 3600
            for n in (1, 2, 3):
                shown |= {
                    f"voltage_thd_l{n}_pct": 2.1 + 0.1 * wave(47, n),
                    f"current_thd_l{n}_pct": 11.5 + 0.6 * wave(43, n),
                    f"energy_import_l{n}_kwh": total / 3,
                    f"energy_export_l{n}_kwh": 0.0,
                }
            return {
                **shown,
                "power_demand_w": 246_000.0,
                "power_demand_max_w": 291_000.0,
                "energy_import_kwh": total,
                "energy_export_kwh": 0.0,
                "energy_total_kwh": total,
                "apparent_energy_kvah": energy_from * 1.15 + 285.0 * seconds() / 3600,
                "reactive_import_kvarh": 1_204_000.0 + 140.0 * seconds() / 3600,
                "reactive_export_kvarh": 0.0,
            }

        def water() -> dict[str, float]:
            return {
                "flow_m3h": 19.4 + 1.8 * wave(27),
                "volume_m3": volume_from + 19.4 * seconds() / 3600,
                "signal_quality_pct": 88.0 + 3 * wave(19),
            }

        def gas() -> dict[str, float]:
            oxygen = 6.5 + 0.25 * wave(37) + 0.05 * wave(5)
            return {"o2_pct": oxygen, "co2_pct": 11.8 * (20.9 - oxygen) / 20.9, "co_ppm": 64 + 9 * wave(23)}

        def temperatures() -> dict[str, float]:
            return {"t_flue_c": 218.0 + 2.5 * wave(61), "t_air_c": 31.0 + 0.4 * wave(90)}

        return {"power": power, "water": water, "gas": gas, "temperatures": temperatures}


def _ar1(random: np.random.Generator, n: int, rho: float, sigma: float) -> np.ndarray:
    """A stationary AR(1) series with standard deviation sigma."""
    steps = random.normal(0, sigma * math.sqrt(1 - rho * rho), n)
    series = np.empty(n)
    series[0] = random.normal(0, sigma)
    for place in range(1, n):
        series[place] = rho * series[place - 1] + steps[place]
    return series


_TET: dict[int, frozenset[dt.date]] = {}


def _tet_days(year: int) -> frozenset[dt.date]:
    """The days around Tết on which the brewery stands still: the public holidays, two before, one after."""
    if year not in _TET:
        import holidays

        days = [
            day
            for day, name in holidays.country_holidays("VN", years=year, language="vi").items()
            if "Tết" in name
        ]
        # 1 January is "Tết Dương lịch"; the lunar one lies later
        lunar = sorted(day for day in days if (day.month, day.day) > (1, 2))
        wide = {day + dt.timedelta(days=shift) for day in lunar for shift in (-2, -1, 0, 1)}
        _TET[year] = frozenset(wide)
    return _TET[year]
