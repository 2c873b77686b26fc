"""The forms of a site: which instruments are read by hand, and how."""

from __future__ import annotations

from dataclasses import dataclass

from dodac.clock import Clock
from dodac.errors import ConfigError
from dodac.quantities import Measurement, nearest
from dodac.site import InstrumentConfig, ManualConnection, Site
from drivers._profile_manual import ManualProfile
from drivers._spool import Spool
from drivers.manual_connection import ManualStream
from drivers.profile import Profile
from drivers.protocols.manual import Form
from drivers.protocols.modbus_map import Ratios


@dataclass(frozen=True)
class SiteForm:
    """A form, and the instrument of the site file that it is of."""

    item: InstrumentConfig
    form: Form

    @property
    def measurement(self) -> Measurement:
        """What the instrument measures: the site file may say it for a gauge that can be on anything."""
        return self.item.measurement or self.form.profile.kind


def site_form(site: Site, item: InstrumentConfig, profile: Profile) -> SiteForm:
    """The form of one instrument; ConfigError when its profile is read over a line."""
    if not isinstance(profile, ManualProfile):
        raise ConfigError(
            f"{profile.id} is read over a line ({profile.protocol}), not by a person.",
            site.where_instrument(item.id, "profile"),
            "Choose a profile that begins with manual. (dodac profiles), or another connection.",
        )
    return SiteForm(item, Form(item.id, profile, Ratios.stated(item.ct_ratio, item.vt_ratio)))


def site_forms(site: Site) -> dict[str, SiteForm]:
    """Every form of a site by instrument, in the site file's order.

    Raises ConfigError for a profile that is not there or is none of a form.
    """
    from drivers.connection_open import load_profile_of

    return {
        item.id: site_form(site, item, load_profile_of(site, item))
        for item in site.instruments
        if item.profile is not None
        and item.connection is not None
        and isinstance(site.connections[item.connection], ManualConnection)
    }


def form_of(site: Site, instrument: str) -> SiteForm:
    """The form of an instrument; ConfigError with the nearest one when it has none."""
    forms = site_forms(site)
    if instrument in forms:
        return forms[instrument]
    near = nearest(instrument, forms)
    known = (
        f"It has: {', '.join(forms)}." if forms else 'It has none: add [connections.hand], kind = "manual".'
    )
    raise ConfigError(
        f'the site has no form "{instrument}".', None, f'Did you mean "{near}"?' if near else known
    )


def open_manual(site: Site, id: str, members: list[SiteForm], clock: Clock) -> ManualStream:
    """The connection that takes in what is typed."""
    spool = Spool.beside(site.journal_path)
    return ManualStream(id, spool, [(one.form, one.measurement) for one in members], clock)
