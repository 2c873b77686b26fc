"""benefits: what options saved, in energy, material, emissions and money, with dated factors and evidence."""

from analysis.benefits.appraisals import Appraisal, Discount, appraise, together
from analysis.benefits.choices import Factor, Factors, PlantFuel
from analysis.benefits.exchange import ExchangeRate, Price, at_prices_of, converted, money_sum, priced
from analysis.benefits.factors import air_factor, carbon_factor, grid_factor, toe_factor
from analysis.benefits.figures import EVIDENCE_VI, Cell, EvidenceClass, Figure, Part, Total, total
from analysis.benefits.finance import (
    discounted_payback_months,
    internal_rate_pct,
    net_present_value,
    real_rate_pct,
    simple_payback_months,
)
from analysis.benefits.indicators import (
    Comparison,
    IndicatorDefinition,
    IndicatorValue,
    Ratio,
    SpecificConsumption,
    compare,
    implied_ratio,
    per_person,
    restate,
    specific,
)
from analysis.benefits.norms import Norm, NormComparison, against, norm, norms_of
from analysis.benefits.recp import PlantYear, RecpIndicator, recp
from analysis.benefits.reported import (
    Combination,
    Explanation,
    explain_reported,
    implied_per_unit,
    implied_sulphur_pct,
)
from analysis.benefits.resources import COLUMNS, EMISSIONS, RESOURCES, Amount, Column, amount
from analysis.benefits.shown import record, table_lines
from analysis.benefits.sums import in_currency, summed
from analysis.benefits.table import BenefitRow, OptionResult, benefits
from analysis.benefits.targets import (
    Target,
    TargetResult,
    check_target,
    key_energy_user,
    reduction_class,
    target,
)
from analysis.benefits.told import explained_lines, factor_lines, told
from dodac.money import Money

__all__ = [
    "COLUMNS",
    "EMISSIONS",
    "EVIDENCE_VI",
    "RESOURCES",
    "Amount",
    "Appraisal",
    "BenefitRow",
    "Cell",
    "Column",
    "Combination",
    "Comparison",
    "Discount",
    "EvidenceClass",
    "ExchangeRate",
    "Explanation",
    "Factor",
    "Factors",
    "Figure",
    "IndicatorDefinition",
    "IndicatorValue",
    "Money",
    "Norm",
    "NormComparison",
    "OptionResult",
    "Part",
    "PlantFuel",
    "PlantYear",
    "Price",
    "Ratio",
    "RecpIndicator",
    "SpecificConsumption",
    "Target",
    "TargetResult",
    "Total",
    "against",
    "air_factor",
    "amount",
    "appraise",
    "at_prices_of",
    "benefits",
    "carbon_factor",
    "check_target",
    "compare",
    "converted",
    "discounted_payback_months",
    "explain_reported",
    "explained_lines",
    "factor_lines",
    "grid_factor",
    "implied_per_unit",
    "implied_ratio",
    "implied_sulphur_pct",
    "in_currency",
    "internal_rate_pct",
    "key_energy_user",
    "money_sum",
    "net_present_value",
    "norm",
    "norms_of",
    "per_person",
    "priced",
    "real_rate_pct",
    "record",
    "recp",
    "reduction_class",
    "restate",
    "simple_payback_months",
    "specific",
    "summed",
    "table_lines",
    "target",
    "toe_factor",
    "together",
    "told",
    "total",
]
