"""A private certificate authority, made anew for each run, that vouches for HubSpot's host names."""

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
    """The certificates could not be made."""


class Authority:
    """Vouches for HubSpot's hosts and for ``more`` ones.

    ``certificate`` is its own (PEM), ``context`` that of a server with those names. Raises AuthorityUnavailable.
    """

    def __init__(self, more: Sequence[str] = ()) -> None:
        names = [*CERTIFIED, *more, "localhost", "127.0.0.1"]
        # cryptography takes real dates only, and under freezegun there are none to be had in this process
        frozen = type(datetime.datetime) is not type
        self.certificate, chain = _made_elsewhere(names) if frozen else make(names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory(prefix="hubspot-simulator-") as folder:  # of this user alone; ssl reads files only
            path = os.path.join(folder, "chain.pem")
            with open(path, "w", encoding="ascii") as file:
                file.write(chain)
            self.context.load_cert_chain(path)


def make(names: Sequence[str]) -> tuple[str, str]:
    """Return the certificate of a new authority, and the key and certificate of a server with these names (PEM)."""
    import trustme  # start-up cost: it loads cryptography, and few need certificates

    authority = trustme.CA(organization_name="hubspot-simulator", organization_unit_name="not HubSpot")
    server = authority.issue_cert(*names)
    return authority.cert_pem.bytes().decode("ascii"), server.private_key_and_cert_chain_pem.bytes().decode("ascii")


def _made_elsewhere(names: Sequence[str]) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-m", __name__, *names], capture_output=True, text=True)
    if done.returncode:
        raise AuthorityUnavailable(f"the certificates could not be made: {done.stderr.strip()}")
    certificate, chain = json.loads(done.stdout)
    return certificate, chain


if __name__ == "__main__":
    json.dump(make(sys.argv[1:]), sys.stdout)
