"""The audit register: options, plans, frozen baselines and verified savings, appended and chained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import Refusal, Savings
from audit._chain import Chain, Entry
from audit._figures import check_figures
from audit._late import late
from audit._sql import Row
from audit.decisions import Decision, check_decision, decided, ledger_of, saving_with
from audit.evidence import evidence_of
from audit.isolated_register import IsolatedRegister
from audit.models import baseline_frame, fit_plan, freeze, model_of, warmed
from audit.periods import frame_digest, gaps_of, last_day, period_frame
from audit.plans import check_option, check_plan
from audit.records import FrozenBaseline, Money, Option, Plan, SavingCase, VerifiedSaving
from dodac.clock import Clock
from dodac.contracts import Store
from dodac.errors import DataError, IntegrityError, Where

if TYPE_CHECKING:
    import pandas as pd


class Register:
    """One SQLite file of entries that are never changed: a correction is a new entry.

    Each entry carries the SHA-256 of its body and of the entry before it; every reading checks the
    whole chain and raises IntegrityError when an entry is not what was written. Any thread or
    process may use it. The file is made with the first entry. isolated: its entries of options A and B.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._chain = Chain(path)
        self._clock = clock
        self.isolated = IsolatedRegister(self._chain, clock)

    @property
    def path(self) -> Path:
        return self._chain.path

    # reading

    def options(self) -> tuple[Option, ...]:
        """The options as they stand, corrections applied, in the order registered."""
        return self._chain.latest(Option)

    def plans(self) -> tuple[Plan, ...]:
        """The plans as they stand, corrections applied."""
        return self._chain.latest(Plan)

    def baselines(self) -> tuple[FrozenBaseline, ...]:
        """All frozen baselines, the earlier ones of a plan too."""
        return self._chain.latest(FrozenBaseline)

    def savings(self) -> tuple[VerifiedSaving, ...]:
        """All verified savings in the order verified."""
        return self._chain.latest(VerifiedSaving)

    def frozen(self, plan_id: str) -> FrozenBaseline:
        """The baseline that holds for a plan; DataError when there is none, or the plan was corrected since."""
        return self._frozen(self.plan(plan_id))

    def decisions(self, plan_id: str) -> tuple[Decision, ...]:
        """What was decided about events of a plan, corrections applied."""
        return tuple(found for found in self._chain.latest(Decision) if found.plan == plan_id)

    def option(self, id: str) -> Option:
        """The option of that id; DataError naming the nearest one otherwise."""
        return self._chain.one(Option, id)

    def plan(self, id: str) -> Plan:
        """The plan of that id; DataError naming the nearest one otherwise."""
        if self.isolated.has_plan(id):
            raise DataError(
                f'"{id}" is a plan of tests: it has no course over time.',
                todo="Look at its saving instead: dodac audit list, dodac audit case SAVING.",
            )
        return self._chain.one(Plan, id)

    def baseline(self, id: str) -> FrozenBaseline:
        """The frozen baseline of that id; DataError otherwise."""
        return self._chain.one(FrozenBaseline, id)

    def saving(self, id: str) -> VerifiedSaving:
        """The verified saving of that id; DataError otherwise."""
        return self._chain.one(VerifiedSaving, id)

    def entries(self) -> tuple[Row, ...]:
        """Every entry, superseded ones too, after checking the chain."""
        return self._chain.entries()

    # writing

    def add_option(self, option: Option, *, why: str = "") -> Option:
        """Registers an option, or with `why` a correction of it.

        Raises ConfigError for an incomplete option, DataError when the id is taken and no reason is given.
        """
        check_option(option)
        return self._append(replace(option, registered_ns=self._clock.now_ns()), why)

    def add_plan(self, plan: Plan, *, why: str = "") -> Plan:
        """Registers the M&V plan of an option, or with `why` a correction of it.

        Raises ConfigError for a plan that can't be carried out, DataError when its option is not
        registered, or the id is taken and no reason is given.
        """
        check_plan(plan)
        self._chain.one(Option, plan.option)
        self.isolated.check_free(plan.id)
        return self._append(replace(plan, registered_ns=self._clock.now_ns()), why)

    def add_decision(self, decision: Decision, *, why: str = "") -> Decision:
        """Registers what a person decided about an event, or with `why` a correction of it.

        Raises ConfigError for one that does not fit its plan, DataError when the plan is not
        registered, or the id is taken and no reason is given, or by another plan.
        """
        check_decision(decision, self.plan(decision.plan), self._chain.latest(Decision))
        return self._append(replace(decision, registered_ns=self._clock.now_ns()), why)

    def freeze_baseline(self, plan_id: str, store: Store, *, why: str = "") -> FrozenBaseline | Refusal:
        """Fits the plan's baseline on its baseline period and fixes it; reads nothing later.

        A plan that has a frozen baseline already needs a reason `why` for another one; the earlier
        stays. Returns the Refusal when no baseline can be fitted. Raises DataError when the plan,
        its instruments or its channels are not there.
        """
        plan = self.plan(plan_id)
        earlier = [found for found in self.baselines() if found.plan == plan.id]
        if earlier and not why:
            raise DataError(
                f'plan "{plan.id}" has a frozen baseline already ({earlier[-1].id}).',
                todo="Give a reason to freeze another one; the first stays in the register.",
            )
        frame = period_frame(store, plan, plan.baseline)
        decisions = [found for found in self.decisions(plan.id) if found.period == "baseline"]
        prepared, events = decided(frame, ledger_of(plan, decisions), "baseline")
        model = fit_plan(plan, prepared, events)
        if isinstance(model, Refusal):
            return model
        evidence = evidence_of(store, plan, plan.baseline)
        name = f"{plan.id}-b{len(earlier) + 1}"
        digest = self._chain.body_digest(Plan, plan.id)
        now_ns, told = self._clock.now_ns(), self._digests(decisions)
        return self._append(freeze(name, plan, digest, model, frame, evidence, now_ns, told), why)

    def verify(self, plan_id: str, store: Store) -> VerifiedSaving | Refusal:
        """The saving of the plan's reporting period against its frozen baseline, registered.

        Verifying again with nothing changed gives the entry that is there. Returns the Refusal when
        there is no number to give. Raises DataError without a frozen baseline or when the plan was
        corrected since, IntegrityError when the baseline's readings are not those it was fitted on.
        """
        plan = self.plan(plan_id)
        baseline = self._frozen(plan)
        self._check_baseline(plan, baseline, store)
        decisions = self._in_force(plan, baseline)
        frame = period_frame(store, plan, plan.reporting)
        model, weather = warmed(model_of(baseline), plan, store, plan.reporting[0])
        both = saving_with(plan, model, frame, decisions, store, plan.confidence)
        if isinstance(both, Refusal):
            return both
        result, unadjusted = replace(both[0], end=last_day(plan, frame)), both[1]
        mine = [found for found in self.savings() if found.plan == plan.id]
        money, money_half_width = _money(plan, result)
        verified = VerifiedSaving(
            id=f"{plan.id}-s{len(mine) + 1}",
            plan=plan.id,
            baseline=baseline.id,
            verified_ns=self._clock.now_ns(),
            start=result.start,
            end=result.end,
            unit=result.unit,
            adjusted_baseline=result.adjusted_baseline,
            measured=result.measured,
            saving=result.saving,
            half_width=result.uncertainty.half_width,
            confidence=result.uncertainty.confidence,
            method=result.uncertainty.method,
            intervals=result.intervals,
            excluded=result.excluded,
            findings=(
                *result.findings,
                *late(plan.zone, plan.registered_ns, baseline.frozen_ns, plan.blackout, plan.reporting),
            ),
            evidence=evidence_of(store, plan, plan.reporting),
            money=money,
            money_half_width=money_half_width,
            data_digest=frame_digest(frame),
            decisions=self._digests(decisions),
            unadjusted=unadjusted,
            interval=baseline.interval,
            weather_before=weather,
        )
        if mine and replace(verified, id=mine[-1].id, verified_ns=mine[-1].verified_ns) == mine[-1]:
            return mine[-1]
        return self._append(verified, "")

    def case(
        self, saving_id: str, store: Store, instruments_facts: Mapping[str, Mapping[str, str]] | None = None
    ) -> SavingCase:
        """All that a report shows of a verified saving, computed again from the readings.

        instruments_facts: id → printed facts; those of other instruments are left out. Raises
        IntegrityError when readings or figures are not those that were registered.
        """
        verified = self.saving(saving_id)
        baseline = self.baseline(verified.baseline)
        plan = self._chain.version_of(Plan, baseline.plan, baseline.plan_digest)
        frame_before = self._check_baseline(plan, baseline, store)
        frame = period_frame(store, plan, plan.reporting)
        if frame_digest(frame) != verified.data_digest:
            raise IntegrityError(
                f"the readings of {plan.reporting[0]}..{plan.reporting[1]} are not those that "
                f'saving "{verified.id}" was verified on.',
                Where(file=str(self.path)),
                "Verify the plan again; the earlier saving stays in the register.",
            )
        model = model_of(baseline)
        decisions = self._chain.by_body_digest(Decision, verified.decisions)
        started = model
        if verified.weather_before:
            started, weather = warmed(model, plan, store, plan.reporting[0])
            if weather != verified.weather_before:
                raise IntegrityError(
                    f'the weather before {verified.start} is not what saving "{verified.id}" started from.',
                    Where(file=str(self.path)),
                    "Verify the plan again; the earlier saving stays in the register.",
                )
        both = saving_with(plan, started, frame, decisions, store, verified.confidence, verified.method)
        if isinstance(both, Refusal):
            raise IntegrityError(f'saving "{verified.id}" can\'t be computed again: {both.en}')
        result = replace(both[0], end=last_day(plan, frame))
        check_figures(
            verified.id,
            (
                ("adjusted baseline", verified.adjusted_baseline, result.adjusted_baseline),
                ("measured", verified.measured, result.measured),
                ("saving", verified.saving, result.saving),
                ("uncertainty", verified.half_width, result.uncertainty.half_width),
            ),
            verified.adjusted_baseline,
        )
        facts = instruments_facts or {}
        mine = dict.fromkeys([plan.energy[0], *(instrument for instrument, _ in plan.drivers.values())])
        return SavingCase(
            option=self.option(plan.option),
            plan=plan,
            baseline=baseline,
            verified=verified,
            savings=result,
            baseline_frame=baseline_frame(
                model, decided(frame_before, ledger_of(plan, decisions), "baseline")[0]
            ),
            instruments={name: dict(facts.get(name, {})) for name in mine},
            gaps=(*gaps_of(store, plan, plan.baseline), *gaps_of(store, plan, plan.reporting)),
        )

    # inside

    def _digests(self, decisions: Sequence[Decision]) -> tuple[str, ...]:
        return tuple(self._chain.body_digest(Decision, found.id) for found in decisions)

    def _in_force(self, plan: Plan, baseline: FrozenBaseline) -> tuple[Decision, ...]:
        """The plan's decisions; those about the baseline must be the ones it was frozen with."""
        decisions = self.decisions(plan.id)
        before = [found for found in decisions if found.period == "baseline"]
        if set(self._digests(before)) != set(baseline.decisions):
            raise DataError(
                f'what was decided about the baseline of plan "{plan.id}" changed after {baseline.id} was frozen.',
                todo=f"Freeze it again with a reason: dodac audit freeze {plan.id} --why …",
            )
        return decisions

    def _append(self, entry: Entry, why: str) -> Entry:
        return self._chain.append(entry, why, self._clock.now_ns())

    def _frozen(self, plan: Plan) -> FrozenBaseline:
        frozen = [found for found in self.baselines() if found.plan == plan.id]
        if not frozen:
            raise DataError(
                f'plan "{plan.id}" has no frozen baseline.',
                todo=f"Freeze it before reporting data are read: dodac audit freeze {plan.id}",
            )
        if frozen[-1].plan_digest != self._chain.body_digest(Plan, plan.id):
            raise DataError(
                f'plan "{plan.id}" was corrected after its baseline {frozen[-1].id} was frozen.',
                todo=f"Freeze it again with a reason: dodac audit freeze {plan.id} --why …",
            )
        return frozen[-1]

    def _check_baseline(self, plan: Plan, baseline: FrozenBaseline, store: Store) -> pd.DataFrame:
        frame = period_frame(store, plan, plan.baseline)
        if frame_digest(frame) != baseline.data_digest:
            raise IntegrityError(
                f"the readings of {plan.baseline[0]}..{plan.baseline[1]} are not those that "
                f'baseline "{baseline.id}" was fitted on.',
                Where(file=str(self.path)),
                "Look for readings that were added or lost since; freeze again with a reason if they are right.",
            )
        return frame


def _money(plan: Plan, result: Savings) -> tuple[Money | None, float | None]:
    if plan.price is None:
        return None, None
    amount = result.saving * plan.price.amount
    return replace(plan.price, amount=amount), result.uncertainty.half_width * plan.price.amount
