"""A private certificate authority, made anew for each run, that vouches for HubSpot's host names."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from .hosts import CERTIFIED


class AuthorityUnavailable(RuntimeError):
    """The package that makes certificates is not installed."""


class Authority:
    """Vouches for HubSpot's hosts and for ``more`` ones. Raises AuthorityUnavailable without the extra ``tls``."""

    def __init__(self, more: Sequence[str] = ()) -> None:
        try:
            import trustme
        except ImportError:
            raise AuthorityUnavailable(
                "HTTPS for HubSpot's hosts needs the package trustme: pip install 'pytest-hubspot-auth[tls]'"
            ) from None
        authority = trustme.CA(organization_name="hubspot-simulator", organization_unit_name="not HubSpot")
        self.certificate = authority.cert_pem.bytes().decode("ascii")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*CERTIFIED, *more, "localhost", "127.0.0.1").configure_cert(self.context)
