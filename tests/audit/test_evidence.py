"""Evidence counts and digests the samples themselves."""

from audit.evidence import evidence_of
from dodac.clock import DAY_NS, parse_time_ns
from dodac.contracts import Event, EventKind
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason
from store import Journal

MAIN = Layout("main", ("energy_interval_kwh",))


def test_the_evidence_of_a_period_changes_with_any_of_its_samples(store, plan, write):
    before = evidence_of(store, plan, plan.baseline)
    assert [(item.instrument, item.channel, item.samples) for item in before] == [
        ("main", "energy_interval_kwh", 365),
        ("weather", "temperature_c", 365),
    ]
    assert before[0].first_ns == parse_time_ns("2023-01-01T12:00", plan.zone)
    assert before[0].last_ns == parse_time_ns("2023-12-31T12:00", plan.zone)
    noon = parse_time_ns("2023-06-07T13:00", plan.zone)
    write(MAIN.sample(noon, {}, flags=[Flag("energy_interval_kwh", Reason.CRC)], span_ns=DAY_NS))
    after = evidence_of(store, plan, plan.baseline)
    assert (after[0].samples, after[0].flagged) == (366, 1)
    assert after[0].digest != before[0].digest
    assert after[1] == before[1]


def test_packing_the_history_changes_no_evidence(store, plan, journal_path):
    before = evidence_of(store, plan, plan.baseline)
    with Journal.open(journal_path) as journal:
        assert journal.pack(1 << 62, limit=1 << 20, whole=False) == 2 * (365 + 366)
    assert evidence_of(store, plan, plan.baseline) == before


def test_an_exchange_of_the_meter_is_part_of_the_evidence_whenever_it_is_told(store, plan, journal_path):
    """Amounts are made of readings and of what was told about the meter."""
    before = evidence_of(store, plan, plan.baseline)
    noon = parse_time_ns("2023-06-07T12:00", plan.zone)
    ends = {"end.energy_import_kwh": 501.5, "start.energy_import_kwh": 7.0, "operator": "Lân"}

    def tell(kind, instrument, time_ns, **more):
        with Journal.open(journal_path) as journal:
            event = Event(time_ns, kind, "told", "exchange", instrument, data={**ends, **more})
            journal.commit([("exchange", event)])
        return evidence_of(store, plan, plan.baseline)

    digests = [before[0].digest]
    tell(EventKind.ALARM, "main", noon)
    tell(EventKind.EXCHANGE, "another", noon)
    tell(EventKind.EXCHANGE, "main", parse_time_ns("2024-06-07T12:00", plan.zone))
    assert evidence_of(store, plan, plan.baseline) == before
    for kind, more in (
        (EventKind.EXCHANGE, {}),
        (EventKind.EXCHANGE, {"withdrawn": 1}),
        (EventKind.ROLLOVER, {"end.energy_import_kwh": 501.6}),
    ):
        after = tell(kind, "main", noon, **more)
        assert after[0].samples == before[0].samples
        assert after[1] == before[1]
        digests.append(after[0].digest)
    assert len(set(digests)) == 4


def test_a_period_without_samples_says_so(store, plan):
    empty = evidence_of(store, plan, ("2020-01-01", "2020-12-31"))
    assert {(item.samples, item.first_ns, item.last_ns) for item in empty} == {(0, 0, 0)}


def test_the_evidence_pins_what_was_typed_and_the_photo_of_it(plan):
    """A bill with the same amount and another photo, or taken back later, is other evidence."""
    noon = parse_time_ns("2023-06-07T12:00", plan.zone)

    class Typed:
        def __init__(self, photo: str, *, withdrawn: bool = False) -> None:
            raw = b'{"channels":{},"photo":{"sha256":"' + photo.encode() + b'"}}'
            self.rows = [MAIN.sample(noon, {"energy_interval_kwh": 125430.0}, span_ns=DAY_NS, raw=raw)]
            if withdrawn:
                flag = Flag("energy_interval_kwh", Reason.WITHDRAWN, 125430.0)
                self.rows.append(MAIN.sample(noon, {}, flags=[flag], span_ns=DAY_NS, part=FIRST_REVISION))

        def samples(self, instrument: str, *_: int):
            return iter(self.rows if instrument == "main" else [])

        def events(self, *_: int):
            return []

    digests = [
        evidence_of(made, plan, plan.baseline)[0].digest
        for made in (Typed("a" * 64), Typed("a" * 64), Typed("b" * 64), Typed("a" * 64, withdrawn=True))
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
