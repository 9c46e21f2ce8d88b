"""Clients whose calls no patch of Python's sockets can see: they look up and connect in C, or look up by themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from hubspot_simulator.hosts import canonical
from hubspot_simulator.replacements import Replacements

from .late_imports import LateImports

Check = Callable[[str, object], None]  # the client and the host; it raises

_WAY_OUT = (
    "hubspot_intercept turns Python's own sockets only: point the client to hubspot_sim.url, "
    "or run the test on another one"
)


class UnreachableClient(RuntimeError):
    """A client was about to call HubSpot past the socket patch."""


class UnsupportedClientGuard:
    """Has ``check`` called with the host by these clients, also those imported later, between start and end."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._replacements = Replacements()
        self._late = LateImports(_CLIENTS, self._watch)

    def start(self) -> None:
        """Watch the clients."""
        for name in _CLIENTS:
            if name in sys.modules:
                self._watch(sys.modules[name])
        self._late.start()

    def end(self) -> None:
        """Watch them no longer."""
        self._late.stop()
        self._replacements.undo()

    def _watch(self, module: Any) -> None:
        _CLIENTS[module.__name__](self, module)

    def replace(self, owner: Any, name: str, client: str, host: Callable[..., object]) -> None:
        """Have a method checked before it does its work: ``host`` takes what it is called with."""
        check = self._check

        def make(real: Callable[..., Any]) -> Callable[..., Any]:
            def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
                check(client, host(*args, **kwargs))
                return real(self, *args, **kwargs)

            return checked

        self._replacements.replace(owner, name, make)


@contextmanager
def refused(matches: Callable[[object], bool]) -> Iterator[None]:
    """Refuse calls of HubSpot by these clients with UnreachableClient."""

    def check(client: str, host: object) -> None:
        if matches(host):
            raise UnreachableClient(f"{client} was about to call {canonical(host)}, past the simulator. {_WAY_OUT}")

    refusals = UnsupportedClientGuard(check)
    refusals.start()
    try:
        yield
    finally:
        refusals.end()


def _uvloop(refusals: UnsupportedClientGuard, module: Any) -> None:
    def of_connection(protocol: Any = None, host: Any = None, *args: Any, **kwargs: Any) -> object:
        return kwargs.get("server_hostname") or host

    refusals.replace(module.Loop, "getaddrinfo", "uvloop", _first)
    refusals.replace(module.Loop, "create_connection", "uvloop", of_connection)


def _curl_cffi(refusals: UnsupportedClientGuard, module: Any) -> None:
    def of_option(option: Any, value: Any) -> object:
        if option != module.CurlOpt.URL:
            return None
        return urlsplit(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).hostname

    refusals.replace(module.Curl, "setopt", "curl_cffi", of_option)


def _aiodns(refusals: UnsupportedClientGuard, module: Any) -> None:
    for name in ("getaddrinfo", "gethostbyname", "query", "query_dns"):
        if hasattr(module.DNSResolver, name):
            refusals.replace(module.DNSResolver, name, "aiodns", _first)


def _dnspython(refusals: UnsupportedClientGuard, module: Any) -> None:
    refusals.replace(module.Resolver, "resolve", "dnspython", lambda name, *_, **__: str(name))


def _first(host: Any = None, *args: Any, **kwargs: Any) -> object:
    return host


_CLIENTS: dict[str, Callable[[UnsupportedClientGuard, Any], None]] = {
    "uvloop": _uvloop,
    "curl_cffi": _curl_cffi,
    "aiodns": _aiodns,
    "dns.resolver": _dnspython,
    "dns.asyncresolver": _dnspython,
}
