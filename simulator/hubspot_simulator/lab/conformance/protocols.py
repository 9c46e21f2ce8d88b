"""What a scenario needs on the client's side: somebody who drives the integration, and a clock to move.

Nothing here says where the integration runs. ``AdapterDriver`` drives a Python class in this process; a driver that
starts a program and moves its clock from outside fits as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ...core.exchange import Exchange


class MovableClock(Protocol):
    """A clock that a scenario moves."""

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move the clock by a ``timedelta`` or its keywords (``minutes=31``); a negative one moves it back."""
        ...


class ClientClock(MovableClock, Protocol):
    """The clock of both sides: ``advance`` moves the integration and the simulator together."""

    @property
    def client(self) -> MovableClock:
        """The clock of the integration alone."""
        ...


class ClientDriver(Protocol):
    """Drives an integration. A client is whatever its ``connect`` returned; a scenario only hands it back.

    The parts of an integration are those of docs/conformance.md: ``connect``, ``work``, ``write``, ``stored`` and so
    on. Each takes one argument: a Connection for ``connect``, a client for all others.
    """

    @property
    def name(self) -> str:
        """What the integration is called in messages."""
        ...

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """The exceptions by which ``run`` says that a part failed."""
        ...

    @property
    def concurrency(self) -> str | None:
        """How ``work`` may be called at the same time on one client: ``"threads"``, ``"tasks"`` or None."""
        ...

    @property
    def units(self) -> list[str]:
        """The names of the units of work: ``work``, further ones, ``write`` if there is one."""
        ...

    def check(self) -> None:
        """Raise AdapterError when a part is missing that every scenario needs."""
        ...

    def offers(self, part: str) -> bool:
        """Tell whether the integration has an optional part."""
        ...

    def part(self, name: str) -> Callable[[Any], Any]:
        """Return a part, to be called by ``run`` and ``run_concurrently`` only."""
        ...

    def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a part, or what ``prepare`` returned, and return what it returned once it is done.

        Raises one of ``errors`` when it failed, Runaway when it sent requests without end.
        """
        ...

    def run_concurrently(self, calls: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
        """Make calls at the same time and return what each raised. Raises Stuck and Runaway."""
        ...

    def attached(self, cut: Callable[[], object]) -> AbstractContextManager[None]:
        """Be ready for one trial; ``cut`` breaks every connection, to end an integration that would not stop."""
        ...

    def saw(self, exchange: Exchange) -> None:
        """Count an exchange, in the thread that answers it: too many in one call make it a Runaway."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...
