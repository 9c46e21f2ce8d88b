"""A simulator and its clock for those who have no fixtures: unittest, Django's tests, scripts."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Callable
from contextlib import ExitStack, aclosing
from difflib import get_close_matches
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar

from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.settings import SETTINGS, Settings, read
from hubspot_simulator.simulator import Simulator

from .marks import CLOCK_ARGUMENTS, read_clock_argument
from .report import audit_failure, journal_section, unserved
from .routing.children import ChildProxies
from .routing.protection import Protection
from .sim import HubspotSim
from .time.clock import HubspotClock
from .time.following_clock import FollowingClock

_PARAMETER = "sim"
_INSTEAD = {
    "@pytest.mark.hubspot(": "hubspot_simulation(",
    "hubspot_guard is on": "the guard is on",
    "the fixture hubspot_intercept": "hubspot_intercept",
    "hubspot_intercept": "hubspot_simulation(intercept=True)",
    "hubspot_responses": "hubspot_simulation(responses=True)",
    "hubspot_sim.url": "sim.url",
}
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class Simulation:
    """What ``with hubspot_simulation() as sim`` gives: all that the fixture ``hubspot_sim`` has, and the clock.

    ``clock`` is the one of the fixture ``hubspot_clock``: ``sim.clock.advance(minutes=31)`` moves both sides.
    """

    def __init__(self, sim: HubspotSim, clock: HubspotClock) -> None:
        self._sim = sim
        self.clock = clock

    @property
    def url(self) -> str:
        """The base URL to call instead of ``https://api.hubapi.com``."""
        return self._sim.url

    @property
    def client_kwargs(self) -> dict[str, Any]:
        """The arguments for the official client: ``hubspot.HubSpot(**sim.client_kwargs)``."""
        return self._sim.client_kwargs

    @property
    def installation(self) -> ConnectedInstallation:
        """The app, connected to the account; its access token is issued when it is first read."""
        return self._sim.installation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sim, name)

    def __repr__(self) -> str:
        return f"<Simulation {self.url}>"


def hubspot_simulation(
    decorated: Any = None, /, *, intercept: bool = False, responses: bool = False, **arguments: Any
) -> Any:
    """A running simulator and one frozen clock for it and the code under test: a context manager and a decorator.

    ``intercept`` has every Python HTTP client reach it at HubSpot's own hosts, ``responses`` only those of `requests`,
    in process. ``now``, ``utc_offset``, ``waiting`` and the settings are those of ``@pytest.mark.hubspot(...)``, and
    ``host`` and ``port``. Raises TypeError for another name, ValueError for a wrong value.

    A decorated function is given the handle if it has a parameter ``sim``; it may be a coroutine function, a generator
    (a fixture of pytest, beneath ``@pytest.fixture``) or both. A decorated TestCase has it as ``self.sim`` for each
    test; of another class each method whose name begins with ``test`` is decorated, static and class methods as well.
    At the end AssertionError is raised for what fails a test by itself (the settings ``strict``, ``fail_on`` and
    ``guard``).
    """
    if decorated is not None and not callable(decorated):
        raise TypeError(f"hubspot_simulation() takes keywords only, such as token_ttl=60; got {decorated!r}")
    made = _Managed(intercept, responses, arguments)
    return made if decorated is None else made(decorated)


class _Managed:
    """The context manager and decorator. It may be used again, also while it is in use."""

    def __init__(self, intercept: bool, responses: bool, arguments: dict[str, Any]) -> None:
        unknown = [name for name in arguments if name not in CLOCK_ARGUMENTS and name not in SETTINGS]
        if unknown:
            expected = ["intercept", "responses", *CLOCK_ARGUMENTS, *SETTINGS]
            near = get_close_matches(unknown[0], expected, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise TypeError(f"hubspot_simulation() got {unknown[0]!r}{hint}: expected any of {', '.join(expected)}")
        for name, given in (("intercept", intercept), ("responses", responses)):
            if not isinstance(given, bool):
                raise ValueError(f"{name}={given!r}: expected True or False")
        self._clock = {n: read_clock_argument(n, value) for n, value in arguments.items() if n in CLOCK_ARGUMENTS}
        self._settings = Settings(**{n: read(n, value) for n, value in arguments.items() if n in SETTINGS})
        self._intercept = intercept
        self._responses = responses
        self._running: list[tuple[ExitStack, HubspotSim, Protection]] = []

    def __getattr__(self, name: str) -> Any:
        hint = "" if name.startswith("_") else f": with hubspot_simulation() as sim: sim.{name}"
        raise AttributeError(f"hubspot_simulation() itself has no {name!r}{hint}")

    def __enter__(self) -> Simulation:
        return self._start("")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sim, caught = self._stop()
        if error is None:
            _check(sim, caught)
        elif hasattr(error, "add_note"):
            told = [message for message in caught[:1] if message not in str(error)]
            error.add_note("\n".join([*told, *filter(None, journal_section(sim) or ())]))

    def _start(self, name: str) -> Simulation:
        with ExitStack() as stack:
            protection = self._protect(stack)
            server = stack.enter_context(SimulatorServer(Simulator(self._settings)))
            sim = HubspotSim(server, self._settings, FollowingClock(), name)
            clock = HubspotClock(sim.clock, **self._clock)
            clock.start()
            stack.callback(clock.stop)
            if self._intercept:
                stack.enter_context(sim.intercept())
            if self._responses:
                from .routing.responses_bridge import HubspotResponses  # start-up cost: it loads requests

                bridge = HubspotResponses(server)
                bridge.start()
                stack.callback(bridge.stop)
            self._running.append((stack.pop_all(), sim, protection))
        return Simulation(sim, clock)

    def _protect(self, stack: ExitStack) -> Protection:
        """Have loopback take no proxy, and the real HubSpot be out of reach unless ``guard`` is false."""
        proxies = ChildProxies()
        stack.callback(proxies.stop)
        protection = Protection(proxies, _without_fixtures)
        stack.callback(protection.end)
        protection.reach(self._settings.host)
        if self._settings.guard is not False:
            protection.begin(self._settings.hosts)
        return protection

    def _stop(self) -> tuple[HubspotSim, list[str]]:
        """End the newest simulation. Return it, and what its guard caught."""
        stack, sim, protection = self._running.pop()
        caught = protection.guard.caught if protection.guard else []
        stack.close()
        return sim, caught

    def __call__(self, decorated: _Decorated) -> _Decorated:
        """Decorate a function, a coroutine function, a TestCase or another class with tests."""
        if isinstance(decorated, type):
            self._decorate_class(decorated)
            return decorated
        return self._decorate_function(decorated)  # type: ignore[return-value]

    def _decorate_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        wanted = _PARAMETER in signature.parameters

        if inspect.isasyncgenfunction(function):

            @wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as sim:
                    made = function(*args, **kwargs, **({_PARAMETER: sim} if wanted else {}))
                    async with aclosing(made):
                        async for value in made:
                            yield value

        elif inspect.isgeneratorfunction(function):

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as sim:
                    return (yield from function(*args, **kwargs, **({_PARAMETER: sim} if wanted else {})))

        elif inspect.iscoroutinefunction(function):

            @wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as sim:
                    return await function(*args, **kwargs, **({_PARAMETER: sim} if wanted else {}))

        else:

            @wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as sim:
                    return function(*args, **kwargs, **({_PARAMETER: sim} if wanted else {}))

        # pytest would look for a fixture of that name
        left = [parameter for name, parameter in signature.parameters.items() if name != _PARAMETER]
        wrapper.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]
        return wrapper

    def _decorate_class(self, decorated: Any) -> None:
        if not issubclass(decorated, unittest.TestCase):
            for name, method in list(vars(decorated).items()):
                if not name.startswith("test"):
                    continue
                if inspect.isfunction(method):
                    setattr(decorated, name, self._decorate_function(method))
                elif isinstance(method, (staticmethod, classmethod)):
                    setattr(decorated, name, type(method)(self._decorate_function(method.__func__)))
            return
        set_up = decorated.setUp

        @wraps(set_up)
        def started(case: Any) -> None:
            case.sim = self._start(case.id())
            case.addCleanup(lambda: _check(*self._stop()))
            set_up(case)

        decorated.setUp = started


def _check(sim: HubspotSim, caught: list[str]) -> None:
    message = "".join(caught[:1]) or (unserved(sim) if sim.settings.strict else "") or audit_failure(sim)
    if message:
        raise AssertionError(_without_fixtures(message))


def _without_fixtures(message: str) -> str:
    """Return a message that names fixtures as one for those who have none."""
    for fixture, instead in _INSTEAD.items():
        message = message.replace(fixture, instead)
    return message
