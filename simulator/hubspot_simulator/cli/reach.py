"""What the banner of ``serve`` says of who can reach it, and of how long its credentials last."""

from __future__ import annotations

from ipaddress import ip_address

from ..hosts import is_loopback


def warning(host: str) -> str:
    """Return the lines on who can call a server that is bound to ``host``: none when only this machine can."""
    if is_loopback(host):
        return ""
    who = "on the networks of this machine" if _is_unspecified(host) else f"who can reach {host}"
    return f"""\
Everybody {who} can call it, and move its clock or reset it without credentials.
To keep it to this machine: --host 127.0.0.1. To call it by a name with a dot: --trusted-hosts NAME.

"""


def lasting(seed: str, drawn: bool) -> str:
    """Return the lines that say how to have the same credentials after a restart."""
    if not drawn:
        return ""
    return f"""
These credentials end with it. To have the same ones at the next start:
  hubspot-simulator serve --random-seed {seed}
"""


def _is_unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
