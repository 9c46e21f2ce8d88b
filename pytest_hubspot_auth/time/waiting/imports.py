"""What a frozen test imports for the first time is loaded as if it had been imported before the freeze.

An extension module that is built on ``datetime`` takes freezegun's stand-in for the real type when it is loaded, and
the process may crash (pandas), for the stand-in's layout is another one. A library that derives a class from ``date``
with a metaclass of its own fails. Both find the real types while they are loaded, and the stand-ins afterwards, as
freezegun would have left them. A project's own modules find the frozen time throughout.
"""

from __future__ import annotations

import datetime
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from types import ModuleType
from typing import Any

from freezegun import api

from hubspot_simulator.replacements import replaced

# The real ones in lists, where freezegun does not look.
_TYPES: dict[str, list[Any]] = {
    "datetime": [api.real_datetime],
    "date": [api.real_date],
}
_STAND_INS = {id(api.real_datetime): api.FakeDatetime, id(api.real_date): api.FakeDate}
_LIBRARIES = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_ADVICE = (
    "It was imported for the first time while hubspot_clock held the time: if that is why it failed, import it at the "
    "top of the test's module."
)


class ImportsWhileFrozen:
    """Watches imports from ``start()`` to ``stop()``. ``loaded`` is told each module that has been loaded."""

    def __init__(self, loaded: Callable[[ModuleType], None]) -> None:
        self._loaded = loaded
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._windows = 0  # how many loads are to find the real types just now, in all threads
        self._own = threading.local()
        self._new: list[ModuleType] = []

    def start(self) -> None:
        """Begin."""
        for loader, method in (
            (ExtensionFileLoader, "create_module"),
            (ExtensionFileLoader, "exec_module"),
            (SourceFileLoader, "exec_module"),
            (SourcelessFileLoader, "exec_module"),
        ):
            self._stack.enter_context(replaced(loader, method, self._wrapped(getattr(loader, method))))

    def stop(self) -> None:
        """Leave imports alone again."""
        self._stack.close()

    def _wrapped(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(loader: Any, what: Any) -> Any:
            library = isinstance(loader, ExtensionFileLoader) or _is_of_a_library(loader.path)
            try:
                with self._types(real=library):
                    made = load(loader, what)
                    module = what if isinstance(what, ModuleType) else made
                    if library:
                        self._new.append(module)
            except Exception as error:
                if library and hasattr(error, "add_note") and _ADVICE not in getattr(error, "__notes__", ()):
                    error.add_note(_ADVICE)
                raise
            self._loaded(module)
            return made

        return wrapper

    @contextmanager
    def _types(self, real: bool) -> Iterator[None]:
        before = getattr(self._own, "real", False)
        if real is before:
            yield
            return
        self._own.real = real
        self._count(1 if real else -1)
        try:
            yield
        finally:
            self._own.real = before
            self._count(-1 if real else 1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._windows += change
            for name, real in _TYPES.items():
                setattr(datetime, name, real[0] if self._windows else _STAND_INS[id(real[0])])
            if self._windows:
                return
            new, self._new = self._new, []
        for module in new:
            _take_stand_ins(module)


def _take_stand_ins(module: ModuleType) -> None:
    """Replace the real types among a module's names. freezegun puts them back when it ends."""
    for name, value in list(vars(module).items()):
        stand_in = _STAND_INS.get(id(value))
        if stand_in is not None:
            setattr(module, name, stand_in)


def _is_of_a_library(path: str) -> bool:
    return "site-packages" in path or "dist-packages" in path or path.startswith(_LIBRARIES)
