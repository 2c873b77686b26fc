"""`dodac enter --list` and `--withdraw`: what was typed before, and taking it back."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

from dodac.clock import DAY_NS, Clock, iso_utc
from dodac.errors import ConfigError, Exit, Where
from dodac.words import Language

if TYPE_CHECKING:
    from collector.enter import Desk
    from collector.entered import Past
    from drivers.manual_forms import SiteForm

_BACK_NS: Final = 1000 * DAY_NS
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "stored": ("đã ghi", "stored"),
    "waiting": ("đang chờ ghi", "waits"),
    "corrected": ("đã được sửa", "corrected"),
    "withdrawn": ("đã rút lại", "withdrawn"),
    "nothing": ("Chưa có gì.", "Nothing yet."),
    "done": ("Đã rút lại, không được tính nữa", "Withdrawn, it counts no more"),
    "kept": ("Đã giữ việc rút lại, sẽ có hiệu lực khi ghi vào nhật ký đo", "The withdrawal is kept, it counts once stored in the journal"),
    "not_taken": ("Chưa rút lại gì.", "Nothing was withdrawn."),
}  # fmt: skip


def _say(key: str, language: Language) -> str:
    return _WORDS[key][0 if language == "vi" else 1]


def past_of(desk: Desk, instrument: str, clock: Clock) -> list[Past]:
    """The entries of the last years, oldest first."""
    now_ns = clock.now_ns()
    return desk.past(instrument, now_ns - _BACK_NS, now_ns + DAY_NS)


def find_past(desk: Desk, instrument: str, id: str, clock: Clock) -> Past:
    """An earlier entry by its id; ConfigError with the last ones when there is none."""
    past = [one for one in past_of(desk, instrument, clock) if not one.entry.withdrawal]
    for one in past:
        if one.entry.id == id:
            return one
    known = ", ".join(f"{p.entry.id} ({iso_utc(p.entry.start_ns)})" for p in past[-3:]) or "none"
    raise ConfigError(f'there is no entry "{id}".', Where(instrument=instrument), f"The last are: {known}.")


def list_past(desk: Desk, one: SiteForm, language: Language, clock: Clock, *, as_json: bool) -> int:
    """Prints every entry with its id and what became of it, oldest first."""
    from collector.entered import past_text

    past = [p for p in past_of(desk, one.item.id, clock) if not p.entry.withdrawal]
    zone = desk.site.site.timezone
    rows = []
    for p in past:
        state = "withdrawn" if p.withdrawn else "corrected" if p.corrected else p.state
        when, words = past_text(p, one, zone, language)
        rows.append((p, state, when, words))
    if as_json:
        out = [
            {
                "id": p.entry.id,
                "state": state,
                "start": iso_utc(p.entry.start_ns),
                "end": iso_utc(p.entry.end_ns),
                "typed": dict(p.entry.typed),
                "values": dict(p.entry.values),
                "operator": p.entry.operator,
                "note": p.entry.note,
                "photo": p.entry.photo,
                "corrects": p.entry.corrects,
                "withdrawn_by": p.withdrawn.operator if p.withdrawn else "",
                "withdrawn_why": p.withdrawn.note if p.withdrawn else "",
            }
            for p, state, _, _ in rows
        ]
        sys.stdout.write(json.dumps(out, ensure_ascii=False, indent=2) + "\n")
        return Exit.OK
    for p, state, when, words in rows:
        who = f" ({p.entry.operator})" if p.entry.operator else ""
        sys.stdout.write(f"{p.entry.id}  {when}  {words}{who}: {_say(state, language)}\n")
    if not rows:
        sys.stderr.write(_say("nothing", language) + "\n")
    return Exit.OK


def withdraw(
    desk: Desk,
    one: SiteForm,
    id: str,
    language: Language,
    clock: Clock,
    *,
    operator: str,
    note: str,
    patience_s: float,
    as_json: bool,
) -> int:
    """Takes an entry back and prints which; the exit code is FINDING when it can't be."""
    from collector.entered import past_text
    from drivers.manual_words import finding_text
    from drivers.protocols.manual_entry import Withdrawal

    old, zone = find_past(desk, one.item.id, id, clock), desk.site.site.timezone
    given = Withdrawal(os.urandom(8).hex(), one.item.id, id, operator, note, clock.now_ns())
    taken = desk.withdraw(given)
    stored = taken.state == "stored"
    if taken.state == "waiting":
        stored = desk.settled(one.item.id, given.id, patience_s)
    texts = [finding_text(finding, one.form.profile, zone, language) for finding in taken.findings]
    if as_json:
        state = "stored" if stored else taken.state
        out = {"instrument": one.item.id, "id": given.id, "withdraws": id, "state": state, "why": taken.why}
        sys.stdout.write(json.dumps({**out, "findings": texts}, ensure_ascii=False, indent=2) + "\n")
    elif taken.state == "refused":
        sys.stderr.write("\n".join([*texts, _say("not_taken", language)]) + "\n")
    else:
        when, words = past_text(old, one, zone, language)
        sys.stdout.write(f"{when}  {words}\n")
        sys.stdout.write(f"{_say('done' if stored else 'kept', language)}: {one.item.id} {given.id}\n")
        if taken.why and not stored:
            sys.stderr.write(f"dodac enter: {taken.why}\n")
    return Exit.FINDING if taken.state == "refused" else Exit.OK
