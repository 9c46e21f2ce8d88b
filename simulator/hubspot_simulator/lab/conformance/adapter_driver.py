"""Drives a Python integration in this process through an adapter: a class with the parts as its methods."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .adapter import missing_parts
from .calling import Calling
from .fuse import Fuse, guarded

if TYPE_CHECKING:
    from ...core.exchange import Exchange


class AdapterDriver:
    """The ClientDriver of an adapter. ``errors`` are exceptions beside Exception by which its work may fail."""

    def __init__(self, adapter: Any, errors: tuple[type[BaseException], ...] = ()) -> None:
        self.adapter = adapter
        self.name = type(adapter).__name__
        self.errors: tuple[type[BaseException], ...] = (Exception, SystemExit, *errors)
        self.concurrency: str | None = getattr(adapter, "concurrency", None)
        self._fuse = Fuse(lambda: None)
        self._calling = Calling(self._fuse)

    def check(self) -> None:
        """Raise AdapterError when the adapter lacks what every scenario needs."""
        missing_parts(self.adapter)

    def offers(self, part: str) -> bool:
        """Tell whether the adapter has an optional part."""
        value = getattr(self.adapter, part, None)
        return value is not None and value is not False

    @property
    def units(self) -> list[str]:
        """The names of the adapter's units of work: work, work_*, write."""
        named = sorted(name for name in dir(self.adapter) if name.startswith("work_"))
        return ["work", *named, *(["write"] if self.offers("write") else [])]

    def part(self, name: str) -> Callable[[Any], Any]:
        """Return a method of the adapter."""
        method: Callable[[Any], Any] = getattr(self.adapter, name)
        return method

    def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function and return what it returned, or what its coroutine did. Raises Runaway."""
        return self._calling.call(call, *arguments)

    def run_concurrently(self, calls: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
        """Make calls at the same time and return what each raised. Raises Stuck and Runaway."""
        run = self._calling.threads if self.concurrency == "threads" else self._calling.tasks
        return run(calls)

    @contextmanager
    def attached(self, cut: Callable[[], object]) -> Iterator[None]:
        """Be ready for one trial. ``cut`` breaks every connection once a client has sent too many requests."""
        self._fuse = Fuse(cut)
        self._calling = Calling(self._fuse)
        with guarded(self._fuse):
            yield

    def saw(self, exchange: Exchange) -> None:
        """Count an exchange. Raises Runaway in the thread of a client that has sent too many requests."""
        self._fuse.saw(exchange)

    def close(self) -> None:
        """End threads and tasks, and close the event loop."""
        self._calling.close()
        if self._fuse.blown:
            gc.collect()  # sockets of the client that was ended, while their warnings are ignored
