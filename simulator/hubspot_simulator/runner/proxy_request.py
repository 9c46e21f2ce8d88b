"""Parses the requests of an HTTP proxy's clients (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..hosts import PORTS, canonical

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE)  # RFC 1035, section 2.3.4
_HOP_HEADERS = ("host", "connection", "keep-alive")  # hop-by-hop; the headers ``proxy-*`` too


class ProxyTarget(NamedTuple):
    """The host that a client wants to reach. ``head`` is what to send there first; a tunnel has none."""

    host: str
    port: int
    tls: bool = False  # whether the proxy must use TLS; in a tunnel, the client does
    head: bytes = b""


class ProxyRefusal(Exception):
    """The proxy refuses a request with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read(head: bytes) -> ProxyTarget:
    """Return the target of a request from its head. Raises ProxyRefusal."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    try:
        method, target, version = first.split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = canonical(parts.hostname), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    if not _is_host(host) or not port:
        raise ProxyRefusal(
            400,
            "this is the proxy of hubspot-simulator run: it expects CONNECT host:port, or an absolute URL",
        )
    if method == "CONNECT":
        return ProxyTarget(host, port)
    names = [line.partition(":")[0].strip().lower() for line in lines]
    forwarded = [
        line
        for name, line in zip(names, lines, strict=True)
        if name not in _HOP_HEADERS and not name.startswith("proxy-")
    ]
    new_head = [f"{method} {_origin_form(parts)} {version}", f"Host: {parts.netloc.rpartition('@')[2]}", *forwarded]
    new_head += ["Connection: close", "", ""]  # the next request on this connection could be for another host
    return ProxyTarget(host, port, parts.scheme == "https", "\r\n".join(new_head).encode("latin-1"))


def _is_host(host: str) -> bool:
    """Return whether a host is a valid name or address. For others, resolvers raise various errors."""
    with suppress(ValueError):
        return bool(_NAME.fullmatch(host)) or bool(ip_address(host))
    return False


def _origin_form(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
