"""The live stream as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from api.deps import ContextDep
from api.live import MAX_CLIENTS
from api.problems import problem

router = APIRouter(prefix="/api", tags=["live"])


@router.get("/live", response_model=None, responses={200: {"content": {"text/event-stream": {}}}})
async def live(context: ContextDep, last_event_id: Annotated[str | None, Header()] = None) -> Response:
    """One event per new sample; `snapshot` first, or what was missed since Last-Event-ID (a seq)."""
    if context.hub.clients >= MAX_CLIENTS:
        return problem(503, "too many pages", f"{MAX_CLIENTS} pages listen already; close some.")
    last = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
    return StreamingResponse(
        context.hub.stream(last),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
