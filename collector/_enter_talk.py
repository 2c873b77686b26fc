"""What `dodac enter` asks at the terminal and what it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from dodac.clock import DAY_NS, local_text
from dodac.errors import Exit
from dodac.quantities import CHANNELS
from dodac.words import Language

if TYPE_CHECKING:
    from collector.enter import Desk, Taken
    from drivers.manual_forms import SiteForm
    from drivers.protocols.manual import Finding, Typed
    from drivers.protocols.manual_entry import Entry

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "last": ("lần trước", "last"),
    "skip": ("Enter: bỏ trống", "Enter: leave empty"),
    "yes": ("[c/k] ", "[y/n] "),
    "choose": ("Chọn: ", "Choose: "),
    "note": ("Ghi chú", "Note"),
    "stored": ("Đã ghi vào nhật ký đo", "Stored in the journal"),
    "waiting": ("Đã giữ, sẽ được ghi vào nhật ký đo", "Kept, will be stored in the journal"),
    "not_taken": ("Chưa lưu gì.", "Nothing was kept."),
    "none": (
        'Chưa có biểu mẫu nào: thêm [connections.hand], kind = "manual", và một thiết bị với profile = "manual.…".',
        'There is no form yet: add [connections.hand], kind = "manual", and an instrument with profile = "manual.…".',
    ),
}
_YES: Final = frozenset({"y", "yes", "c", "có", "co", "1"})


def say(key: str, language: Language) -> str:
    """The words of a key."""
    return _WORDS[key][0 if language == "vi" else 1]


def ask_terminal(prompt: str) -> str:
    """One line from the terminal; what is asked goes to stderr."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt  # the terminal was closed
    return line.strip()


def dialogue(
    one: SiteForm, desk: Desk, at_ns: int, language: Language, ask: Callable[[str], str]
) -> dict[str, Typed]:
    """Asks each field, with its unit and the last value; a wrong one is asked again."""
    from drivers.manual_words import channel_name, number_words, unit_words
    from drivers.protocols.manual import Typed

    form = one.form
    past = [p for p in desk.past(one.item.id, at_ns - 400 * DAY_NS, at_ns) if p.counts]
    typed: dict[str, Typed] = {}
    for channel in form.profile.channels:
        unit = unit_words(form.unit(channel), language)
        last = next((p for p in reversed(past) if channel in p.good), None)
        shown = ""
        if last is not None:
            when = local_text(last.entry.end_ns, desk.site.site.timezone, "%d/%m %H:%M")
            shown = f" {say('last', language)} {number_words(form.shown(channel, last.good[channel]), language)}, {when};"
        name = channel_name(form.profile, channel, language)
        text = ask(
            f"{name}{f' ({unit})' if unit else ''} [{shown} {say('skip', language)}]: ".replace("[ ", "[")
        )
        if text:
            typed[channel] = Typed(text)
    return typed


def settle(
    desk: Desk,
    one: SiteForm,
    entry: Entry,
    language: Language,
    *,
    yes: bool,
    ask: Callable[[str], str] | None,
) -> Taken:
    """Hands the entry in; questions are answered with --yes or at the terminal, and then handed in again."""
    from drivers.manual_words import finding_text

    zone = desk.site.site.timezone
    for _ in range(8):
        taken = desk.take(entry)
        if taken.state != "ask":
            return taken
        confirmed, values = set(entry.confirmed), dict(entry.values)
        for finding in taken.findings:
            if not finding.choices and yes:
                confirmed.add(finding.key)
                continue
            if ask is None:
                return taken
            text = finding_text(finding, one.form.profile, zone, language)
            if finding.choices:
                choice = _choose(finding, text, language, ask)
                if choice is None:
                    return taken
                values[finding.channel] = replace(values[finding.channel], text=choice)
            elif ask(f"{text} {say('yes', language)}").casefold() in _YES:
                confirmed.add(finding.key)
            else:
                return taken
        entry = replace(entry, confirmed=frozenset(confirmed), values=values)
    return taken


def _choose(finding: Finding, text: str, language: Language, ask: Callable[[str], str]) -> str | None:
    from drivers.manual_words import choice_words

    lines = [
        f"  {number}) {choice_words(choice, language)}"
        for number, choice in enumerate(finding.choices, start=1)
    ]
    answer = ask("\n".join([text, *lines, say("choose", language)]))
    numbers = {str(number): choice for number, choice in enumerate(finding.choices, start=1)}
    return numbers.get(answer)


def told(desk: Desk, one: SiteForm, taken: Taken, language: Language, *, as_json: bool) -> int:
    """Prints what became of an entry; gives the exit code."""
    from drivers.manual_words import channel_name, choice_words, finding_text, number_words, unit_words

    form, zone = one.form, desk.site.site.timezone
    good = taken.state in ("stored", "waiting")
    values: Mapping[str, float] = taken.values or {}
    if as_json:
        out: dict[str, Any] = {
            "instrument": one.item.id,
            "id": taken.id,
            "state": taken.state,
            "why": taken.why,
            "values": {name: {"value": value, "unit": CHANNELS[name].unit} for name, value in values.items()},
            "findings": [
                {
                    "channel": f.channel,
                    "code": f.code,
                    "refused": f.refused,
                    "text": finding_text(f, form.profile, zone, language),
                    "choices": list(f.choices),
                }
                for f in taken.findings
            ],
        }
        sys.stdout.write(json.dumps(out, ensure_ascii=False, indent=2) + "\n")
        return Exit.OK if good else Exit.FINDING
    for finding in taken.findings:
        more = " / ".join(choice_words(choice, language) for choice in finding.choices)
        sys.stderr.write(f"{finding_text(finding, form.profile, zone, language)} {more}".rstrip() + "\n")
    if not good:
        sys.stderr.write(say("not_taken", language) + "\n")
        return Exit.FINDING
    for name, value in values.items():
        shown = number_words(form.shown(name, value), language)
        unit = unit_words(form.unit(name), language)
        sys.stdout.write(
            f"{channel_name(form.profile, name, language)}: {shown}{f' {unit}' if unit else ''}\n"
        )
    sys.stdout.write(f"{say(taken.state, language)}: {one.item.id} {taken.id}\n")
    if taken.why:
        sys.stderr.write(f"dodac enter: {taken.why}\n")
    return Exit.OK
