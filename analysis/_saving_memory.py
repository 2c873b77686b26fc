"""What the memory of a baseline's errors has to say about a saving: none kept, long, or not to be seen."""

from __future__ import annotations

from collections.abc import Sequence

from analysis import _saving_words as words
from analysis._memory import memory_of
from analysis.data import Interval
from analysis.results import Finding, Model, Uncertainty

_STRONG_KAPPA = (1.0 + 0.7) / (1.0 - 0.7)
_WIDE = 1.5
_ENOUGH_ROWS = 24
# probability of a memory without end (0.05 before the residuals were seen) from which it is told
_ENDLESS = 0.2


def memory_findings(
    model: Model, chosen: Uncertainty, others: Sequence[Uncertainty], method: str
) -> list[Finding]:
    """Findings about one model of a saving: `no_memory`, `strong_memory`, `long_memory`, `few_rows`.

    chosen: the uncertainty that counts (with n_effective of this model), others: the methods beside
    it; method: the one that was asked for.
    """
    found = []
    if chosen.method != method:
        found.append(words.no_memory())
    memory = memory_of(model)
    blocks = model.statistics.n / (memory.per_block if memory else 1)
    every = {each.method: _of_model(each) for each in (chosen, *others)}
    plain = every.get("exact", 0.0)
    wider = every.get("exact_memory", 0.0) / plain if plain > 0.0 else 1.0
    strong = blocks > _STRONG_KAPPA * chosen.n_effective or wider >= _WIDE
    if strong and blocks >= _ENOUGH_ROWS:
        unit = "day" if memory and memory.per_block > 1 else model.interval
        rho, period = model.statistics.rho, (model.start[:10], model.end[:10])
        found.append(words.strong_memory(rho, chosen.n_effective, unit, wider, period))
    if memory and memory.endless >= _ENDLESS and chosen.method == "exact_memory":
        found.append(words.long_memory(memory.endless, (model.start[:10], model.end[:10])))
    if Interval(model.interval) in (Interval.MONTH, Interval.BILL) and model.statistics.n < _ENOUGH_ROWS:
        found.append(words.few_rows(model.statistics.n, _ENOUGH_ROWS, model.interval))
    return found


def _of_model(uncertainty: Uncertainty) -> float:
    """Its half width without meters and adjustments."""
    own = [part.half_width for part in uncertainty.parts if part.kind == "model"]
    return own[0] if own else uncertainty.half_width
