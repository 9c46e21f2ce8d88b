"""A simulator and its clock for code without fixtures: unittest, Django's tests, scripts."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from difflib import get_close_matches
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.settings import SETTINGS, Settings, read
from hubspot_simulator.simulator import Simulator

from .decoration import decorate_tests, decorated_function
from .marks import CLOCK_ARGUMENTS, read_clock_argument
from .report import audit_failure, journal_section, unserved
from .routing.children import ChildProxies
from .routing.protection import Protection
from .sim import ClientKwargs, HubspotSim
from .time.clock import HubspotClock
from .time.following_clock import FollowingClock

_PARAMETER = "sim"
_REPLACED = {
    "@pytest.mark.hubspot(": "hubspot_simulation(",
    "hubspot_guard is on": "the guard is on",
    "the fixture hubspot_intercept": "hubspot_intercept",
    "hubspot_intercept": "hubspot_simulation(intercept=True)",
    "hubspot_responses": "hubspot_simulation(responses=True)",
    "hubspot_sim.url": "sim.url",
}
_Class = TypeVar("_Class", bound=type)
_Self = TypeVar("_Self")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class _Sim(HubspotSim):
    _settings_remedy = "give them to hubspot_simulation(token_ttl=60)"


if TYPE_CHECKING:
    _Forwarded = HubspotSim  # so that type checkers see what __getattr__ forwards
else:
    _Forwarded = object


class Simulation(_Forwarded):
    """The value of ``with hubspot_simulation() as sim``: everything the fixture ``hubspot_sim`` has, and the clock.

    ``clock`` works like the fixture ``hubspot_clock``: ``sim.clock.advance(minutes=31)`` moves both sides.
    """

    _sim: HubspotSim
    clock: HubspotClock  # type: ignore[assignment] # moves both sides; the simulator's own clock moves alone

    def __init__(self, sim: HubspotSim, clock: HubspotClock) -> None:
        vars(self).update(_sim=sim, clock=clock)

    @property
    def url(self) -> str:
        """The base URL to call instead of ``https://api.hubapi.com``."""
        return self._sim.url

    @property
    def client_kwargs(self) -> ClientKwargs:
        """The arguments for the official client: ``hubspot.HubSpot(**sim.client_kwargs)``."""
        return self._sim.client_kwargs

    @property
    def installation(self) -> ConnectedInstallation:
        """The app's installation in the account. Its access token is issued when it is first read."""
        return self._sim.installation

    if not TYPE_CHECKING:  # otherwise a misspelled name would pass type checks

        def __getattr__(self, name: str) -> Any:
            return getattr(self._sim, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._sim, name, value)  # it refuses ``settings``, for example

    def __repr__(self) -> str:
        return f"<Simulation {self.url}>"


@overload
def hubspot_simulation(
    *,
    intercept: bool = ...,
    responses: bool = ...,
    now: str | datetime = ...,
    utc_offset: float = ...,
    waiting: Literal["real", "simulated"] = ...,
    **settings: Any,
) -> _SimulationContext: ...


@overload
def hubspot_simulation(decorated: _Class, /) -> _Class: ...


@overload
def hubspot_simulation(
    decorated: Callable[Concatenate[Simulation, _Arguments], _Result], /
) -> Callable[_Arguments, _Result]: ...


@overload
def hubspot_simulation(
    decorated: Callable[Concatenate[_Self, Simulation, _Arguments], _Result], /
) -> Callable[Concatenate[_Self, _Arguments], _Result]: ...


@overload
def hubspot_simulation(decorated: Callable[_Arguments, _Result], /) -> Callable[_Arguments, _Result]: ...


def hubspot_simulation(
    decorated: Any = None, /, *, intercept: bool = False, responses: bool = False, **arguments: Any
) -> Any:
    """Run a simulator, and freeze one clock for it and the code under test: a context manager and a decorator.

    ``intercept`` redirects every Python HTTP client from HubSpot's hosts to the simulator; ``responses`` only
    `requests`, in process. The other arguments are those of ``@pytest.mark.hubspot(...)``: ``now``, ``utc_offset``,
    ``waiting`` and the settings, and also ``host`` and ``port``. Raises TypeError for an unknown name, ValueError for a
    wrong value.

    A decorated function gets the Simulation if it has a parameter ``sim``. It can be a coroutine function, a generator
    (a pytest fixture, below ``@pytest.fixture``) or both. A decorated TestCase has it as ``self.sim`` in each test. In
    any other class, every method whose name starts with ``test`` is decorated, including static and class methods. If
    the settings ``strict``, ``fail_on`` or ``guard`` would fail a test, AssertionError is raised at the end.
    """
    if decorated is not None and not callable(decorated):
        raise TypeError(f"hubspot_simulation() takes only keyword arguments, such as token_ttl=60; got {decorated!r}")
    context = _SimulationContext(intercept, responses, arguments)
    return context if decorated is None else context(decorated)


class _SimulationContext:
    """The context manager and decorator. It can be reused, and nested in itself."""

    def __init__(self, intercept: bool, responses: bool, arguments: dict[str, Any]) -> None:
        unknown = [name for name in arguments if name not in CLOCK_ARGUMENTS and name not in SETTINGS]
        if unknown:
            expected = ["intercept", "responses", *CLOCK_ARGUMENTS, *SETTINGS]
            similar = get_close_matches(unknown[0], expected, n=1)
            hint = f" (did you mean {similar[0]!r}?)" if similar else ""
            raise TypeError(f"hubspot_simulation() got {unknown[0]!r}{hint}: expected any of {', '.join(expected)}")
        for name, value in (("intercept", intercept), ("responses", responses)):
            if not isinstance(value, bool):
                raise ValueError(f"{name}={value!r}: expected True or False")
        self._clock = {n: read_clock_argument(n, value) for n, value in arguments.items() if n in CLOCK_ARGUMENTS}
        self._settings = Settings(**{n: read(n, value) for n, value in arguments.items() if n in SETTINGS})
        self._intercept = intercept
        self._responses = responses
        self._running: list[tuple[ExitStack, HubspotSim, Protection]] = []

    if not TYPE_CHECKING:

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
            unreported = [message for message in caught[:1] if message not in str(error)]
            error.add_note("\n".join([*unreported, *filter(None, journal_section(sim) or ())]))

    def _start(self, name: str) -> Simulation:
        with ExitStack() as stack:
            protection = self._protect(stack)
            server = stack.enter_context(SimulatorServer(Simulator(self._settings)))
            sim = _Sim(server, self._settings, FollowingClock(), name)
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
        """Exempt loopback from proxies, and guard against the real HubSpot unless ``guard`` is false."""
        proxies = ChildProxies()
        stack.callback(proxies.stop)
        protection = Protection(proxies, _without_fixtures)
        stack.callback(protection.end)
        protection.reach(self._settings.host)
        if self._settings.guard is not False:
            protection.begin(self._settings.hosts)
        return protection

    def _stop(self) -> tuple[HubspotSim, list[str]]:
        """End the newest simulation. Return it with its guard's messages."""
        stack, sim, protection = self._running.pop()
        caught = protection.guard.caught if protection.guard else []
        stack.close()
        return sim, caught

    @overload
    def __call__(self, decorated: _Class, /) -> _Class: ...

    @overload
    def __call__(
        self, decorated: Callable[Concatenate[Simulation, _Arguments], _Result], /
    ) -> Callable[_Arguments, _Result]: ...

    @overload
    def __call__(
        self, decorated: Callable[Concatenate[_Self, Simulation, _Arguments], _Result], /
    ) -> Callable[Concatenate[_Self, _Arguments], _Result]: ...

    @overload
    def __call__(self, decorated: Callable[_Arguments, _Result], /) -> Callable[_Arguments, _Result]: ...

    def __call__(self, decorated: Any, /) -> Any:
        """Decorate a function, a coroutine function, a TestCase or another class with tests."""
        if not isinstance(decorated, type):
            return decorated_function(decorated, self, _PARAMETER)
        if issubclass(decorated, unittest.TestCase):
            self._decorate_test_case(decorated)
        else:
            decorate_tests(decorated, self, _PARAMETER)
        return decorated

    def _decorate_test_case(self, case_class: Any) -> None:
        set_up = case_class.setUp

        @wraps(set_up)
        def started(case: Any) -> None:
            case.sim = self._start(case.id())
            case.addCleanup(lambda: _check(*self._stop()))
            set_up(case)

        case_class.setUp = started


def _check(sim: HubspotSim, caught: list[str]) -> None:
    message = "".join(caught[:1]) or (unserved(sim) if sim.settings.strict else "") or audit_failure(sim)
    if message:
        raise AssertionError(_without_fixtures(message))


def _without_fixtures(message: str) -> str:
    """Rewrite a message that names fixtures for code that has none."""
    for fixture, replacement in _REPLACED.items():
        message = message.replace(fixture, replacement)
    return message
