"""Keeps a test from reaching the real HubSpot. docs/guard.md lists what is seen, and what no hook can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hubspot_simulator.core.printable import wrapped

from . import audit_hook, socket_calls
from .children import ChildProxies, Children
from .proxied_host import asked_host
from .unsupported_clients import UnsupportedClientGuard

_in_use: list[str] = []  # what answers calls of HubSpot just now

_ADVICE = {
    "hubspot_intercept": (
        "hubspot_intercept is in use, and this call went past it: it turns Python's own sockets, as they are called "
        "while it is active (hubspot-simulator explain guard). Point the code to hubspot_sim.url."
    ),
    "hubspot_responses": (
        "hubspot_responses is in use, and this call went past it: it answers `requests` only. Use the fixture "
        "hubspot_intercept (any Python HTTP client), or point the code to hubspot_sim.url."
    ),
    "": (
        "To have it answered by the simulator, use the fixture hubspot_intercept (any Python HTTP client) or "
        "hubspot_responses (`requests` only), or point the code to hubspot_sim.url."
    ),
}
_CHILD_ADVICE = (
    "To have it answered by the simulator, give the process hubspot_sim.url, or start it with "
    "`hubspot-simulator run -- COMMAND`."
)


@contextmanager
def answering(fixture: str) -> Iterator[None]:
    """Say that a fixture answers calls of HubSpot, so that the advice is not to use it."""
    _in_use.append(fixture)
    try:
        yield
    finally:
        _in_use.remove(fixture)


class Guard:
    """Fails a test that is about to call a host for which ``matches`` holds. ``caught`` are the messages so far.

    ``worded`` turns a message that names fixtures into one for those who have none.
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
        self._looks = self._look_at_address, self._look_at_data
        self._refusals = UnsupportedClientGuard(lambda client, host: self._check(host, f"by {client}"))
        self._children = Children(lambda environment: proxies.variables(environment, self._refuse_child, exempt))

    def start(self) -> None:
        """Watch from now on."""
        audit_hook.watch(self._hear)
        socket_calls.look(self._looks)
        self._refusals.start()
        self._children.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._children.stop()
        self._refusals.end()
        socket_calls.look_away(self._looks)
        audit_hook.unwatch(self._hear)

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            self._check(args[0])
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            self._look_at_address(args[1])
        elif event == "http.client.send":
            if isinstance(args[1], (bytes, bytearray)):
                self._look_at_data(bytes(args[1][:1024]))
        elif event in ("os.system", "_winapi.CreateProcess"):
            self._children.inherit()

    def _look_at_address(self, address: object) -> None:
        if isinstance(address, tuple) and address:
            self._check(address[0])

    def _look_at_data(self, data: bytes) -> None:
        host = asked_host(data)
        if host is not None:
            self._check(host, "through a proxy")

    def _check(self, host: object, how: str = "") -> None:
        if self.matches(host):
            name = bytes(host).decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
            message = self._message("the test", f"{name} {how}".rstrip())
            self.caught.append(message)
            # no Exception, which the code under test might take for a network failure
            pytest.fail(message, pytrace=False)

    def _refuse_child(self, host: str) -> bool:
        if not self.matches(host):
            return False
        self.caught.append(self._message("a process that the test started", host))
        return True

    def _message(self, who: str, call: str) -> str:
        advice = _ADVICE[_in_use[-1] if _in_use else ""] if who == "the test" else _CHILD_ADVICE
        message = (
            f"{who} was about to call {call}, the real HubSpot (hubspot_guard is on).\n"
            f"{advice}\n"
            "To let it through, @pytest.mark.hubspot(guard=False)."
        )
        return wrapped(self._worded(message))


class Unguarded:
    """Shields a test that is not guarded, in a run of pytest inside of a guarded test, from the guard of that one."""

    def __init__(self) -> None:
        self._looks: socket_calls.Looks = (lambda address: None), (lambda data: None)

    def start(self) -> None:
        """Have the guards that are active see nothing."""
        audit_hook.watch(audit_hook.nobody)
        socket_calls.look(self._looks)

    def stop(self) -> None:
        """Let them see again."""
        socket_calls.look_away(self._looks)
        audit_hook.unwatch(audit_hook.nobody)
