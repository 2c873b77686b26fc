"""Evidence counts and digests the samples themselves."""

from audit.evidence import evidence_of
from dodac.clock import DAY_NS, parse_time_ns
from dodac.samples import Flag, Layout, Reason

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


def test_a_period_without_samples_says_so(store, plan):
    empty = evidence_of(store, plan, ("2020-01-01", "2020-12-31"))
    assert {(item.samples, item.first_ns, item.last_ns) for item in empty} == {(0, 0, 0)}
