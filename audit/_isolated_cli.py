"""What `dodac audit freeze`, `verify` and `case` do with plans of tests, and how a saving by option A or B reads."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

from audit import _print as show_as
from audit._arguments import opened_if_there, write_json
from audit.canonical import plain
from audit.isolated import stated_text
from dodac.errors import Exit
from dodac.words import Language, number_text, significant_text

if TYPE_CHECKING:
    from analysis import Refusal
    from audit._arguments import Place
    from audit.isolated import FrozenTest, IsolatedCase, IsolatedPlan, IsolatedSaving, ReadAs, ReadTest
    from audit.register import Register

_WORDS: Final[dict[str, dict[Language, str]]] = {
    "frozen": {"en": "Test before the measure", "vi": "Phép đo trước khi thực hiện giải pháp"},
    "after": {"en": "Test after the measure", "vi": "Phép đo sau khi thực hiện giải pháp"},
    "from": {"en": "  from {sources}", "vi": "  từ {sources}"},
    "run": {"en": "  {start} to {end}  {samples} samples  {means}", "vi": "  {start} đến {end}  {samples} mẫu  {means}"},
    "not": {"en": "  not counted: {text}", "vi": "  không tính: {text}"},
    "compared": {"en": "{name}: {before} → {after} {unit}", "vi": "{name}: {before} → {after} {unit}"},
    "share": {
        "en": "Saved share: {share} ± {half} % (the least this pair can show: {least} %)",
        "vi": "Tỷ lệ tiết kiệm: {share} ± {half} % (mức nhỏ nhất cặp phép đo này nhận ra được: {least} %)",
    },
    "saving": {
        "en": "Saving: {amount} at {confidence} % confidence, k = {k} (option {option}, {start} … {end})",
        "vi": "Tiết kiệm: {amount} với độ tin cậy {confidence} %, k = {k} (phương án {option}, {start} … {end})",
    },
    "agreed": {"en": "Agreed, not measured ({share} % of the variance)", "vi": "Thỏa thuận, không đo ({share} % phương sai)"},
    "figure": {
        "en": "  {name}: {value} ± {half} {unit}, {basis}; agreed by {by} on {at}",
        "vi": "  {name}: {value} ± {half} {unit}, {basis}; {by} thỏa thuận ngày {at}",
    },
    "class": {"en": "Evidence class: {name}", "vi": "Cấp bằng chứng: {name}"},
    "lots": {"en": "Lots drawn: on in {on} of {n} periods", "vi": "Kết quả bốc thăm: bật trong {on} trên {n} chu kỳ"},
    "on": {"en": "on", "vi": "bật"},
    "off": {"en": "off", "vi": "tắt"},
    "chance": {
        "en": "Share of all drawings that show as much by chance: {p}",
        "vi": "Tỷ lệ các lần bốc thăm cho kết quả như vậy do ngẫu nhiên: {p}",
    },
    "mean rate": {"en": "Mean rate, off → on", "vi": "Mức tiêu thụ trung bình, tắt → bật"},
    "efficiency": {"en": "Efficiency", "vi": "Hiệu suất"},
    "specific power": {"en": "Specific power", "vi": "Suất tiêu hao điện riêng"},
    "specific energy": {"en": "Specific energy", "vi": "Suất tiêu hao năng lượng"},
}  # fmt: skip


def freeze(register: Register, arguments: argparse.Namespace, place: Place) -> int:
    """Reads and fixes the test before the measure."""
    from analysis import Refusal

    notes: list[str] = []
    with opened_if_there(place) as store:
        frozen = register.isolated.freeze(
            arguments.plan, _sources(arguments), _read_as(arguments), store, why=arguments.why, notes=notes
        )
    _told(notes, arguments)
    if isinstance(frozen, Refusal):
        return refused(arguments.json, frozen, place.language)
    if arguments.json:
        write_json(plain(frozen))
    else:
        lines = [frozen.id, *frozen_lines(frozen, place.language)]
        sys.stdout.write("\n".join(lines) + "\n")
    return Exit.OK


def verify(register: Register, arguments: argparse.Namespace, place: Place) -> int:
    """Reads the test after the measure and registers the saving."""
    from analysis import Refusal

    notes: list[str] = []
    with opened_if_there(place) as store:
        saving = register.isolated.verify(
            arguments.plan, _sources(arguments), _read_as(arguments), store, notes=notes
        )
    _told(notes, arguments)
    if isinstance(saving, Refusal):
        return refused(arguments.json, saving, place.language)
    if arguments.json:
        write_json(plain(saving))
    else:
        sys.stdout.write(saving_text(saving, register.isolated.plan_of(saving), place.language))
    return Exit.OK


def show(case: IsolatedCase, arguments: argparse.Namespace, place: Place) -> int:
    """Prints a case that was computed again: both tests and the saving."""
    if arguments.json:
        write_json(
            {"plan": plain(case.plan), "baseline": plain(case.baseline), "saving": plain(case.verified)}
        )
        return Exit.OK
    lines = [
        *frozen_lines(case.baseline, place.language),
        *test_lines("after", case.verified.test, place.language),
    ]
    sys.stdout.write("\n".join(lines) + "\n" + saving_text(case.verified, case.plan, place.language))
    return Exit.OK


def refused(as_json: bool, refusal: Refusal, language: Language) -> int:
    """Says why there is no number; the exit code."""
    if as_json:
        write_json({"refusal": show_as.refusal_data(refusal)})
    else:
        sys.stderr.write(show_as.refusal_text(refusal, language))
    return Exit.FINDING


def frozen_lines(frozen: FrozenTest, language: Language) -> list[str]:
    """What was frozen: the test before the measure, or the lots that were drawn."""
    if not frozen.lots:
        return test_lines("frozen", frozen.test, language)
    periods = [
        f"  {start[:16].replace('T', ' ')}  {_say('on' if on else 'off', language)}"
        for start, on in frozen.lots
    ]
    return [_say("lots", language, on=sum(on for _, on in frozen.lots), n=len(periods)), *periods]


def test_lines(heading: str, test: ReadTest, language: Language) -> list[str]:
    """A test as it was read: where from, its runs, and what does not count."""
    sources = ", ".join(
        f"{source.name} ({source.sha256 or source.evidence[0].digest})" for source in test.sources
    )
    lines = [_say(heading, language), _say("from", language, sources=sources)]
    for run in test.runs:
        means = "  ".join(
            f"{name} {significant_text(value, 5, language)}" for name, value in run.means.items()
        )
        start, end = run.start[:16].replace("T", " "), run.end[11:16]
        lines.append(_say("run", language, start=start, end=end, samples=run.samples, means=means))
    once = {finding.code: finding for finding in reversed(test.not_counted)}
    return [
        *lines,
        *(_say("not", language, text=show_as.text_of(finding, language)) for finding in once.values()),
    ]


def saving_text(saving: IsolatedSaving, plan: IsolatedPlan, language: Language) -> str:
    """One saving by option A or B with its uncertainty, what was agreed, money and findings."""

    def number(value: float, digits: int = 2) -> str:
        return number_text(value, digits, language)

    lines = [f"{saving.id}  ({saving.baseline})"]
    if saving.before is not None and saving.after is not None:
        name = _say(saving.figure, language)
        lines.append(
            _say("compared", language, name=name, before=number(saving.before), after=number(saving.after), unit=saving.figure_unit)
        )  # fmt: skip
    if saving.share is not None and saving.share_half_width is not None and saving.smallest_share is not None:
        share, half, least = (
            number(100 * value) for value in (saving.share, saving.share_half_width, saving.smallest_share)
        )
        lines.append(_say("share", language, share=share, half=half, least=least))
    if saving.p_value is not None:
        lines.append(_say("chance", language, p=significant_text(saving.p_value, 2, language)))
    lines.append(
        _say(
            "saving", language, amount=amount_text(saving, language), confidence=number(100 * saving.confidence, 0),
            k=number(saving.coverage_factor), option=saving.ipmvp_option, start=saving.start, end=saving.end,
        )
    )  # fmt: skip
    if saving.money is not None and saving.money_half_width is not None:
        money = f"{number(saving.money.amount, 0)} ± {significant_text(saving.money_half_width, 3, language)}"
        lines.append(f"  {money} {saving.money.currency} ({saving.money.price_date})")
    if plan.agreed:
        lines.append(_say("agreed", language, share=number(100 * saving.stipulated_share, 0)))
        lines += [
            _say(
                "figure", language, name=item.name, value=stated_text(item.value, language),
                half=stated_text(item.plus_minus, language), unit=item.unit, basis=item.basis, by=item.by, at=item.at,
            )
            for item in plan.agreed
        ]  # fmt: skip
    lines.append(_say("class", language, name=class_text(saving.evidence_class, language)))
    findings = (("", finding) for finding in saving.findings)
    return "\n".join([*lines, *show_as.finding_lines(findings, language)]) + "\n"


def amount_text(saving: IsolatedSaving, language: Language) -> str:
    """The saving with its ± and unit."""
    half = significant_text(saving.half_width, 3, language)
    return f"{number_text(saving.saving, 0, language)} ± {half} {saving.unit}"


def class_text(name: str, language: Language) -> str:
    """An evidence class in a language."""
    from analysis.benefits import EVIDENCE_VI, EvidenceClass

    return EVIDENCE_VI[EvidenceClass(name)] if language == "vi" else name


def _say(key: str, language: Language, **values: object) -> str:
    return _WORDS[key][language].format(**values)


def _sources(arguments: argparse.Namespace) -> list[Any]:
    from audit._test_sources import source_of

    return [source_of(text, "--test") for text in arguments.test]


def _read_as(arguments: argparse.Namespace) -> ReadAs:
    from audit.isolated import ReadAs

    return ReadAs(
        tuple(arguments.channel),
        arguments.rows,
        arguments.time or "",
        arguments.date_format or "",
        arguments.sheet or "",
    )


def _told(notes: list[str], arguments: argparse.Namespace) -> None:
    if not arguments.json:
        sys.stderr.write("".join(f"{note}\n" for note in notes))
