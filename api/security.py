"""The door: known hosts only, a token off this machine, and strict headers on every answer."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from dodac.errors import ConfigError

COOKIE: Final = "dodac_session"
MIN_TOKEN: Final = 16
MAX_FORM: Final = 4096
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
# what anyone may see: that we are alive, and the sign-in page with its style
_PUBLIC: Final = ("/health", "/api/health", "/sign-in", "/static/")
# who reads these can't sign in on a page
_PROGRAMS: Final = ("/api/", "/metrics")


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_token(token: str, where: str = "") -> str:
    """The token itself; ConfigError when it is too short to keep anyone out."""
    if len(token) < MIN_TOKEN:
        raise ConfigError(
            f"the access token{f' in {where}' if where else ''} has fewer than {MIN_TOKEN} characters.",
            todo="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'",
        )
    return token


def _host_name(header: str) -> str:
    """The host of a Host header without its port."""
    if header.startswith("["):
        address, _, rest = header.partition("]")
        # what follows an address in brackets can only be a port
        return f"{address}]" if rest == "" or (rest[0] == ":" and rest[1:].isdecimal()) else ""
    return header.rpartition(":")[0] if ":" in header else header


def _from_another_site(headers: Headers) -> bool:
    """True for what a browser sends on behalf of another site's page; other clients name no origin."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    # a proxy may give us a name of its own; a page of another site can't set this header
    ours = {headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    return origin.partition("://")[2].lower() not in ours


class Door:
    """Middleware: hosts, token, headers; a plain ASGI layer, so that streams pass untouched."""

    def __init__(self, app: ASGIApp, *, token: str | None = None, only_this_machine: bool = True) -> None:
        self._app = app
        self._token = token
        self._only_this_machine = only_this_machine
        # the cookie must not carry the token itself
        self._session = hmac.new((token or "").encode(), b"dodac session", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", PAGE_POLICY)
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        headers = Headers(scope=scope)
        # a page of another site that points its name at 127.0.0.1 must not read us (DNS rebinding)
        if self._only_this_machine and not is_loopback(_host_name(headers.get("host", ""))):
            answer: Response = problem(400, "unknown host", "This address is not served here.")
        elif self._token is not None and scope["path"] == "/sign-in" and scope["method"] == "POST":
            answer = await self._sign_in(receive, headers)
        elif scope["method"] not in _SAFE and _from_another_site(headers):
            answer = problem(403, "another site", "A page of another site can't send to this one.")
        elif self._may_pass(scope["path"], headers):
            scope["dodac.known"] = self._known(headers)
            await self._app(scope, receive, guarded)
            return
        elif scope["path"].startswith(_PROGRAMS) or scope["method"] != "GET":
            answer = problem(401, "token needed", "Send the header Authorization: Bearer TOKEN.")
            answer.headers["www-authenticate"] = "Bearer"
        else:
            answer = RedirectResponse(f"/sign-in?next={quote(scope['path'])}", 303)
        await answer(scope, receive, guarded)

    def _may_pass(self, path: str, headers: Headers) -> bool:
        return any(path == p or (p[-1] == "/" and path.startswith(p)) for p in _PUBLIC) or self._known(
            headers
        )

    def _known(self, headers: Headers) -> bool:
        """True for who has shown the token, and where none is needed."""
        if self._token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and secrets.compare_digest(given.strip().encode(), self._token.encode()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), self._session.encode())

    async def _sign_in(self, receive: Receive, headers: Headers) -> Response:
        body = b""
        while len(body) <= MAX_FORM:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        form = parse_qs(body[:MAX_FORM].decode("utf-8", "replace"))
        given = form.get("token", [""])[0].strip()
        target = form.get("next", ["/"])[0]
        # only a path of our own: //host and /\host would lead elsewhere
        if not target.startswith("/") or target[1:2] in ("/", "\\"):
            target = "/"
        if self._token is None or not secrets.compare_digest(given.encode(), self._token.encode()):
            return RedirectResponse(f"/sign-in?wrong=1&next={quote(target)}", 303)
        answer = RedirectResponse(target, 303)
        secure = headers.get("x-forwarded-proto", "") == "https"
        answer.set_cookie(
            COOKIE, self._session, max_age=30 * 86_400, httponly=True, samesite="strict", secure=secure
        )
        return answer
