"""Rows of the report's tables: instruments, fit statistics, coefficients, commands to check again."""

from __future__ import annotations

import math

from audit.records import SavingCase
from dodac.quantities import CHANNELS
from dodac.words import Language, number_text, significant_text
from reports.figures import excluded_spans
from reports.formats import day_text, decimals_for, percent_text, rounded_text, unit_text
from reports.words import rows_words, say, say_or

# how an instrument is reached says nothing about what its figures are worth
_NOT_METROLOGY = {"site", "company", "connection", "address", "topic", "every", "rollovers"}


def instrument_rows(case: SavingCase, language: Language) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(instrument, what it is used for, [(fact, value)]) of every instrument of the plan and the evidence."""
    uses: dict[str, list[str]] = {}
    energy_instrument, energy_channel = case.plan.energy
    uses.setdefault(energy_instrument, []).append(
        say("use_energy", language, channel=_channel_text(energy_channel, language))
    )
    for driver, (instrument, channel) in sorted(case.plan.drivers.items()):
        words = say_or(f"driver_{driver}", language, driver)
        uses.setdefault(instrument, []).append(
            say("use_driver", language, driver=words, channel=_channel_text(channel, language))
        )
    for instrument in case.instruments:
        uses.setdefault(instrument, [])
    rows = []
    for instrument, used_for in uses.items():
        facts = [
            (
                say_or(f"fact_{key}", language, key.replace("_", " ")),
                say_or(
                    f"asset_{value}" if key == "asset" else f"kind_{value}",
                    language,
                    day_text(value, language),
                ),
            )
            for key, value in case.instruments.get(instrument, {}).items()
            if value and key not in _NOT_METROLOGY
        ]
        rows.append((instrument, "; ".join(used_for), facts))
    return rows


def _channel_text(name: str, language: Language) -> str:
    known = CHANNELS.get(name)
    if known is None:
        return name
    unit = unit_text(known.unit, language)
    return f"{known.vi if language == 'vi' else known.en}{f' [{unit}]' if unit else ''}"


def statistic_rows(case: SavingCase, language: Language) -> list[tuple[str, str, str]]:
    """(statistic, value, meaning) of the baseline's fit."""
    fit = case.baseline.statistics
    unit = unit_text(case.baseline.unit, language)
    values = [
        ("n", "n", number_text(fit.n, 0, language)),
        ("p", "p", number_text(fit.p, 0, language)),
        ("R²", "r2", number_text(fit.r2, 4, language)),
        (say("stat_name_adjusted_r2", language), "adjusted_r2", number_text(fit.adjusted_r2, 4, language)),
        ("RMSE", "rmse", f"{significant_text(fit.rmse, 4, language)} {unit}"),
        ("CV(RMSE)", "cv_rmse", percent_text(fit.cv_rmse, language, 2)),
        ("NMBE", "nmbe", percent_text(fit.nmbe, language, 4)),
        ("ρ", "rho", number_text(fit.rho, 3, language)),
    ]
    words = rows_words(case.plan.interval, language)
    return [(name, value, say(f"stat_{key}", language, **words)) for name, key, value in values]


def term_text(term: str, language: Language) -> str:
    """A term of the model for people; in English the name that the JSON has too."""
    group, _, name = term.partition(".")
    if name.startswith("temperature_"):
        part = name.removeprefix("temperature_")
        return say_or(f"{group}_temperature", language, term).format(part=part)
    if group == "driver":
        return term if language == "en" else say_or(f"driver_{name}", language, name)
    return say_or(f"{group}_{name}", language, term)


def gap_text(text: str, language: Language) -> str:
    """Why readings are missing, "instrument: words", with the words in the language where they are known."""
    instrument, colon, words = text.rpartition(": ")
    return f"{instrument}{colon}{say_or('gap_' + words.replace(' ', '_'), language, words)}"


def span_rows(case: SavingCase, language: Language) -> list[tuple[str, str, str, str]]:
    """(from, to, why, by plan or for want of data) of what was left out."""
    planned = set(case.plan.exclude)
    return [
        (
            day_text(start, language),
            day_text(end, language),
            why if (start, end, why) in planned else gap_text(why, language),
            say("by_plan" if (start, end, why) in planned else "by_gap", language),
        )
        for start, end, why in excluded_spans(case)
    ]


def coefficient_rows(case: SavingCase, language: Language) -> list[tuple[str, str, str, str]]:
    """(term, coefficient, standard error with √κ, t) of the frozen baseline."""
    from analysis.uncertainty import standard_errors
    from audit.models import model_of

    base = case.baseline
    errors = standard_errors(model_of(base)).tolist()
    rows = []
    for term, value, error in zip(base.terms, base.coefficients, errors, strict=True):
        t = value / error if error else math.nan
        rows.append(
            (
                term_text(term, language),
                significant_text(value, 6, language),
                significant_text(error, 3, language),
                number_text(t, 1, language),
            )
        )
    return rows


def uncertainty_row(case: SavingCase, place: int, language: Language) -> tuple[str, str, str, str, str, bool]:
    """(method, ±, ± of the saving, effective n, source, is it the one used) of one uncertainty of a saving."""
    savings = case.savings
    item = (savings.uncertainty, *savings.others)[place]
    unit = unit_text(savings.unit, language)
    relative = item.half_width / abs(savings.saving) if savings.saving else math.nan
    return (
        say_or(f"method_{item.method}", language, item.method),
        f"± {rounded_text(item.half_width, min(decimals_for(item.half_width), 3), language)} {unit}",
        "–" if math.isnan(relative) else percent_text(relative, language, 0),
        number_text(item.n_effective, 0, language),
        (language == "vi" and item.source_vi) or item.source,
        place == 0,
    )


def check_commands(case: SavingCase) -> list[str]:
    """What to type to get the same figures from the samples again."""
    return [
        f"dodac report --site site.toml {case.verified.id}",
        f"dodac audit show --site site.toml {case.verified.id}",
        f"dodac audit verify --site site.toml {case.plan.id}",
    ]
