"""Verified savings as JSON: the same figures as page and report."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import Context, ContextDep
from api.models import FrameOut, SavingLine, SavingOut, frame_out, saving_line, saving_out
from api.problems import NotFound
from audit.canonical import plain
from audit.records import SavingCase
from dodac.quantities import nearest

router = APIRouter(prefix="/api/savings", tags=["savings"])


def case_of(context: Context, id: str) -> SavingCase:
    """The case of a saving; NotFound naming the nearest one otherwise."""
    known = [item.id for item in context.cases.savings()]
    if id not in known:
        near = nearest(id, known)
        hint = f' Did you mean "{near}"?' if near else ""
        raise NotFound(f'There is no verified saving "{id}".{hint}')
    return context.cases.case(id)


@router.get("")
def savings(context: ContextDep) -> list[SavingLine]:
    """All verified savings, newest first."""
    return [saving_line(item) for item in context.cases.savings()]


def is_tested(context: Context, id: str) -> bool:
    """Is this the id of a saving by tests?"""
    return any(item.id == id for item in context.cases.tested())


@router.get("/tests")
def tested(context: ContextDep) -> list[dict[str, Any]]:
    """All savings by tests (IPMVP options A and B) as the register has them, newest first."""
    return [dict(plain(item)) for item in context.cases.tested()]


@router.get("/{id}")
def saving(context: ContextDep, id: str) -> SavingOut:
    """One saving with its uncertainties, baseline, findings and evidence."""
    return saving_out(case_of(context, id))


@router.get("/{id}/frame")
def frame(context: ContextDep, id: str) -> FrameOut:
    """The intervals behind a saving."""
    return frame_out(case_of(context, id))
