"""The accuracy of a plan's energy meter: plates as the plan states them, and what they do to a saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dodac.errors import ConfigError

if TYPE_CHECKING:
    from analysis import Refusal
    from analysis.metrology.chain import Chain
    from analysis.results import Finding, InstrumentPart
    from audit.records import Metering


def instruments_of(
    metering: Metering | None, meter: str
) -> tuple[tuple[InstrumentPart, ...], tuple[Finding, ...]]:
    """What meter and transformers do to the saving, both periods measured by the same ones; and what to know.

    meter: id of the instrument. Raises ConfigError for a class that is not known, or a load that the class
    does not cover.
    """
    if metering is None:
        return (), ()
    from analysis import Refusal
    from analysis.metrology import ElectricityMeter, LoadPoint, Transformer, instrument_parts, meter_chain

    def chain_with(ct_class: str) -> Chain | Refusal:
        return meter_chain(
            ElectricityMeter(meter, metering.meter_class, "ct" if ct_class else "direct"),
            ct=Transformer(f"{meter}/ct", ct_class) if ct_class else None,
            vt=Transformer(f"{meter}/vt", metering.vt_class) if metering.vt_class else None,
            profile=[LoadPoint(metering.load, metering.power_factor)],
        )

    chain = chain_with(metering.ct_class)
    if isinstance(chain, Refusal) and not metering.ct_class and not isinstance(chain_with("0.5"), Refusal):
        raise ConfigError(
            f'metering: class "{metering.meter_class}" is of meters behind current transformers.',
            todo="Name the transformers' class too: ct_class, or --ct-class.",
        )
    if isinstance(chain, Refusal):
        raise ConfigError(f"metering: {chain.en}", todo="Correct class, load or power factor.")
    return instrument_parts(chain, chain), chain.findings
