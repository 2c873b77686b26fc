"""Money: an amount with its currency and the date of its price."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    """An amount with its currency (ISO 4217) and the date of the price (2025-05-10, 2025-05 or 2025)."""

    amount: float
    currency: str
    price_date: str
