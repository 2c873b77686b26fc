"""Health, ledger and metrics: of the running collector, and of the journal where none runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from api.deps import ContextDep
from api.models import EntriesOut, Fault, Health, LedgerOut, LedgerRow, SinkRow
from api.problems import NotFound
from collector.health import content_type, ledger, metrics_text
from dodac import __version__

router = APIRouter(tags=["health"])


@router.get("/health", include_in_schema=False)
def health_word(context: ContextDep) -> Response:
    """For load balancers and containers: one word, 200 when the collector is well, else 503; no details."""
    status = context.collector.health()["status"]
    return PlainTextResponse(status + "\n", 200 if status == "ok" else 503)


@router.get("/api/health")
def health(request: Request, context: ContextDep) -> Health:
    """Whether the page follows the journal; to who may know, also how the collector is."""
    hub = context.hub
    told = Health(status="ok", version=__version__, journal=hub.following, seq=hub.seq, pages=hub.clients)
    if not request.scope.get("dodac.known", False):
        return told
    found = context.collector.health()
    picture = context.collector.seen().picture or {}
    return told.model_copy(
        update={
            "collector": found["status"],
            "faults": [Fault(**fault) for fault in found["faults"]],
            "loops": picture.get("loops", []),
            "disk": picture.get("journal") or {},
            "ingest": picture.get("ingest", {}),
            "sinks": picture.get("sinks", []),
        }
    )


@router.get("/api/collector")
def collector(context: ContextDep) -> dict[str, Any]:
    """The whole picture of the running collector, of this moment."""
    picture = context.collector.seen().picture
    if picture is None:
        raise NotFound("No dodac run works on this journal now.")
    return picture


@router.get("/api/ledger")
def ledger_now(context: ContextDep) -> LedgerOut:
    """Where every sample is, since the journal began; in flight too while the collector runs."""
    store = context.journals.store()
    seen = context.collector.seen()
    found = ledger(seen, store, context.site)
    rows = [LedgerRow(**asdict(row)) for row in found.sources]
    sinks = [SinkRow(**asdict(row)) for row in found.sinks]
    entries = EntriesOut(**asdict(context.desk.waiting_state()))
    return LedgerOut(
        rows=rows,
        sinks=sinks,
        balanced=found.balanced(),
        running=seen.running,
        last_seq=store.last_seq(),
        entries=entries,
    )


@router.get("/metrics", include_in_schema=False)
def metrics(context: ContextDep) -> Response:
    """Prometheus text; the same token as for the rest."""
    seen = context.collector.seen()
    found = ledger(seen, context.journals.store_or_none(), context.site)
    text = metrics_text(seen, found, context.clock.now_ns())
    return Response(text, headers={"content-type": content_type()})
