"""Forms as the page and the API show them, and what is handed in as an entry."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from collector.enter import Desk, Taken
from collector.entered import Past, moment_ns
from dodac.clock import DAY_NS, iso_utc
from dodac.errors import DataError, Where
from dodac.quantities import CHANNELS
from dodac.words import LANGUAGES, Language
from drivers.manual_forms import SiteForm
from drivers.manual_words import both, channel_name, of
from drivers.protocols.manual import Typed
from drivers.protocols.manual_entry import ID, MAX_NOTE, MAX_OPERATOR, Entry, Withdrawal
from drivers.protocols.manual_numbers import parse_number

Short = Annotated[str, Field(max_length=64)]
RECENT_NS: Final = 400 * DAY_NS
RECENT: Final = 10


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ValueIn(_In):
    """One field as typed; unit: the one chosen beside it."""

    text: Short
    unit: Annotated[str, Field(max_length=16)] = ""


class EntryIn(_In):
    """An entry of a form.

    id: made by the sender, 8 to 64 small letters, digits and "-"; the same id counts once. at, or from and
    to: ISO 8601, local to the site without an offset. confirmed: keys of the questions answered with yes.
    """

    id: Annotated[str, Field(pattern=ID.pattern)]
    values: Annotated[dict[Short, ValueIn | Short], Field(max_length=64)]
    at: Short | None = None
    start: Annotated[Short | None, Field(alias="from")] = None
    end: Annotated[Short | None, Field(alias="to")] = None
    operator: Annotated[str, Field(max_length=MAX_OPERATOR)] = ""
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""
    photo: Short | None = None
    confirmed: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=64)] = []
    corrects: Short = ""
    typed: Short | None = None


class WithdrawIn(_In):
    """A withdrawal of an earlier entry: its own id, made by the sender, and the id of the entry."""

    id: Annotated[str, Field(pattern=ID.pattern)]
    entry: Short
    operator: Annotated[str, Field(max_length=MAX_OPERATOR)] = ""
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""
    typed: Short | None = None


class FindingOut(BaseModel):
    """Why an entry is not taken, or what is asked: confirm with `key`, or send one of `choices`."""

    channel: str
    code: str
    refused: bool
    key: str
    vi: str
    en: str
    choices: list[str]


class TakenOut(BaseModel):
    """state: stored, waiting (kept by the server), ask, or refused."""

    id: str
    state: str
    why: str = ""
    findings: list[FindingOut] = []


class PhotoOut(BaseModel):
    sha256: str
    kind: str
    size: int


class FieldOut(BaseModel):
    """low and high: what is refused outside, usual: what is asked about outside; in the offered unit."""

    channel: str
    vi: str
    en: str
    hint_vi: str
    hint_en: str
    unit: str
    units: list[str]
    kind: str
    required: bool
    low: float
    high: float
    usual: tuple[float, float] | None
    last: float | None
    last_time: str


class FormOut(BaseModel):
    """period: none asks `at`; shift, day, month and free ask `from` and `to`."""

    instrument: str
    name: str
    asset: str
    profile: str
    measurement: str
    title_vi: str
    title_en: str
    hint_vi: str
    hint_en: str
    period: str
    photo: str
    fields: list[FieldOut]


class PastOut(BaseModel):
    """An entry handed in before; typed: text by channel, units: how it was understood.

    withdrawn: it was taken back. withdraws: the id of the entry that this one takes back.
    """

    id: str
    state: str
    start: str
    end: str
    typed: dict[str, str]
    units: dict[str, str]
    operator: str
    note: str
    photo: str
    corrected: bool
    corrects: str
    withdrawn: bool = False
    withdraws: str = ""
    why: str = ""


def entry_of(one: SiteForm, given: EntryIn, desk: Desk) -> Entry:
    """What was sent as an entry.

    Raises DataError for times that are none or are not the form's.
    """
    zone = desk.site.site.timezone
    where = Where(instrument=one.item.id)
    if one.form.period:
        if given.at is not None or given.start is None or given.end is None:
            raise DataError("this form speaks of a period: from and to.", where)
        start_ns, end_ns = _time(given.start, zone, where), _time(given.end, zone, where)
    else:
        if given.at is None or given.start is not None or given.end is not None:
            raise DataError("this form speaks of one moment: at.", where)
        start_ns = end_ns = _time(given.at, zone, where)
    values = {
        name: Typed(value) if isinstance(value, str) else Typed(value.text, value.unit)
        for name, value in given.values.items()
    }
    return Entry(
        id=given.id,
        instrument=one.item.id,
        values=values,
        start_ns=start_ns,
        end_ns=end_ns,
        operator=_clean(given.operator),
        note=_clean(given.note),
        photo=desk.photo(given.photo),
        typed_ns=None if given.typed is None else _time(given.typed, zone, where),
        confirmed=frozenset(given.confirmed),
        corrects=given.corrects,
    )


def withdrawal_of(one: SiteForm, given: WithdrawIn, zone: str) -> Withdrawal:
    """What was sent as a withdrawal; DataError for a time that is none."""
    where = Where(instrument=one.item.id)
    return Withdrawal(
        id=given.id,
        instrument=one.item.id,
        withdraws=given.entry,
        operator=_clean(given.operator),
        note=_clean(given.note),
        typed_ns=None if given.typed is None else _time(given.typed, zone, where),
    )


def _clean(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()


def _time(text: str, zone: str, where: Where) -> int:
    try:
        return moment_ns(text, zone)
    except ValueError:
        raise DataError(f'"{text}" is no ISO 8601 time.', where, "Write e.g. 2026-11-22T08:30.") from None


def taken_out(one: SiteForm, taken: Taken, zone: str) -> TakenOut:
    """What became of an entry, with its words in both languages."""
    findings = []
    for finding in taken.findings:
        words = both(finding, one.form.profile, zone)
        findings.append(
            FindingOut(
                channel=finding.channel,
                code=finding.code,
                refused=finding.refused,
                key=finding.key,
                vi=words["vi"],
                en=words["en"],
                choices=list(finding.choices),
            )
        )
    return TakenOut(id=taken.id, state=taken.state, why=taken.why, findings=findings)


def form_out(one: SiteForm, past: list[Past]) -> FormOut:
    """A form with its fields, ranges and last values."""
    form, profile = one.form, one.form.profile
    fields = []
    for channel, spec in profile.channels.items():
        low, high = form.range(channel)
        last = next((p for p in reversed(past) if p.counts and channel in p.good), None)
        names = {language: channel_name(profile, channel, language) for language in LANGUAGES}
        fields.append(
            FieldOut(
                channel=channel,
                vi=names["vi"],
                en=names["en"],
                hint_vi=spec.hint.vi if spec.hint else "",
                hint_en=spec.hint.en if spec.hint else "",
                unit=form.unit(channel),
                units=[form.unit(channel), *(unit for unit in spec.units if unit != form.unit(channel))],
                kind=CHANNELS[channel].kind.value,
                required=spec.required,
                low=form.on_face(channel, low),
                high=form.on_face(channel, high),
                usual=None
                if spec.expected is None
                else (form.on_face(channel, spec.expected[0]), form.on_face(channel, spec.expected[1])),
                last=None if last is None else form.shown(channel, last.good[channel]),
                last_time="" if last is None else iso_utc(last.entry.end_ns),
            )
        )
    hint = profile.form.hint
    return FormOut(
        instrument=one.item.id,
        name=one.item.name,
        asset=one.item.asset,
        profile=profile.id,
        measurement=one.measurement.value,
        title_vi=profile.form.title.vi,
        title_en=profile.form.title.en,
        hint_vi=hint.vi if hint else "",
        hint_en=hint.en if hint else "",
        period=profile.form.period,
        photo=profile.form.photo,
        fields=fields,
    )


def past_out(past: list[Past], refused: list[tuple[str, str]]) -> list[PastOut]:
    """Entries handed in before, newest first; what was set aside last."""
    rows = [
        PastOut(
            id=one.entry.id,
            state=one.state,
            start=iso_utc(one.entry.start_ns),
            end=iso_utc(one.entry.end_ns),
            typed=dict(one.entry.typed),
            units=dict(one.entry.units),
            operator=one.entry.operator,
            note=one.entry.note,
            photo=one.entry.photo,
            corrected=one.corrected,
            corrects="" if one.entry.withdrawal else one.entry.corrects,
            withdrawn=one.withdrawn is not None,
            withdraws=one.entry.corrects if one.entry.withdrawal else "",
        )
        for one in reversed(past)
    ]
    gone = [
        PastOut(
            id=name, state="refused", start="", end="", typed={}, units={}, operator="", note="", photo="", corrected=False,
            corrects="", why=why,
        )
        for name, why in refused
    ]  # fmt: skip
    return rows + gone


def typed_again(one: SiteForm, past: Past) -> tuple[dict[str, str], dict[str, str]]:
    """Texts and chosen units that give an earlier entry's values again."""
    typed, units = dict(past.entry.typed), dict(past.entry.units)
    for channel, unit in past.entry.units.items():
        spec = one.form.profile.channels.get(channel)
        offered = spec is not None and unit in (one.form.unit(channel), *spec.units)
        number = parse_number(typed[channel])
        if not offered and number is not None and not number.unit:
            typed[channel] = f"{typed[channel]} {unit}"
    return typed, units


def title_of(one: SiteForm, language: Language) -> str:
    """What a form is called: the instrument's name, else the profile's title."""
    return one.item.name or of(one.form.profile.form.title, language)
