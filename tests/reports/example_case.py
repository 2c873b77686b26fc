"""A synthetic plant with a known saving of 9 %, run through the real analysis: a case to render."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis import Model, Savings, avoided_energy, day_types, fit_towt_daily, predict
from audit.records import Evidence, FrozenBaseline, Money, Option, Plan, SavingCase, VerifiedSaving
from dodac.clock import SECOND_NS, parse_time_ns

ZONE = "Asia/Ho_Chi_Minh"
TRUE_FRACTION = 0.09


def _ns(text: str) -> int:
    return parse_time_ns(text, ZONE)


def plant(start: str, end: str, factor: float, seed: int) -> pd.DataFrame:
    """Daily energy in kWh of a brewery-like plant over temperature and production."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(start, end, freq="D", tz=ZONE)
    day = index.day_of_year.to_numpy()
    temperature = 27.5 + 2.6 * np.sin((day - 95) / 365 * 2 * np.pi) + rng.normal(0, 0.9, len(index))
    kind = day_types(index, "VN")
    weekday = index.day_of_week.to_numpy()
    open_share = np.where(weekday == 6, 0.35, np.where(weekday == 5, 0.8, 1.0))
    open_share = np.where(np.asarray(kind) != "normal", 0.2, open_share)
    production = 180.0 * open_share * rng.normal(1, 0.06, len(index))
    noise = np.zeros(len(index))
    for place in range(1, len(index)):
        noise[place] = 0.4 * noise[place - 1] + rng.normal(0, 260)
    energy = 2100 + 42 * production + 190 * np.maximum(0, temperature - 25) * open_share + noise
    frame = pd.DataFrame(
        {"measured": energy * factor, "temperature": temperature, "production": production}, index=index
    )
    frame["day_type"] = kind
    frame["used"] = True
    return frame


def example_case(*, saved: float = TRUE_FRACTION, id: str = "sv-2026-001") -> SavingCase:
    """A complete case; `saved` is the true saved fraction."""
    base = plant("2024-06-01", "2025-05-31", 1.0, 3)
    report = plant("2025-07-01", "2026-06-30", 1 - saved, 4)
    for frame, lost in ((base, ("2024-10-08", "2024-10-12")), (report, ("2026-03-03", "2026-03-05"))):
        frame.loc[lost[0] : lost[1], "measured"] = np.nan
        frame.loc[lost[0] : lost[1], "used"] = False
    model = fit_towt_daily(
        base, energy="measured", temperature="temperature", drivers=("production",), day_type="day_type",
        unit="kWh",
    )  # fmt: skip
    assert isinstance(model, Model)
    savings = avoided_energy(model, report, confidence=0.9)
    assert isinstance(savings, Savings)
    base["model"] = predict(model, base)
    base = base.drop(columns="day_type")
    half = savings.uncertainty.half_width
    price = Money(1_950.0, "VND", "2026-06-01")
    plan = Plan(
        id="plan-001", option="opt-001", ipmvp_option="C",
        boundary_en="Whole brewery, main incomer TR1", boundary_vi="Toàn nhà máy bia, lộ tổng TR1",
        energy=("main-power", "energy_interval_kwh"),
        drivers={"temperature": ("weather", "temperature_c"), "production": ("brewhouse", "output_units")},
        model="towt-daily", holidays="VN", zone=ZONE, baseline=("2024-06-01", "2025-05-31"),
        blackout=("2025-06-01", "2025-06-30"), reporting=("2025-07-01", "2026-06-30"), confidence=0.9, price=price,
        exclude=(("2026-03-03", "2026-03-05", "Thay máy biến dòng / CT replaced"),),
        registered_ns=_ns("2025-05-20T09:00:00"),
    )  # fmt: skip
    frozen = FrozenBaseline(
        id="bl-001", plan=plan.id, frozen_ns=_ns("2025-06-10T10:30:00"), data_digest=_digest("base"),
        kind=model.kind, unit=model.unit, terms=model.terms,
        coefficients=tuple(float(c) for c in model.coefficients),
        covariance=tuple(tuple(float(c) for c in row) for row in model.covariance),
        statistics=model.statistics, settings=model.settings, start=model.start, end=model.end,
        findings=model.findings, version="0.1.0",
    )  # fmt: skip
    verified = VerifiedSaving(
        id=id, plan=plan.id, baseline=frozen.id, verified_ns=_ns("2026-07-03T08:00:00"), start=savings.start,
        end=savings.end, unit="kWh", adjusted_baseline=savings.adjusted_baseline, measured=savings.measured,
        saving=savings.saving, half_width=half, confidence=0.9, method=savings.uncertainty.method,
        intervals=savings.intervals, excluded=savings.excluded, findings=savings.findings,
        evidence=(
            Evidence("main-power", "energy_interval_kwh", 69_888, 12, report.index[0].value,
                     report.index[-1].value + 86_400 * SECOND_NS, _digest("power")),
            Evidence("weather", "temperature_c", 70_080, 0, report.index[0].value,
                     report.index[-1].value + 86_400 * SECOND_NS, _digest("weather")),
            Evidence("brewhouse", "output_units", 730, 0, report.index[0].value,
                     report.index[-1].value + 86_400 * SECOND_NS, _digest("brew")),
        ),
        money=Money(savings.saving * price.amount, "VND", price.price_date),
        money_half_width=half * price.amount, data_digest=_digest("report"),
    )  # fmt: skip
    option = Option(
        id="opt-001", name_en="Variable-speed drives on the refrigeration compressors",
        name_vi="Lắp biến tần cho máy nén lạnh", company="bia-sai-gon", site="cu-chi", asset="refrigeration",
        status="implemented", description_en="Three 90 kW screw compressors get variable-speed drives.",
        description_vi="Lắp biến tần cho ba máy nén trục vít 90 kW.",
        investment=Money(1_850_000_000.0, "VND", "2025-05-01"), registered_ns=_ns("2025-05-12T08:00:00"),
    )  # fmt: skip
    return SavingCase(
        option=option, plan=plan, baseline=frozen, verified=verified, savings=savings, baseline_frame=base,
        instruments={
            "main-power": {"profile": "eastron.sdm630", "serial_number": "17110042", "accuracy_class": "1",
                           "ct_ratio": "400/5", "calibration_date": "2026-03-02", "calibration_due": "2027-03-02",
                           "calibration_laboratory": "QUATEST 3", "calibration_certificate": "KT3-0123"},
            "weather": {"measurement": "ambient", "serial_number": "TH-77"},
            "brewhouse": {"measurement": "production"},
        },
        gaps=(("2024-10-08", "2024-10-12", "main-power: no_answer"), ("2026-03-03", "2026-03-05", "main-power: no_answer")),
    )  # fmt: skip


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def statistics_row(case: SavingCase) -> dict[str, float]:
    """The fit statistics as a plain dict."""
    return asdict(case.baseline.statistics)
