"""Clients that no seam in Python's sockets can reach, and the sentence that says so."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

_WAY_OUT = (
    "hubspot_intercept turns Python's own sockets only: point the client to hubspot_sim.url, "
    "or run the test on another one"
)


class UnreachableClient(RuntimeError):
    """A client was about to call HubSpot past the seam."""


@contextmanager
def refused(matches: Callable[[str], bool]) -> Iterator[None]:
    """Refuse calls to HubSpot by uvloop and curl_cffi, which have sockets of their own in C."""
    with ExitStack() as stack:
        uvloop = sys.modules.get("uvloop")
        if uvloop is not None:
            stack.enter_context(_refused_connections(uvloop.Loop, matches))
        curl = sys.modules.get("curl_cffi")
        if curl is not None:
            stack.enter_context(_refused_urls(curl.Curl, curl.CurlOpt.URL, matches))
        yield


@contextmanager
def _refused_connections(loop: Any, matches: Callable[[str], bool]) -> Iterator[None]:
    async def getaddrinfo(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
        _check("uvloop", host, matches)
        return await super(loop, self).getaddrinfo(host, *args, **kwargs)

    async def create_connection(self: Any, protocol: Any, host: Any = None, *args: Any, **kwargs: Any) -> Any:
        _check("uvloop", kwargs.get("server_hostname") or host, matches)
        return await super(loop, self).create_connection(protocol, host, *args, **kwargs)

    with _replaced(loop, "getaddrinfo", getaddrinfo), _replaced(loop, "create_connection", create_connection):
        yield


@contextmanager
def _refused_urls(curl: Any, url_option: Any, matches: Callable[[str], bool]) -> Iterator[None]:
    real = curl.setopt

    def setopt(self: Any, option: Any, value: Any) -> Any:
        if option == url_option:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            _check("curl_cffi", urlsplit(text).hostname, matches)
        return real(self, option, value)

    with _replaced(curl, "setopt", setopt):
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    own = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:  # it was inherited
            delattr(owner, name)


def _check(client: str, host: object, matches: Callable[[str], bool]) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and matches(name.lower()):
        raise UnreachableClient(f"{client} was about to call {name}, past the simulator. {_WAY_OUT}")
