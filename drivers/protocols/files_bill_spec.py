"""What is asked of a file of bills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from dodac.errors import ConfigError, Where
from dodac.quantities import Kind, channel
from dodac.units import conversion
from drivers.protocols.files_bill_dates import Bounds
from drivers.protocols.files_bill_rows import ENERGY
from drivers.protocols.files_spec import MISSING


@dataclass(frozen=True, slots=True)
class BillSpec:
    """How a file of bills is to be read; what is None is found from the file and said.

    columns: (column, canonical channel of kind interval, unit or None). Dates: from_column and
    to_column; or read_column (each bill speaks for the time since the reading before it; first_from: the
    day of the reading before the first); or month_column (calendar months); or delivered_column (an
    amount that came on that day). bounds: "inclusive" when the last day belongs to the period, "shared"
    when it is the first day of the next. old, new, factor: registers of the meter; without a column of
    energy or volume, (new − old) · factor is the amount. currency: of the cost, a text such as "VND".
    tariff_column: says which hours a row speaks for (BT, CĐ, TĐ), where
    each has its own row. where: (column, text): only rows that have it.
    """

    instrument: str
    columns: tuple[tuple[str, str, str | None], ...] = ()
    zone: str = "Asia/Ho_Chi_Minh"
    from_column: str | None = None
    to_column: str | None = None
    read_column: str | None = None
    month_column: str | None = None
    delivered_column: str | None = None
    bounds: Bounds | None = None
    first_from: str | None = None
    old_column: str | None = None
    new_column: str | None = None
    factor_column: str | None = None
    register: str = ENERGY
    cost_column: str | None = None
    currency: str | None = None
    estimated_column: str | None = None
    tariff_column: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    sheet: str | None = None
    missing: tuple[str, ...] = MISSING


def checked_columns(spec: BillSpec) -> list[str]:
    """All columns asked for beside the dates. Raises ConfigError."""
    seen: set[str] = set()
    for _, target, unit in spec.columns:
        place = Where(instrument=spec.instrument, channel=target)
        try:
            found = channel(target)
            conversion(unit or found.unit, found.unit)
        except ValueError as error:
            raise ConfigError(str(error), place) from None
        if found.kind is not Kind.INTERVAL:
            raise ConfigError(
                "a bill is an amount of a period; this channel is none.", place, f'Use e.g. "{ENERGY}".'
            )
        if target in seen:
            raise ConfigError("two columns are mapped to this channel.", place)
        seen.add(target)
    if bool(spec.old_column) != bool(spec.new_column):
        raise ConfigError("a register needs both its readings.", todo="Give --old and --new.")
    if not spec.columns and not spec.old_column:
        raise ConfigError(
            "no column is mapped to a channel.", todo="Map at least one: --column NAME=CHANNEL."
        )
    try:
        ZoneInfo(spec.zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{spec.zone}" is not a time zone.') from None
    extra = (
        spec.old_column, spec.new_column, spec.factor_column, spec.cost_column, spec.estimated_column, spec.tariff_column,
        *(name for name, _ in spec.where),
    )  # fmt: skip
    return list(dict.fromkeys([*(name for name, _, _ in spec.columns), *(name for name in extra if name)]))


def date_columns(spec: BillSpec) -> tuple[str, ...]:
    single = [c for c in (spec.read_column, spec.month_column, spec.delivered_column) if c]
    both = [c for c in (spec.from_column, spec.to_column) if c]
    if len(single) + bool(both) != 1 or len(both) == 1:
        raise ConfigError(
            "it is not clear which days the bills speak for.",
            todo="Give --from and --to, or --read (date of reading), or --month, or --delivered.",
        )
    return tuple(single or both)


def number_columns(spec: BillSpec) -> list[str]:
    more = (spec.old_column, spec.new_column, spec.factor_column, spec.cost_column)
    return [*(name for name, _, _ in spec.columns), *(name for name in more if name)]


def roles_text(spec: BillSpec) -> str:
    """Which columns dates, registers and money are read from."""
    roles = (
        ("from", spec.from_column), ("to", spec.to_column), ("day of reading", spec.read_column),
        ("month", spec.month_column), ("delivered", spec.delivered_column), ("old reading", spec.old_column),
        ("new reading", spec.new_column), ("factor", spec.factor_column), ("cost", spec.cost_column),
        ("estimated", spec.estimated_column), ("hours", spec.tariff_column),
    )  # fmt: skip
    return "; ".join(f'{role}: "{name}"' for role, name in roles if name)
