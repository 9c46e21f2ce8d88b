"""What a client asks an HTTP proxy for (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..hosts import canonical

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.IGNORECASE)  # RFC 1035, section 2.3.4
_OWN_HEADERS = ("host", "connection", "keep-alive")  # between two hops; those of ``proxy-*`` too


class ProxyTarget(NamedTuple):
    """What a client wants: a way to a host and, unless it is a tunnel, what to say there first."""

    host: str
    port: int
    tls: bool = False  # by the proxy: the client left it to it
    head: bytes = b""


class ProxyRefusal(Exception):
    """The answer to a request that goes nowhere."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def read(head: bytes) -> ProxyTarget:
    """Return what the head of a request asks a proxy for. Raises Refusal."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    try:
        method, target, version = first.split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = canonical(parts.hostname), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    if not _is_host(host) or not port:
        raise ProxyRefusal(
            400, "this is the proxy of hubspot-simulator run: it takes CONNECT host:port, or a whole URL"
        )
    if method == "CONNECT":
        return ProxyTarget(host, port)
    names = [line.partition(":")[0].strip().lower() for line in lines]
    kept = [
        line
        for name, line in zip(names, lines, strict=True)
        if name not in _OWN_HEADERS and not name.startswith("proxy-")
    ]
    sent = [f"{method} {_origin_form(parts)} {version}", f"Host: {parts.netloc.rpartition('@')[2]}", *kept]
    sent += ["Connection: close", "", ""]  # what came after it on this connection could be for another host
    return ProxyTarget(host, port, parts.scheme == "https", "\r\n".join(sent).encode("latin-1"))


def _is_host(host: str) -> bool:
    """Tell whether a resolver may be asked for a host: for another it raises, each in its own way."""
    with suppress(ValueError):
        return bool(_NAME.fullmatch(host)) or bool(ip_address(host))
    return False


def _origin_form(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
