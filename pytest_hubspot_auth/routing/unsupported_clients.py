"""HTTP clients that bypass Python's sockets: they resolve names and connect in C, or resolve names themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from hubspot_simulator.hosts import canonical
from hubspot_simulator.replacements import Replacements

from .late_imports import LateImports

Check = Callable[[str, object], None]  # takes the client's name and the host; raises if it must not be called

_WAY_OUT = (
    "hubspot_intercept redirects only Python's own sockets: point the client at hubspot_sim.url, "
    "or use another client in the test"
)


class UnreachableClient(RuntimeError):
    """A client was about to call HubSpot in a way that bypasses the socket patch."""


class UnsupportedClientGuard:
    """Makes these clients call ``check`` first, between start and end, even if they are imported later."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._replacements = Replacements()
        self._late = LateImports(_CLIENTS, self._watch)

    def start(self) -> None:
        """Start watching the clients."""
        for name in _CLIENTS:
            if name in sys.modules:
                self._watch(sys.modules[name])
        self._late.start()

    def end(self) -> None:
        """Stop watching them."""
        self._late.stop()
        self._replacements.undo()

    def _watch(self, module: Any) -> None:
        _CLIENTS[module.__name__](self, module)

    def replace(self, owner: Any, name: str, client: str, host: Callable[..., object]) -> None:
        """Make a method call ``check`` first. ``host`` takes the method's arguments and returns the host."""
        check = self._check

        def make(real: Callable[..., Any]) -> Callable[..., Any]:
            def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
                check(client, host(*args, **kwargs))
                return real(self, *args, **kwargs)

            return checked

        self._replacements.replace(owner, name, make)


@contextmanager
def refused(matches: Callable[[object], bool]) -> Iterator[None]:
    """Raise UnreachableClient when one of these clients calls HubSpot."""

    def check(client: str, host: object) -> None:
        if matches(host):
            raise UnreachableClient(
                f"{client} was about to call {canonical(host)}, bypassing the simulator. {_WAY_OUT}"
            )

    refusals = UnsupportedClientGuard(check)
    refusals.start()
    try:
        yield
    finally:
        refusals.end()


def _uvloop(refusals: UnsupportedClientGuard, module: Any) -> None:
    def connection_host(protocol: Any = None, host: Any = None, *args: Any, **kwargs: Any) -> object:
        return kwargs.get("server_hostname") or host

    refusals.replace(module.Loop, "getaddrinfo", "uvloop", _first_argument)
    refusals.replace(module.Loop, "create_connection", "uvloop", connection_host)


def _curl_cffi(refusals: UnsupportedClientGuard, module: Any) -> None:
    def option_host(option: Any, value: Any) -> object:
        if option != module.CurlOpt.URL:
            return None
        return urlsplit(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).hostname

    refusals.replace(module.Curl, "setopt", "curl_cffi", option_host)


def _aiodns(refusals: UnsupportedClientGuard, module: Any) -> None:
    for name in ("getaddrinfo", "gethostbyname", "query", "query_dns"):
        if hasattr(module.DNSResolver, name):
            refusals.replace(module.DNSResolver, name, "aiodns", _first_argument)


def _dnspython(refusals: UnsupportedClientGuard, module: Any) -> None:
    refusals.replace(module.Resolver, "resolve", "dnspython", lambda name, *_, **__: str(name))


def _first_argument(host: Any = None, *args: Any, **kwargs: Any) -> object:
    return host


_CLIENTS: dict[str, Callable[[UnsupportedClientGuard, Any], None]] = {
    "uvloop": _uvloop,
    "curl_cffi": _curl_cffi,
    "aiodns": _aiodns,
    "dns.resolver": _dnspython,
    "dns.asyncresolver": _dnspython,
}
