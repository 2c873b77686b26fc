"""audit: the register of options, plans, frozen baselines and verified savings, and their evidence."""

from audit.models import fit_plan, model_of
from audit.periods import frame_digest, period_frame
from audit.records import (
    Evidence,
    FrozenBaseline,
    Money,
    Option,
    Plan,
    SavingCase,
    VerifiedSaving,
)
from audit.register import Register

__all__ = [
    "Evidence",
    "FrozenBaseline",
    "Money",
    "Option",
    "Plan",
    "Register",
    "SavingCase",
    "VerifiedSaving",
    "fit_plan",
    "frame_digest",
    "model_of",
    "period_frame",
]
