"""A real site folder with journal and register: the synthetic plant through store and audit."""

from __future__ import annotations

from pathlib import Path

from audit import Money, Option, Plan, Register, VerifiedSaving
from dodac.clock import DAY_NS, SECOND_NS, ManualClock, parse_time_ns
from dodac.samples import Layout
from dodac.site import Site, load_site
from store import Journal, JournalStore

ZONE = "Asia/Ho_Chi_Minh"
SITE_TOML = """
[site]
id = "cu-chi"
company = "bia-sai-gon"
name = "Nhà máy bia Củ Chi"

[connections.bus1]
kind = "serial"
port = "/dev/null"

[[instruments]]
id = "main-power"
name = "Công tơ tổng TR1"
asset = "plant"
measurement = "electricity"
serial_number = "17110042"
accuracy_class = "1"

[[instruments]]
id = "weather"
measurement = "ambient"

[[instruments]]
id = "brewhouse"
measurement = "production"

[[instruments]]
id = "boiler1-flue"
asset = "boiler1"
profile = "servomex.4100"
connection = "bus1"
every = "2s"
"""


def _clock(day: str) -> ManualClock:
    return ManualClock(parse_time_ns(day, ZONE))


def make_site(folder: Path, plant) -> tuple[Site, VerifiedSaving]:  # type: ignore[no-untyped-def]
    """Writes site file, journal and register into a folder; `plant` is example_case.plant."""
    (folder / "site.toml").write_text(SITE_TOML, encoding="utf-8")
    site = load_site(folder / "site.toml")
    site.journal_path.parent.mkdir(parents=True)
    layouts = {
        "measured": Layout("main-power", ("energy_interval_kwh",)),
        "temperature": Layout("weather", ("temperature_c",)),
        "production": Layout("brewhouse", ("output_units",)),
    }
    with Journal.open(site.journal_path) as journal:
        for layout in layouts.values():
            journal.layout(layout)
        journal.set_facts("main-power", {"serial_number": "17110042", "accuracy_class": "1"})
        items = []
        for start, end, factor, seed in (
            ("2024-06-01", "2025-05-31", 1.0, 3),
            ("2025-07-01", "2026-06-30", 0.91, 4),
        ):
            frame = plant(start, end, factor, seed)
            for stamp, row in zip(frame.index, frame.to_dict("records"), strict=True):
                middle = int(stamp.timestamp()) * SECOND_NS + DAY_NS // 2
                for name, layout in layouts.items():
                    values = {layout.channels[0]: float(row[name])}
                    items.append(("file", layout.sample(middle, values, span_ns=DAY_NS)))
        journal.commit(items)
    option = Option(
        id="vsd", name_en="Variable-speed drives", name_vi="Lắp biến tần", company="bia-sai-gon", site="cu-chi",
        asset="refrigeration", status="implemented", investment=Money(1.85e9, "VND", "2025-05-01"),
    )  # fmt: skip
    plan = Plan(
        id="vsd-plan", option="vsd", ipmvp_option="C", boundary_en="Whole plant", boundary_vi="Toàn nhà máy",
        energy=("main-power", "energy_interval_kwh"),
        drivers={"temperature": ("weather", "temperature_c"), "production": ("brewhouse", "output_units")},
        model="towt-daily", holidays="VN", zone=ZONE, baseline=("2024-06-01", "2025-05-31"),
        blackout=("2025-06-01", "2025-06-30"), reporting=("2025-07-01", "2026-06-30"), confidence=0.9,
        price=Money(1950.0, "VND", "2026-06-01"),
        exclude=(("2026-03-03", "2026-03-05", "CT replaced"),),
    )  # fmt: skip
    store = JournalStore(site.journal_path)
    Register(site.register_path, _clock("2025-05-12")).add_option(option)
    Register(site.register_path, _clock("2025-05-20")).add_plan(plan)
    Register(site.register_path, _clock("2025-06-10")).freeze_baseline(plan.id, store)
    verified = Register(site.register_path, _clock("2026-07-03")).verify(plan.id, store)
    store.close()
    assert isinstance(verified, VerifiedSaving), verified
    return site, verified
