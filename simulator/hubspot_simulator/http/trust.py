"""Who may call the simulator through its socket: one rule, for every route.

Web pages can send requests to loopback through somebody's browser. Two things give them away. A page can reach this
server by a name of its own only if that name has a dot and was made to point here (DNS rebinding): the ``Host`` tells.
And what a page sends to another origin than its own carries an ``Origin`` or a ``Sec-Fetch-Site`` that no page can
change. Programs send neither, so nothing changes for them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from ..core.errors import ApiError
from ..hosts import PORTS, canonical, matcher
from ..settings import Settings
from .request import Request

BOUND = "hubspot_simulator.bound"  # in the WSGI environment: the address of the socket; absent in process
_OWN_SITES = ("same-origin", "none")  # none: the user typed the address or used a bookmark
_SHOWN = 100  # characters of an Origin


def is_by_socket(request: Request) -> bool:
    """Tell whether a request came through a socket. In process nobody but the test itself can call."""
    return BOUND in request.environ


def check(request: Request, settings: Settings) -> None:
    """Refuse what a web page elsewhere may have sent. Raises ApiError (403), which names the way out.

    The ``Host`` header must be valid, see ``request.is_host``.
    """
    environ = request.environ
    if BOUND not in environ:
        return
    host = environ.get("HTTP_HOST", "")
    if not _is_trusted(host, environ[BOUND], settings.host, settings.hosts, settings.trusted_hosts):
        name = _name(host)
        raise ApiError(
            403,
            f"the simulator does not answer to the host name {name!r}: call it as localhost, by its address, by a "
            f"name without a dot, or add the name to the setting trusted_hosts (--trusted-hosts {name})",
        )
    sender = _foreign_page(request, host, settings)
    if sender and not _is_top_level_navigation(request):
        raise ApiError(
            403,
            f"the simulator does not answer pages of {sender}: a page of another origin may only lead the browser "
            "here, by a link or a redirect; send the request from your server, without Origin and Sec-Fetch-Site",
        )


def _foreign_page(request: Request, host: str, settings: Settings) -> str:
    """Return whose page a request comes from, if it is another origin's; else an empty text."""
    environ = request.environ
    origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
    if origin is not None and not _is_own(origin, host, environ["wsgi.url_scheme"], settings):
        return repr(origin[:_SHOWN])
    if site is not None and site not in _OWN_SITES:
        return f"another origin (Sec-Fetch-Site: {site[:_SHOWN]!r})"
    if site == "none" and _is_ahead_of_need(request):
        return "another origin that have links fetched before somebody follows them (Sec-Purpose: prefetch)"
    return ""


def _is_ahead_of_need(request: Request) -> bool:
    """Tell whether nobody has gone here yet: any page can have the browser fetch links (speculation rules).

    Chromium says that such a request is of no site. When it is refused, the browser asks again once a user goes there.
    """
    return "prefetch" in request.environ.get("HTTP_SEC_PURPOSE", "").lower()


def _is_top_level_navigation(request: Request) -> bool:
    """Tell whether the browser shows the answer as a page of its own, which no other page can read."""
    environ = request.environ
    return (
        request.method in ("GET", "HEAD")
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        and not _is_ahead_of_need(request)
    )


@lru_cache(maxsize=256)
def _is_trusted(host: str, bound: str, setting: str, hosts: str, trusted: str) -> bool:
    name = _name(host)
    named = {canonical(text) for text in (bound, setting, *trusted.split())}
    return "." not in name or name in named or name.endswith(".localhost") or _is_address(name) or matcher(hosts)(name)


def _name(host: str) -> str:
    """Return the name in a Host header, without what makes no difference: its case, port, and dot at the end."""
    return canonical(urlsplit(f"//{host}").hostname or "")


def _is_address(name: str) -> bool:
    """Tell an address from a name, in the way of browsers (WHATWG URL): no name ends in a number."""
    return ":" in name or re.fullmatch(r"\d+|0x[0-9a-f]*", name.rpartition(".")[2]) is not None


def _is_own(origin: str, host: str, scheme: str, settings: Settings) -> bool:
    """Tell whether an Origin is that of the Host. TLS may end in front of a host that is trusted by name."""
    try:
        parts, own = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        port, own_port = parts.port or PORTS.get(parts.scheme), own.port or PORTS[scheme]
    except ValueError:
        return False
    if parts.scheme not in PORTS or (parts.hostname or "") != (own.hostname or ""):
        return False
    if (parts.scheme, port) == (scheme, own_port):
        return True
    in_front = own.port or PORTS[parts.scheme]
    return canonical(own.hostname or "") in map(canonical, settings.trusted_hosts.split()) and port == in_front
