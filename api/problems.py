"""Errors of the HTTP API as problem documents (RFC 9457), and as pages for people."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from dodac.errors import ConfigError, DataError, DodacError, IntegrityError, StorageError


class NotFound(Exception):  # noqa: N818 - the field's word, and it is an answer rather than a fault
    """What was asked for is not there."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


_STATUS: Final[tuple[tuple[type[DodacError], HTTPStatus], ...]] = (
    (ConfigError, HTTPStatus.BAD_REQUEST),
    (DataError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
    (IntegrityError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def status_of(error: DodacError) -> HTTPStatus:
    """The HTTP status of one of our errors."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.BAD_GATEWAY)


def problem(status: int, title: str, detail: str) -> Response:
    """A problem document as an answer."""
    body = json.dumps({"title": title, "status": status, "detail": detail}, ensure_ascii=False)
    return Response(body, status, media_type="application/problem+json")
