"""The application: routes, door, live stream and errors put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from api.collector_view import CollectorView
from api.deps import Context
from api.live import Hub, Tail
from api.problems import NotFound, problem, status_of
from api.render import error_page
from api.routes import ROUTERS
from api.security import Door, check_token, is_loopback
from api.sources import Cases, Journals, RegisterCases
from collector.enter import Desk
from dodac import __version__
from dodac.clock import Clock, SystemClock
from dodac.errors import ConfigError, DodacError
from dodac.site import Site
from store import JournalStore

_STATIC: Final = Path(__file__).parent / "static"
CATCH_UP_S: Final = 5.0


def create_app(
    site: Site,
    *,
    journal_path: Path | None = None,
    register_path: Path | None = None,
    clock: Clock | None = None,
    live: Callable[[], Tail] | None = None,
    cases: Cases | None = None,
    host: str | None = None,
    token: str | None = None,
    heartbeat_s: float = 10.0,
) -> FastAPI:
    """The page and the API of one site.

    host: where it will listen, by default the site file's [serve] host. Off this machine a token is
    needed: from `token`, else from the site's token_file. live: opens what the live page follows, and
    cases: where savings come from; by default journal and register of the site.
    Raises ConfigError without a token where one is needed, or for one that is too short.
    """
    clock = clock or SystemClock()
    host = site.serve.host if host is None else host
    if token is None and site.serve.token_file is not None:
        token = site.secret(site.serve.token_file)
    if token is not None:
        check_token(token)
    elif not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and there is no access token.",
            todo="Give --token-file FILE (or token_file under [serve]), or listen on 127.0.0.1.",
        )
    path = site.journal_path if journal_path is None else journal_path
    journals = Journals(path)
    hub = Hub(live or (lambda: JournalStore(path)), clock, heartbeat_s=heartbeat_s)
    register = site.register_path if register_path is None else register_path
    context = Context(
        site=site,
        clock=clock,
        hub=hub,
        journals=journals,
        cases=cases or RegisterCases(register, journals, clock),
        needs_token=token is not None,
        desk=Desk(site, clock, journals.if_there),
        collector=CollectorView(path, clock),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        hub.start()
        # the first page shows what is newest, not what was read first; a journal that never ends is not waited for
        await hub.caught_up(CATCH_UP_S)
        yield
        await hub.stop()
        journals.close()

    app = FastAPI(
        title="dodac", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        lifespan=lifespan,
    )  # fmt: skip
    app.state.context = context
    app.state.hub = hub
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    _add_errors(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Door, token=token, only_this_machine=token is None)
    return app


def _add_errors(app: FastAPI) -> None:
    """One shape for every error: a problem document under /api, a page elsewhere."""

    def answer(request: Request, status: int, title: str, detail: str) -> Response:
        if request.url.path.startswith("/api/"):
            return problem(status, title, detail)
        # the bare English phrase of a status says no more than the page's own heading
        return error_page(request, status, "" if detail.lower() == title else detail)

    @app.exception_handler(NotFound)
    async def _not_found(request: Request, error: NotFound) -> Response:
        return answer(request, 404, "not found", error.detail)

    @app.exception_handler(DodacError)
    async def _dodac(request: Request, error: DodacError) -> Response:
        status = status_of(error)
        return answer(request, status, status.phrase.lower(), str(error))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, str(error.detail).lower(), str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(word) for word in first["loc"][1:])
        return answer(request, 422, "wrong parameter", f"{place}: {first['msg']}")
