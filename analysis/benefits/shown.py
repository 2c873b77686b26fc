"""Benefit rows as words for people and as plain data for machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from analysis.benefits.appraisals import Appraisal
from analysis.benefits.figures import EVIDENCE_VI, Cell, Total
from analysis.benefits.indicators import IndicatorDefinition
from analysis.benefits.resources import COLUMNS
from analysis.benefits.table import BenefitRow
from analysis.results import Finding, Refusal
from dodac.money import Money
from dodac.words import Language, number_text, significant_text

MONEY_COLUMNS: Final = {
    "investment": ("investment", "vốn đầu tư"),
    "saving": ("saving of the period", "tiết kiệm trong kỳ"),
    "saving_per_year": ("saving per year", "tiết kiệm mỗi năm"),
    "payback_months": ("payback (months)", "hoàn vốn (tháng)"),
}


def cell_text(cell: Cell, language: Language) -> str:
    """ "194 ± 55 (measured)", every class of a sum of several, or the reason why there is none; "" for nothing."""
    if cell is None:
        return ""
    if isinstance(cell, Refusal):
        return cell.vi if language == "vi" else cell.en
    parts = [
        f"{_number(part.value, part.half_width, language)} "
        f"({EVIDENCE_VI[part.evidence] if language == 'vi' else part.evidence})"
        for part in cell.parts
    ]
    text = parts[0]
    if cell.mixed:
        text = f"{_number(cell.value, cell.half_width, language)} = {' + '.join(parts)}"
    if not cell.complete:
        text += " – chưa đủ" if language == "vi" else " – incomplete"
    return text


def money_text(money: Money | Refusal, language: Language) -> str:
    """ "900,000,000 VND (2022)", or the reason why there is none."""
    if isinstance(money, Refusal):
        return money.vi if language == "vi" else money.en
    return f"{significant_text(money.amount, 6, language)} {money.currency} ({money.price_date})"


def table_lines(rows: Sequence[BenefitRow], language: Language) -> list[list[str]]:
    """A header and a line per quantity, a column per row: only quantities that any row holds.

    Normal-year figures stand in lines of their own, specific consumptions too (before → after, target).
    """
    vi = language == "vi"
    lines = [["", *(row.id for row in rows)]]
    for normal in (False, True):
        for column in COLUMNS.values():
            cells = [(row.normal_year if normal else row.cells)[column.id] for row in rows]
            if all(cell is None for cell in cells):
                continue
            name = f"{column.vi if vi else column.en} ({column.unit})"
            if normal:
                name += ", năm chuẩn" if vi else ", normal year"
            lines.append([name, *(cell_text(cell, language) for cell in cells)])
    for definition in dict.fromkeys(one.definition for row in rows for one in row.specific):
        name = f"{definition.vi if vi else definition.en} ({definition.whole_unit})"
        lines.append([name, *(_specific(row, definition, language) for row in rows)])
    for key, names in MONEY_COLUMNS.items():
        line = [names[1] if vi else names[0]]
        for row in rows:
            value = getattr(row, key)
            line.append(
                significant_text(value, 3, language)
                if isinstance(value, float)
                else money_text(value, language)
            )
        lines.append(line)
    if any(row.appraisal is not None for row in rows):
        lines += _appraisal_lines(rows, language)
    return lines


def _appraisal_lines(rows: Sequence[BenefitRow], language: Language) -> list[list[str]]:
    """NPV, internal rate and discounted payback of each row, with the terms they were judged in."""
    vi = language == "vi"
    judged = next((row.appraisal for row in rows if isinstance(row.appraisal, Appraisal)), None)
    how = ""
    if judged is not None:
        rate = number_text(judged.rate_pct, 1, language)
        terms = {"real": ("real", "giá thực"), "nominal": ("nominal", "giá danh nghĩa")}[judged.terms][vi]
        how = f" ({rate} %, {terms})"
    names = (
        ("NPV" + how, "giá trị hiện tại ròng NPV" + how),
        ("internal rate IRR (%)", "tỷ suất hoàn vốn nội bộ IRR (%)"),
        ("discounted payback (months)", "hoàn vốn có chiết khấu (tháng)"),
    )
    lines = [[name[vi]] for name in names]
    for row in rows:
        one = row.appraisal
        if not isinstance(one, Appraisal):
            for line in lines:
                line.append("" if one is None else one.vi if vi else one.en)
            continue
        lines[0].append(money_text(Money(one.npv, one.currency, one.price_date), language))
        for line, value in zip(lines[1:], (one.irr_pct, one.discounted_payback_months), strict=True):
            text = (
                (value.vi if vi else value.en)
                if isinstance(value, Refusal)
                else significant_text(value, 3, language)
            )
            line.append(text)
    return lines


def record(row: BenefitRow) -> dict[str, object]:
    """A row as plain data (JSON): refusals and findings with code, words and data; no NaN, no infinity."""
    return {
        "id": row.id,
        "start": str(row.start),
        "end": str(row.end),
        "options": row.options,
        "company": row.company,
        "province": row.province,
        "programme": row.programme,
        "period": {name: _cell(cell) for name, cell in row.cells.items() if cell is not None},
        "normal_year": {name: _cell(cell) for name, cell in row.normal_year.items() if cell is not None},
        **{key: _plain(getattr(row, key)) for key in MONEY_COLUMNS},
        **({} if row.appraisal is None else {"appraisal": _appraised(row.appraisal)}),
        "specific": [
            {
                "indicator": one.definition.id,
                "unit": one.definition.whole_unit,
                "before": one.before,
                "after": one.after,
                "target": one.target,
                "change_pct": one.change_pct,
            }
            for one in row.specific
        ],
        "factors": list(row.factors),
        "findings": [_said(finding) for finding in row.findings],
    }


def _cell(cell: Total | Refusal) -> dict[str, object]:
    if isinstance(cell, Refusal):
        return {"refused": [_said(cell)]}
    return {
        "value": cell.value,
        "unit": cell.unit,
        "half_width": cell.half_width,
        "classes": {
            str(part.evidence): {"value": part.value, "half_width": part.half_width, "figures": part.count}
            for part in cell.parts
        },
        "complete": cell.complete,
        "factors": list(cell.factors),
        "findings": [_said(finding) for finding in cell.findings],
        "refused": [_said(refusal) for refusal in cell.refused],
    }


def _appraised(value: Appraisal | Refusal) -> object:
    if isinstance(value, Refusal):
        return {"refused": [_said(value)]}
    return {
        "flows": list(value.flows),
        "currency": value.currency,
        "price_date": value.price_date,
        "rate_pct": value.rate_pct,
        "escalation_pct": value.escalation_pct,
        "terms": value.terms,
        "npv": value.npv,
        "irr_pct": _plain(value.irr_pct),
        "discounted_payback_months": _plain(value.discounted_payback_months),
    }


def _plain(value: Money | Refusal | float) -> object:
    if isinstance(value, Refusal):
        return {"refused": [_said(value)]}
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency, "price_date": value.price_date}
    return value


def _said(words: Finding | Refusal) -> dict[str, object]:
    return {"code": words.code, "en": words.en, "vi": words.vi, "data": dict(words.data)}


def _specific(row: BenefitRow, definition: IndicatorDefinition, language: Language) -> str:
    """ "250 → 200 (−20.0 %), target 196" of one row; "" where it has none."""
    for one in row.specific:
        if one.definition == definition:
            before, after = (
                "?" if value is None else significant_text(value, 4, language)
                for value in (one.before, one.after)
            )
            text = f"{before} → {after}"
            if one.change_pct is not None:
                text += f" ({number_text(one.change_pct, 1, language)} %)"
            if one.target is not None:
                word = "mục tiêu" if language == "vi" else "target"
                text += f", {word} {significant_text(one.target, 4, language)}"
            return text
    return ""


def _number(value: float, half_width: float | None, language: Language) -> str:
    """As many digits as the ± has two of; without one every whole unit, since nobody said what to round to."""
    if half_width:
        digits = 1 - math.floor(math.log10(half_width))
        text = number_text(round(value, digits), max(digits, 0), language)
        return f"{text} ± {significant_text(half_width, 2, language)}"
    whole = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    text = number_text(value, 0 if value == round(value) else min(whole, 6), language)
    return text if half_width is None else f"{text} ± 0"
