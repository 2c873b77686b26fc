"""Links: how bytes travel, whatever they mean."""

from drivers.links._link import LineSettings, Link, LinkDown, SettableLink

__all__ = ["LineSettings", "Link", "LinkDown", "SettableLink"]
