"""The demo's saving: plan, twelve months, frozen baseline, twelve months, verified saving; in that order."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from typing import TYPE_CHECKING

from analysis import Refusal
from audit import Money, Option, Plan, Register, SavingCase
from dodac.clock import SECOND_NS, ManualClock, SystemClock
from dodac.errors import DataError
from dodac.words import number_text
from drivers.plant import LAYOUTS
from store import JournalStore

if TYPE_CHECKING:
    from collector import Collector
    from drivers.plant import Plant

OPTION = "refrigeration-control"
PLAN = "refrigeration-control-mv"


class StoppedError(Exception):
    """The user asked to end."""


class Teller:
    """Progress for people: seconds since the start, on stderr."""

    def __init__(self, stop: threading.Event) -> None:
        self._begin = time.monotonic()
        self._stop = stop
        self._tty = sys.stderr.isatty()

    def seconds(self) -> float:
        """Since the program started telling."""
        return time.monotonic() - self._begin

    def check(self) -> None:
        """Raises StoppedError once the user asked to end."""
        if self._stop.is_set():
            raise StoppedError

    def say(self, text: str) -> None:
        """One line with its time."""
        sys.stderr.write(f"[{self.seconds():5.1f} s] {text}\n")
        sys.stderr.flush()

    def progress(self, text: str, share: float) -> None:
        """A line that grows on a terminal, and is written once elsewhere."""
        if self._tty:
            end = "\n" if share >= 1 else ""
            sys.stderr.write(f"\r[{self.seconds():5.1f} s] {text} {share:4.0%}{end}")
            sys.stderr.flush()
        elif share >= 1:
            self.say(f"{text}: done")


def save_and_verify(collector: Collector, plant: Plant, tell: Teller) -> SavingCase:
    """Replays the plant's two years through the collector and takes them to a verified saving."""
    site, periods = collector.site, plant.periods
    for layout in LAYOUTS:
        collector.inbox.layout(layout)
    # the register's clock stands where the replayed plant stands, so that plan and baseline come first
    clock = ManualClock(plant.start_ns)
    register = Register(site.register_path, clock)
    _register_plan(register, collector, plant)
    tell.say("plan registered (before the measure, as IPMVP asks)")
    _replay(collector, plant, *periods.baseline, "twelve months before the measure", tell)
    store = JournalStore(site.journal_path)
    clock.advance(_seconds(periods.blackout[0] - periods.baseline[0]))
    frozen = register.freeze_baseline(PLAN, store)
    if isinstance(frozen, Refusal):
        raise DataError(f"the baseline was refused: {frozen.en}")
    statistics = frozen.statistics
    tell.say(
        f"baseline frozen: R² {statistics.r2:.3f}, CV(RMSE) {statistics.cv_rmse:.1%}, {statistics.n} days"
    )
    for event in plant.events():
        collector.inbox.event(event)
    _replay(collector, plant, *periods.blackout, "two weeks of works", tell)
    _replay(collector, plant, *periods.reporting, "twelve months after the measure", tell)
    clock.advance(_seconds(periods.reporting[1] - periods.blackout[0]) + 86_400)
    verified = register.verify(PLAN, store)
    if isinstance(verified, Refusal):
        raise DataError(f"the saving was refused: {verified.en}")
    case = register.case(verified.id, store, store.facts())
    _tell_saving(case, plant, tell)
    return case


def _seconds(span: dt.timedelta) -> float:
    return span.total_seconds()


def _replay(
    collector: Collector, plant: Plant, first: dt.date, last: dt.date, text: str, tell: Teller
) -> None:
    """Sends the samples of some days through the collector's inbox and waits for their commit."""
    days = (last - first).days + 1
    sent = 0
    written = threading.Event()
    for batch in plant.batches(first, last):
        tell.check()
        sent += 7
        collector.inbox.samples(batch, source="replay")
        tell.progress(text, min(sent / days, 0.99))
    collector.inbox.samples([], source="replay", done=written.set)
    while not written.wait(0.05):
        tell.check()
    tell.progress(text, 1.0)


def _register_plan(register: Register, collector: Collector, plant: Plant) -> None:
    site, periods = collector.site.site, plant.periods
    register.add_option(
        Option(
            id=OPTION,
            name_en="Floating condensing pressure and speed control of the refrigeration plant",
            name_vi="Hạ áp suất ngưng tụ theo thời tiết và biến tần cho hệ thống lạnh",
            company=site.company,
            site=site.id,
            asset="refrigeration",
            status="implemented",
            description_en="Simulated measure of the demo: its true saving is known.",
            description_vi="Giải pháp mô phỏng trong bản trình diễn: mức tiết kiệm thật được biết trước.",
            investment=Money(1_450_000_000, "VND", periods.reporting[0].isoformat()),
        )
    )
    register.add_plan(
        Plan(
            id=PLAN,
            option=OPTION,
            ipmvp_option="C",
            boundary_en="Electricity of the whole site, main meter",
            boundary_vi="Điện toàn nhà máy, công tơ tổng",
            energy=("main-power", "energy_import_kwh"),
            drivers={
                "temperature": ("weather", "temperature_c"),
                "output": ("brewhouse", "output_units"),
            },
            model="towt-daily",
            holidays="VN",
            zone=site.timezone,
            baseline=_dates(periods.baseline),
            blackout=_dates(periods.blackout),
            reporting=_dates(periods.reporting),
            confidence=0.90,
            # 6 to below 22 kV, normal hours, without VAT: decision 1279/QĐ-BCT of 9 May 2025
            price=Money(1_899.0, "VND", "2025-05-10"),
        )
    )


def _tell_saving(case: SavingCase, plant: Plant, tell: Teller) -> None:
    saving = case.verified
    used = {stamp.date() for stamp in case.savings.frame.index[case.savings.frame["used"]]}
    truth = plant.true_saving_kwh(used)
    inside = abs(truth - saving.saving) <= saving.half_width
    tell.say(
        f"saving verified: {number_text(saving.saving)} ± {number_text(saving.half_width)} {saving.unit} "
        f"({saving.saving / saving.adjusted_baseline:.1%}, {saving.confidence:.0%} confidence, "
        f"{saving.intervals} days used, {saving.excluded} left out)"
    )
    tell.say(
        f"the simulation's true saving on these days: {number_text(truth)} kWh, "
        f"{'inside' if inside else 'OUTSIDE'} the interval"
    )


def tell_combustion(collector: Collector, tell: Teller) -> None:
    """What the flue-gas analyser shows on the spot: the loss now, and what tuning could save."""
    from analysis import FlueGas, siegert
    from analysis.combustion import fuel_saving_fraction

    store = JournalStore(collector.site.journal_path)
    now_ns = SystemClock().now_ns()
    recent_ns = now_ns - 3600 * SECOND_NS
    gas = store.series("boiler1-flue", ["o2_pct"], recent_ns, now_ns)
    heat = store.series("boiler1-temperatures", ["t_flue_c", "t_air_c"], recent_ns, now_ns)
    if gas.empty or heat.empty:
        tell.say("boiler 1: no flue-gas readings yet, so no combustion result")
        return
    oxygen, flue, air = (
        float(gas["o2_pct"].mean()),
        float(heat["t_flue_c"].mean()),
        float(heat["t_air_c"].mean()),
    )
    now, tuned = (siegert(FlueGas(o2, flue, air), "natural_gas") for o2 in (oxygen, 3.0))
    if isinstance(now, Refusal) or isinstance(tuned, Refusal):
        return
    less = fuel_saving_fraction(now.efficiency, tuned.efficiency)
    if isinstance(less, Refusal):
        return
    tell.say(
        f"boiler 1, live: O₂ {oxygen:.1f} %, flue gas {flue:.0f} °C: loss {now.q_a_pct:.1f} % (Siegert, natural gas); "
        f"at 3 % O₂ it would burn {less:.1%} less"
    )


def _dates(period: tuple[dt.date, dt.date]) -> tuple[str, str]:
    return period[0].isoformat(), period[1].isoformat()
