"""Reads one side of a plan of tests: its steady runs, and where they came from, kept so that they can be read again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from analysis.isolation import SteadyRuns, runs_from_rows, steady_rules, steady_runs
from analysis.results import Refusal
from audit._test_sources import Source, Written, channels_told, samples_frame
from audit.canonical import sha256
from audit.evidence import evidence_of_channels
from audit.isolated import CountedRun, IsolatedPlan, ReadAs, ReadTest, TakenFrom
from dodac.contracts import Store
from dodac.durable import sync
from dodac.errors import DataError, IntegrityError, StorageError, Where


def files_beside(register: Path) -> Path:
    """The folder in which a register keeps the files that tests were read from."""
    return register.with_name(f"{register.stem}-files")


def read_test(
    plan: IsolatedPlan, sources: Sequence[Source], read_as: ReadAs, store: Store | None, notes: list[str]
) -> tuple[SteadyRuns, ReadTest] | Refusal:
    """The steady runs of one side and the record of them; notes: gets what was guessed.

    Raises ConfigError for a channel that is not there, DataError when a file can't be read without guessing.
    """
    rules = steady_rules(plan.kind)
    written = Written(read_as.time or None, read_as.date_format or None, read_as.sheet or None)
    frame = samples_frame(
        sources, rules, channels_told(read_as.channels), plan.zone, lambda: _there(store), notes, written
    )
    found = (runs_from_rows if read_as.rows else steady_runs)(frame, plan.kind)
    if isinstance(found, Refusal):
        return found
    runs = tuple(
        CountedRun(
            run.start.isoformat(), run.end.isoformat(), run.samples,
            {name: float(mean) for name, mean in run.means.items() if math.isfinite(mean)},
        )
        for run in found.runs
    )  # fmt: skip
    return found, ReadTest(
        sources=tuple(_taken(plan, source, store) for source in sources),
        read_as=read_as,
        runs=runs,
        not_counted=found.refused,
        findings=found.findings,
        digest=_digest(runs),
    )


def keep_files(sources: Sequence[Source], register: Path) -> None:
    """Copies the files of a test beside the register, each under the SHA-256 of its bytes."""
    for source in sources:
        if source.path is not None:
            kept = files_beside(register) / _kept_name(source.name, _sha(source.path))
            if kept != source.path and not kept.exists():
                try:
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    part = kept.with_name(f"{kept.name}.part")
                    part.write_bytes(source.path.read_bytes())
                    sync(part)
                    part.replace(kept)
                except OSError as error:
                    raise StorageError(
                        f"the test's file can't be kept: {error.strerror}.", Where(file=str(kept))
                    ) from None


def kept_sources(test: ReadTest, register: Path) -> tuple[Source, ...]:
    """The sources of a registered test as they are kept; IntegrityError for a file that is gone or another one."""
    found = []
    for taken in test.sources:
        path: Path | None = None
        if taken.sha256:
            path = files_beside(register) / _kept_name(taken.name, taken.sha256)
            if not path.is_file() or _sha(path) != taken.sha256:
                raise IntegrityError(
                    f'the file "{taken.name}" of a registered test is {"not the one that was read" if path.is_file() else "gone"}.',
                    Where(file=str(path)),
                    "Restore it from a copy: its name is the SHA-256 of its bytes.",
                )
        found.append(Source(taken.name, path, taken.period))
    return tuple(found)


def same_test(one: ReadTest, other: ReadTest) -> bool:
    """Are these the same runs of the same files and samples?"""
    return one.digest == other.digest and one.sources == other.sources


def _taken(plan: IsolatedPlan, source: Source, store: Store | None) -> TakenFrom:
    name = Path(source.name).name
    if source.path is not None:
        return TakenFrom(name, source.period, _sha(source.path))
    assert source.period is not None  # noqa: S101 - an instrument has its days
    with _there(store) as journal:
        channels = tuple((source.name, channel) for channel in journal.channels(source.name))
        evidence = evidence_of_channels(journal, channels, plan.zone, source.period)
    return TakenFrom(name, source.period, "", evidence)


def _there(store: Store | None) -> AbstractContextManager[Store]:
    if store is None:
        raise DataError(
            "a test names an instrument, and there is no journal.",
            todo="Collect first (dodac run), import a file (dodac import), or name the test's file.",
        )
    return nullcontext(store)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _kept_name(name: str, digest: str) -> str:
    return f"{digest}{Path(name).suffix.lower()}"


def _digest(runs: Sequence[CountedRun]) -> str:
    def told(means: Mapping[str, float]) -> dict[str, str]:
        return {name: f"{value:.9e}" for name, value in means.items()}

    return sha256([[run.start, run.end, run.samples, told(run.means)] for run in runs])
