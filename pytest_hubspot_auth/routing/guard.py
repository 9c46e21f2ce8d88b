"""Keeps a test from reaching the real HubSpot. docs/guard.md lists which calls it sees, and which no hook can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hubspot_simulator.core.printable import wrapped

from . import audit_hook, socket_calls
from .children import ChildProxies, Children
from .proxied_host import requested_host
from .unsupported_clients import UnsupportedClientGuard

_active: list[str] = []  # the fixtures that route HubSpot calls at the moment

_ADVICE = {
    "hubspot_intercept": (
        "hubspot_intercept is active, but this call bypassed it: it redirects only Python's own sockets, and only "
        "calls made while it is active (hubspot-simulator explain guard). Point the code at hubspot_sim.url."
    ),
    "hubspot_responses": (
        "hubspot_responses is active, but this call bypassed it: it covers only `requests`. Use the fixture "
        "hubspot_intercept (any Python HTTP client), or point the code at hubspot_sim.url."
    ),
    "": (
        "To send it to the simulator, use the fixture hubspot_intercept (any Python HTTP client) or "
        "hubspot_responses (`requests` only), or point the code at hubspot_sim.url."
    ),
}
_CHILD_ADVICE = (
    "To send it to the simulator, pass hubspot_sim.url to the process, or start it with "
    "`hubspot-simulator run -- COMMAND`."
)


@contextmanager
def routed_by(fixture: str) -> Iterator[None]:
    """Record that a fixture routes HubSpot calls to the simulator, so that the advice does not suggest it."""
    _active.append(fixture)
    try:
        yield
    finally:
        _active.remove(fixture)


class Guard:
    """Fails a test that is about to call a host that ``matches`` accepts. ``caught`` holds the messages so far.

    ``worded`` rewrites a message that names fixtures for tests that have none.
    """

    def __init__(
        self,
        matches: Callable[[object], bool],
        proxies: ChildProxies,
        exempt: str,
        worded: Callable[[str], str] = str,
    ) -> None:
        self.matches = matches
        self._worded = worded
        self.caught: list[str] = []
        self._watchers = self._check_address, self._check_data
        self._refusals = UnsupportedClientGuard(lambda client, host: self._check(host, f"by {client}"))
        self._children = Children(lambda environment: proxies.variables(environment, self._refuse_child, exempt))

    def start(self) -> None:
        """Start watching."""
        audit_hook.watch(self._on_event)
        socket_calls.watch(self._watchers)
        self._refusals.start()
        self._children.start()

    def stop(self) -> None:
        """Stop watching."""
        self._children.stop()
        self._refusals.end()
        socket_calls.unwatch(self._watchers)
        audit_hook.unwatch(self._on_event)

    def _on_event(self, event: str, args: tuple[object, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            self._check(args[0])
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            self._check_address(args[1])
        elif event == "http.client.send":
            if isinstance(args[1], (bytes, bytearray)):
                self._check_data(bytes(args[1][:1024]))
        elif event in ("os.system", "_winapi.CreateProcess"):
            self._children.inherit()

    def _check_address(self, address: object) -> None:
        if isinstance(address, tuple) and address:
            self._check(address[0])

    def _check_data(self, data: bytes) -> None:
        host = requested_host(data)
        if host is not None:
            self._check(host, "through a proxy")

    def _check(self, host: object, how: str = "") -> None:
        if self.matches(host):
            name = bytes(host).decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
            message = self._message("the test", f"{name} {how}".rstrip())
            self.caught.append(message)
            # not an Exception: the code under test might treat that as a network failure
            pytest.fail(message, pytrace=False)

    def _refuse_child(self, host: str) -> bool:
        if not self.matches(host):
            return False
        self.caught.append(self._message("a process that the test started", host))
        return True

    def _message(self, who: str, call: str) -> str:
        advice = _ADVICE[_active[-1] if _active else ""] if who == "the test" else _CHILD_ADVICE
        message = (
            f"{who} was about to call {call}, the real HubSpot (hubspot_guard is on).\n"
            f"{advice}\n"
            "To allow it, use @pytest.mark.hubspot(guard=False)."
        )
        return wrapped(self._worded(message))


class Unguarded:
    """Shields an unguarded test, in a run of pytest inside a guarded test, from the outer test's guard."""

    def __init__(self) -> None:
        self._watchers: socket_calls.Watchers = (lambda address: None), (lambda data: None)

    def start(self) -> None:
        """Hide calls from the active guards."""
        audit_hook.watch(audit_hook.ignore)
        socket_calls.watch(self._watchers)

    def stop(self) -> None:
        """Let them see calls again."""
        socket_calls.unwatch(self._watchers)
        audit_hook.unwatch(audit_hook.ignore)
