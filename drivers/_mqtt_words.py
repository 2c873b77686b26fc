"""What keeps a broker from taking us, in words, with what to do; never a secret."""

from __future__ import annotations

import socket
import ssl
from typing import Final

# what OpenSSL found wrong with the broker's certificate (X509_V_ERR_…)
_NOT_YET: Final = 9
_EXPIRED: Final = 10
_STRANGER: Final = frozenset({2, 18, 19, 20, 21, 27})
_OTHER_NAME: Final = frozenset({62, 64})

_ASKED: Final = ("CERTIFICATE_REQUIRED",)
_DOUBTED: Final = (
    "BAD_CERTIFICATE", "UNKNOWN_CA", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE", "ACCESS_DENIED", "HANDSHAKE_FAILURE",
)  # fmt: skip
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def connect_words(error: BaseException | None, host: str, port: int) -> str:
    """Why there is no connection to HOST:PORT."""
    there = f"the broker {host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            return f"{there} is not trusted: {_certificate_words(error, host)}"
        case ssl.SSLError():
            return (
                f"{there}: {tls_words(error.reason or str(error)) or f'TLS failed ({error.reason or error})'}"
            )
        case ConnectionRefusedError():
            return f"{there} can't be reached: nothing listens there (is it running, is the port right?)"
        case socket.gaierror():
            return f"{there} can't be reached: nobody knows the name {host} (is the network up?)"
        case TimeoutError():
            return f"{there} can't be reached: no answer in time"
        case ConnectionResetError() | BrokenPipeError():
            return (
                f"{there} can't be reached: it ends the connection at once (is it a TLS port? then mqtts://)"
            )
        case OSError():
            return f"{there} can't be reached: {error.strerror or error}"
        case _:
            return f"{there} can't be reached"


def _certificate_words(error: ssl.SSLCertVerificationError, host: str) -> str:
    match error.verify_code:
        case code if code == _EXPIRED:
            return "its certificate has expired; renew it at the broker (or is the clock of this computer wrong?)"
        case code if code == _NOT_YET:
            return "its certificate is not valid yet; is the clock of this computer right?"
        case code if code in _STRANGER:
            return "its certificate is signed by a stranger; ca_file = the certificate of the authority that signed it"
        case code if code in _OTHER_NAME:
            return (
                f"its certificate is for another name than {host}; write into url the name that stands in it"
            )
        case _:
            return f"{error.verify_message}"


def tls_words(text: str) -> str | None:
    """What an alert of the broker's TLS (OpenSSL's reason, or a text with it) says; None for none of them."""
    upper = text.upper().replace(" ", "_")
    if any(word in upper for word in _ASKED):
        return "it wants a certificate of ours; give cert_file and key_file"
    if any(f"ALERT_{word}" in upper for word in _DOUBTED):
        return "it refuses our certificate, or offers none of the ciphers we take; look at cert_file and at the broker's log"
    if any(word in upper for word in _NO_TLS):
        return "it does not speak TLS on this port; is the port right, or should the url begin with mqtt://?"
    return None


def refused_words(reason: str, user: str | None) -> str:
    """What the answer to our CONNECT says."""
    who = f'user "{user}"' if user is not None else "a client without a user"
    told = reason.lower()
    if "not authori" in told or "user name" in told or "password" in told:
        return f"the broker refuses {who}: {reason}; look at user and password_file, and at its list of users"
    if "identifier" in told:
        return f"the broker refuses our client_id: {reason}"
    return f"the broker refuses us: {reason}"


def kicked_words(client_id: str, times: int) -> str:
    """A broker that takes us and ends the connection soon after, again and again."""
    return (
        f"the broker ended the connection {times} times soon after it took us: does another collector use "
        f'client_id "{client_id}"? Each needs its own (or the broker itself restarts again and again)'
    )
