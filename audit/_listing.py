"""The register as words: what stands in it, and one verified saving."""

from __future__ import annotations

from audit._print import finding_lines, rows_of, word
from audit.records import VerifiedSaving
from audit.register import Register
from dodac.clock import local_text
from dodac.words import Language, number_text, significant_text

_HEADS: dict[str, dict[Language, str]] = {
    "options": {"en": "Options", "vi": "Giải pháp"},
    "plans": {"en": "Plans", "vi": "Kế hoạch đo lường và kiểm chứng"},
    "baselines": {"en": "Frozen baselines", "vi": "Đường cơ sở đã chốt"},
    "decisions": {"en": "Decisions about events", "vi": "Quyết định về sự kiện"},
    "savings": {"en": "Verified savings", "vi": "Mức tiết kiệm đã kiểm chứng"},
    "runs": {"en": "runs", "vi": "lượt đo"},
    "empty": {"en": "The register is empty.", "vi": "Sổ đăng ký còn trống."},
}
_STATUS: dict[str, dict[Language, str]] = {
    "idea": {"en": "idea", "vi": "ý tưởng"},
    "planned": {"en": "planned", "vi": "dự kiến"},
    "implemented": {"en": "implemented", "vi": "đã thực hiện"},
    "dropped": {"en": "dropped", "vi": "không thực hiện"},
}


def listing(register: Register, zone: str, language: Language) -> str:
    """The register as four short lists."""
    lists = {
        "options": [
            f"  {item.id}  {item.name_vi if language == 'vi' else item.name_en}  [{_STATUS.get(item.status, {}).get(language, item.status)}]"
            for item in register.options()
        ],
        "plans": [
            f"  {item.id}  → {item.option}  {item.baseline[0]}..{item.baseline[1]} / "
            f"{item.reporting[0]}..{item.reporting[1]}"
            for item in register.plans()
        ]
        + [
            f"  {item.id}  → {item.option}  IPMVP {item.ipmvp_option}  {item.reporting[0]}..{item.reporting[1]}"
            for item in register.isolated.plans()
        ],
        "decisions": [
            f"  {item.id}  {item.plan}  {item.method}  {item.start}..{item.end or '…'}  {item.by}: {item.why}"
            for plan in register.plans()
            for item in register.decisions(plan.id)
        ],
        "baselines": [
            f"  {item.id}  R² {number_text(item.statistics.r2, 3, language)}  "
            f"{local_text(item.frozen_ns, zone, '%Y-%m-%d %H:%M')}"
            for item in register.baselines()
        ]
        + [
            f"  {item.id}  {len(item.test.runs)} {_HEADS['runs'][language]}  "
            f"{local_text(item.frozen_ns, zone, '%Y-%m-%d %H:%M')}"
            for item in register.isolated.baselines()
        ],
        "savings": [
            f"  {item.id}  {_amount(item.saving, item.half_width, item.unit, language)}"
            for item in register.savings()
        ]
        + [
            f"  {item.id}  {_amount(item.saving, item.half_width, item.unit, language)}"
            for item in register.isolated.savings()
        ],
    }
    lines = []
    for key, items in lists.items():
        if items:
            lines += [_HEADS[key][language], *items]
    return "\n".join(lines or [_HEADS["empty"][language]]) + "\n"


def saving_text(saving: VerifiedSaving, language: Language) -> str:
    """One verified saving with its uncertainty, money and findings."""
    confidence = word("confidence", language, share=number_text(100 * saving.confidence, 0, language))
    amount = _amount(saving.saving, saving.half_width, saving.unit, language)
    lines = [
        f"{saving.id}  {saving.start} … {saving.end}  ({saving.baseline})",
        f"{word('adjusted', language)}: {number_text(saving.adjusted_baseline, 0, language)} {saving.unit}",
        f"{word('measured', language)}: {number_text(saving.measured, 0, language)} {saving.unit}",
        f"{word('saving', language)}: {amount} {confidence} ({saving.method})",
    ]
    if saving.unadjusted is not None:
        before = number_text(saving.unadjusted, 0, language)
        lines.append(word("unadjusted", language, amount=f"{before} {saving.unit}", n=len(saving.decisions)))
    if saving.money is not None and saving.money_half_width is not None:
        money = _amount(saving.money.amount, saving.money_half_width, saving.money.currency, language)
        lines.append(f"  {money} ({saving.money.price_date})")
    lines.append(
        word(
            "days",
            language,
            n=saving.intervals,
            left=saving.excluded,
            rows=rows_of(saving.interval, language),
        )
    )
    return (
        "\n".join([*lines, *finding_lines((("", finding) for finding in saving.findings), language)]) + "\n"
    )


def _amount(value: float, half_width: float, unit: str, language: Language) -> str:
    return f"{number_text(value, 0, language)} ± {significant_text(half_width, 3, language)} {unit}"
