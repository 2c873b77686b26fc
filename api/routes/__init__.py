"""Thin routes: each asks a source and answers with a model or a page."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.routes.data import router as data
from api.routes.enter import router as enter
from api.routes.exchange import router as exchange
from api.routes.forms import router as forms
from api.routes.health import router as health
from api.routes.live import router as live
from api.routes.pages import router as pages
from api.routes.savings import router as savings
from api.routes.withdraw import router as withdraw

ROUTERS: Final[tuple[APIRouter, ...]] = (health, data, live, savings, forms, enter, withdraw, exchange, pages)
