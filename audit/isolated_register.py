"""Options A and B in the register: the test before a measure is frozen, the one after it verified against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.results import Refusal
from audit._figures import check_figures
from audit._isolated_checks import check_isolated_plan
from audit._isolated_entry import entry_of
from audit._isolated_read import keep_files, kept_sources, read_test, same_test
from audit._isolated_sum import Computed, computed
from audit._isolated_switch import Switched, by_switching, drawn, read_switched
from audit.isolated import (
    FrozenTest,
    IsolatedCase,
    IsolatedPlan,
    IsolatedSaving,
    ReadAs,
    ReadTest,
)
from audit.records import Option, Plan
from dodac import __version__
from dodac.errors import ConfigError, DataError, IntegrityError, Where

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.isolation import SteadyRuns
    from audit._chain import Chain
    from audit._test_sources import Source
    from dodac.clock import Clock
    from dodac.contracts import Store


class IsolatedRegister:
    """The register's entries of options A and B: plans of tests, frozen tests, savings."""

    def __init__(self, chain: Chain, clock: Clock) -> None:
        self._chain = chain
        self._clock = clock

    # reading

    def plans(self) -> tuple[IsolatedPlan, ...]:
        """The plans of tests as they stand, corrections applied."""
        return self._chain.latest(IsolatedPlan)

    def baselines(self) -> tuple[FrozenTest, ...]:
        """All frozen tests, the earlier ones of a plan too."""
        return self._chain.latest(FrozenTest)

    def savings(self) -> tuple[IsolatedSaving, ...]:
        """All savings by options A and B in the order verified."""
        return self._chain.latest(IsolatedSaving)

    def has_plan(self, id: str) -> bool:
        """Is this the id of a plan of tests?"""
        return any(plan.id == id for plan in self.plans())

    def has_saving(self, id: str) -> bool:
        """Is this the id of a saving by option A or B?"""
        return any(saving.id == id for saving in self.savings())

    def plan_of(self, saving: IsolatedSaving) -> IsolatedPlan:
        """The version of the plan that a saving was verified by."""
        frozen = self._chain.one(FrozenTest, saving.baseline)
        return self._chain.version_of(IsolatedPlan, saving.plan, frozen.plan_digest)

    def check_free(self, id: str) -> None:
        """Raises DataError when a plan of tests has this id: commands name plans by it."""
        if self.has_plan(id):
            raise DataError(f'"{id}" is a plan of tests already.', todo="Give the new plan another id.")

    # writing

    def add_plan(self, plan: IsolatedPlan, *, why: str = "") -> IsolatedPlan:
        """Registers a plan of tests, or with `why` a correction of it.

        Raises ConfigError for a plan that can't be carried out, DataError when its option is not
        registered, or the id is taken and no reason is given.
        """
        check_isolated_plan(plan)
        self._chain.one(Option, plan.option)
        if any(other.id == plan.id for other in self._chain.latest(Plan)):
            raise DataError(
                f'"{plan.id}" is a plan with a baseline already.', todo="Give this one another id."
            )
        now_ns = self._clock.now_ns()
        return self._chain.append(replace(plan, registered_ns=now_ns), why, now_ns)

    def freeze(
        self, plan_id: str, sources: Sequence[Source], read_as: ReadAs, store: Store | None, *, why: str = "",
        notes: list[str] | None = None,
    ) -> FrozenTest | Refusal:  # fmt: skip
        """Reads the test before the measure and fixes it; its files are kept beside the register.

        Raises DataError when the plan has a frozen test already and no reason `why` is given. Returns the
        Refusal when there are too few runs.
        """
        plan = self._chain.one(IsolatedPlan, plan_id)
        if bool(sources) == (plan.test == "on_off"):
            raise _no_test(plan, "before")
        earlier = [found for found in self.baselines() if found.plan == plan.id]
        if earlier and not why:
            raise DataError(
                f'plan "{plan.id}" has a frozen test already ({earlier[-1].id}).',
                todo="Give a reason to freeze another one; the first stays in the register.",
            )
        lots: tuple[tuple[str, bool], ...] = ()
        if plan.test == "on_off":
            test, lots = drawn(plan)
        else:
            read = _read(plan, sources, read_as, store, notes, "before")
            if isinstance(read, Refusal):
                return read
            test = read[1]
        keep_files(sources, self._chain.path)
        now_ns = self._clock.now_ns()
        frozen = FrozenTest(
            f"{plan.id}-b{len(earlier) + 1}", plan.id, now_ns,
            self._chain.body_digest(IsolatedPlan, plan.id), test, __version__, lots,
        )  # fmt: skip
        return self._chain.append(frozen, why, now_ns)

    def verify(
        self, plan_id: str, sources: Sequence[Source], read_as: ReadAs, store: Store | None,
        notes: list[str] | None = None,
    ) -> IsolatedSaving | Refusal:  # fmt: skip
        """The saving of the test after the measure against the frozen one, registered.

        Without sources those of the last saving are read again; with nothing changed the entry that is there is
        given. Raises DataError without a frozen test or when the plan was corrected since, IntegrityError when
        the frozen test is not what was read.
        """
        plan = self._chain.one(IsolatedPlan, plan_id)
        frozen = self._frozen(plan)
        mine = [found for found in self.savings() if found.plan == plan.id]
        if bool(sources) if plan.test == "on_off" else not (sources or mine):
            raise _no_test(plan, "after")
        if not sources and mine and plan.test != "on_off":
            sources, read_as = kept_sources(mine[-1].test, self._chain.path), mine[-1].test.read_as
            notes = None  # they were told when it was first read
        found: Computed | Switched | Refusal
        if plan.test == "on_off":
            frame, test = read_switched(plan, store)
            found = by_switching(plan, frame)
        else:
            before = self._again(plan, frozen.test, store, f'frozen test "{frozen.id}"')
            read = _read(plan, sources, read_as, store, notes, "after")
            if isinstance(read, Refusal):
                return read
            found, test = computed(plan, before, read[0]), read[1]
        if isinstance(found, Refusal):
            return found
        if plan.test != "on_off":
            keep_files(sources, self._chain.path)
        now_ns = self._clock.now_ns()
        made = entry_of(f"{plan.id}-s{len(mine) + 1}", plan, frozen, test, found, now_ns)
        if mine and replace(made, id=mine[-1].id, verified_ns=mine[-1].verified_ns) == mine[-1]:
            return mine[-1]
        return self._chain.append(made, "", now_ns)

    def case(
        self,
        saving_id: str,
        store: Store | None,
        instruments_facts: Mapping[str, Mapping[str, str]] | None = None,
    ) -> IsolatedCase:
        """All that a report shows of a saving by option A or B, computed again from files and samples.

        Raises IntegrityError when files, samples or figures are not those that were registered.
        """
        verified = self._chain.one(IsolatedSaving, saving_id)
        frozen = self._chain.one(FrozenTest, verified.baseline)
        plan = self._chain.version_of(IsolatedPlan, frozen.plan, frozen.plan_digest)
        found: Computed | Switched | Refusal
        if plan.test == "on_off":
            frame, test = read_switched(plan, store)
            if not same_test(test, verified.test) or drawn(plan)[1] != frozen.lots:
                raise _not_what_was_read(f'saving "{verified.id}"', self._chain.path)
            found = by_switching(plan, frame)
        else:
            before = self._again(plan, frozen.test, store, f'frozen test "{frozen.id}"')
            after = self._again(plan, verified.test, store, f'saving "{verified.id}"')
            found = computed(plan, before, after)
        if isinstance(found, Refusal):
            raise IntegrityError(f'saving "{verified.id}" can\'t be computed again: {found.en}')
        again = entry_of(verified.id, plan, frozen, verified.test, found, verified.verified_ns)
        names = ("saving", "half_width", "coverage_factor", "before", "after", "share", "stipulated_share")
        check_figures(verified.id, [(name, getattr(verified, name), getattr(again, name)) for name in names])
        facts = instruments_facts or {}
        sources = dict.fromkeys(
            source.name for test in (frozen.test, verified.test) for source in test.sources if source.evidence
        )
        return IsolatedCase(
            option=self._chain.one(Option, plan.option),
            plan=plan,
            baseline=frozen,
            verified=verified,
            instruments={name: dict(facts.get(name, {})) for name in sources},
        )

    # inside

    def _frozen(self, plan: IsolatedPlan) -> FrozenTest:
        frozen = [found for found in self.baselines() if found.plan == plan.id]
        if not frozen:
            raise DataError(
                f'plan "{plan.id}" has no frozen test.',
                todo=f"Freeze it before the test after the measure is read: dodac audit freeze {plan.id} --test …",
            )
        if frozen[-1].plan_digest != self._chain.body_digest(IsolatedPlan, plan.id):
            raise DataError(
                f'plan "{plan.id}" was corrected after its test {frozen[-1].id} was frozen.',
                todo=f"Freeze it again with a reason: dodac audit freeze {plan.id} --test … --why …",
            )
        return frozen[-1]

    def _again(self, plan: IsolatedPlan, test: ReadTest, store: Store | None, what: str) -> SteadyRuns:
        """The runs of a registered test, read again; IntegrityError when they are not what was read."""
        read = read_test(plan, kept_sources(test, self._chain.path), test.read_as, store, [])
        if isinstance(read, Refusal) or not same_test(read[1], test):
            raise _not_what_was_read(what, self._chain.path)
        return read[0]


def _no_test(plan: IsolatedPlan, side: str) -> ConfigError:
    if plan.test == "on_off":
        return ConfigError(f'plan "{plan.id}" reads its meters by itself.', todo="Leave --test out.")
    return ConfigError(
        f'plan "{plan.id}" goes by tests: none is named.',
        todo=f"Name the one {side} the measure: --test FILE.",
    )


def _not_what_was_read(what: str, path: Path) -> IntegrityError:
    return IntegrityError(
        f"the test of {what} is not what was read.",
        Where(file=str(path)),
        "Look for samples that were added or lost since; freeze or verify again if they are right.",
    )


def _read(
    plan: IsolatedPlan,
    sources: Sequence[Source],
    read_as: ReadAs,
    store: Store | None,
    notes: list[str] | None,
    side: str,
) -> tuple[SteadyRuns, ReadTest] | Refusal:
    from analysis.isolation import _words as words
    from analysis.isolation import steady_rules

    read = read_test(plan, sources, read_as, store, [] if notes is None else notes)
    if isinstance(read, Refusal):
        return read
    runs, least = read[0].runs, int(steady_rules(plan.kind)["runs"])
    if len(runs) < least:
        return words.refuse_few_runs(side, len(runs), least)
    if plan.blackout is not None:
        first, last = (moment.strftime("%Y-%m-%d") for moment in (runs[0].start, runs[-1].end))
        if (last >= plan.blackout[0]) if side == "before" else (first <= plan.blackout[1]):
            raise DataError(
                f'plan "{plan.id}": the test {side} the measure is of {first}..{last}, the works of '
                f"{plan.blackout[0]}..{plan.blackout[1]}.",
                todo="Name the right test, or correct the plan's blackout with a reason.",
            )
    return read
