"""A private certificate authority for HubSpot's host names, new for each run."""

from __future__ import annotations

import datetime
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from ..hosts import CERTIFIED


class AuthorityUnavailable(RuntimeError):
    """The certificates cannot be made."""


class Authority:
    """A certificate authority and a server certificate for HubSpot's hosts and the hosts in ``more``.

    ``certificate`` is the authority's certificate (PEM), ``context`` a TLS context for the server. Raises
    AuthorityUnavailable.
    """

    def __init__(self, more: Sequence[str] = ()) -> None:
        names = [*CERTIFIED, *more, "localhost", "127.0.0.1"]
        # cryptography accepts only real datetimes, and freezegun has replaced them in this process
        frozen = type(datetime.datetime) is not type
        self.certificate, chain = _make_in_subprocess(names) if frozen else make(names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory(
            prefix="hubspot-simulator-"
        ) as folder:  # readable by this user only; ssl accepts only files
            path = os.path.join(folder, "chain.pem")
            with open(path, "w", encoding="ascii") as file:
                file.write(chain)
            self.context.load_cert_chain(path)


def make(names: Sequence[str]) -> tuple[str, str]:
    """Make an authority. Return its certificate, and the key and certificate of a server with these names (PEM)."""
    import trustme  # start-up cost: it loads cryptography, and few need certificates

    authority = trustme.CA(organization_name="hubspot-simulator", organization_unit_name="not HubSpot")
    server = authority.issue_cert(*names)
    return authority.cert_pem.bytes().decode("ascii"), server.private_key_and_cert_chain_pem.bytes().decode("ascii")


def _make_in_subprocess(names: Sequence[str]) -> tuple[str, str]:
    process = subprocess.run([sys.executable, "-m", __name__, *names], capture_output=True, text=True)
    if process.returncode:
        raise AuthorityUnavailable(f"cannot make the certificates: {process.stderr.strip()}")
    certificate, chain = json.loads(process.stdout)
    return certificate, chain


if __name__ == "__main__":
    json.dump(make(sys.argv[1:]), sys.stdout)
