"""Links: how bytes travel, whatever they mean."""

from drivers.links._link import Link, LinkDown

__all__ = ["Link", "LinkDown"]
