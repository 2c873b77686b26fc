"""Who we are to a broker: user, password and certificate, read again before each attempt to connect."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from dodac.errors import ConfigError
from dodac.site import MqttConnection, Site
from drivers._mqtt_config import tls_context

if TYPE_CHECKING:
    from paho.mqtt.client import Client

log = logging.getLogger("dodac.mqtt")


class Login:
    """What the site file says of it; raises ConfigError where a file is missing, wrong or open to others.

    A password or certificate that is changed while we run holds from the next connection on; while its file
    can't be used, what was read before does.
    """

    def __init__(self, site: Site, config: MqttConnection) -> None:
        self._site = site
        self._config = config
        self._fault = ""
        self._password = self._read_password()
        self._tls = tls_context(site, config) if config.url.startswith("mqtts:") else None

    def attach(self, client: Client) -> None:
        """Makes it what a client says to the broker."""
        if self._tls is not None:
            client.tls_set_context(self._tls)
        self._tell(client)
        client.on_pre_connect = lambda client, _userdata: self._again(client)

    def _tell(self, client: Client) -> None:
        if self._config.user is not None:
            client.username_pw_set(self._config.user, self._password)

    def _again(self, client: Client) -> None:
        fault = ""
        try:
            self._password = self._read_password()
            if self._tls is not None:
                self._renew(self._tls)
        except (ConfigError, OSError) as error:
            fault = f"{error} What was read before is used."
        if fault and fault != self._fault:
            log.error("mqtt: %s", fault)
        self._fault = fault
        self._tell(client)

    def _renew(self, tls: ssl.SSLContext) -> None:
        tls_context(self._site, self._config)  # only what holds together takes the place of what did
        config, folder = self._config, self._site.folder
        if config.ca_file is not None:
            tls.load_verify_locations(folder / config.ca_file)
        if config.cert_file is not None and config.key_file is not None:
            tls.load_cert_chain(folder / config.cert_file, folder / config.key_file)

    def _read_password(self) -> str | None:
        name = self._config.password_file
        return self._site.secret(name) if name else None
