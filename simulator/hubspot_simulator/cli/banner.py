"""The parts of the banner of ``serve`` that depend on its address and its seed."""

from __future__ import annotations

from ipaddress import ip_address

from ..hosts import is_loopback


def network_warning(host: str) -> str:
    """Return a warning that names who can call a server bound to ``host``, or "" if only this machine can."""
    if is_loopback(host):
        return ""
    who = "on this machine's networks" if _is_unspecified(host) else f"who can reach {host}"
    return f"""\
Anyone {who} can call it. They can also move its clock and reset it, without credentials.
To accept only this machine, use --host 127.0.0.1. To call it by a name with a dot, use --trusted-hosts NAME.

"""


def seed_hint(seed: str, random: bool) -> str:
    """Return the lines that say how to keep the credentials after a restart, or "" if the seed is not random."""
    if not random:
        return ""
    return f"""
These credentials are valid until the server stops. To get the same ones at the next start:
  hubspot-simulator serve --random-seed {seed}
"""


def _is_unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
