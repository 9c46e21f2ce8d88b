"""Loads libraries that a frozen test imports for the first time as if they had been imported before the freeze.

An extension module that uses ``datetime`` in C takes freezegun's fake type for the real one when it is loaded. The fake
type has a different layout, so the process may crash (pandas). A library that derives a class from ``date`` with its
own metaclass fails. Both see the real types while they are loaded, and afterwards the fake types, as freezegun would
have left them. The project's own modules see frozen time throughout.
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

# The real types are in lists, where freezegun does not look for them.
_REAL_TYPES: dict[str, list[Any]] = {
    "datetime": [api.real_datetime],
    "date": [api.real_date],
}
_FAKE_TYPES = {id(api.real_datetime): api.FakeDatetime, id(api.real_date): api.FakeDate}
_LIBRARIES = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_ADVICE = (
    "This module was first imported while hubspot_clock had frozen time. If that is why the import failed, import it "
    "at the top of the test module."
)


class ImportsWhileFrozen:
    """Watches imports from ``start()`` to ``stop()``. Calls ``loaded`` with each module that was loaded."""

    def __init__(self, loaded: Callable[[ModuleType], None]) -> None:
        self._loaded = loaded
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._windows = 0  # how many loads must see the real types at the moment, in all threads
        self._own = threading.local()
        self._new: list[ModuleType] = []

    def start(self) -> None:
        """Start watching imports."""
        for loader, method in (
            (ExtensionFileLoader, "create_module"),
            (ExtensionFileLoader, "exec_module"),
            (SourceFileLoader, "exec_module"),
            (SourcelessFileLoader, "exec_module"),
        ):
            self._stack.enter_context(replaced(loader, method, self._wrapped(getattr(loader, method))))

    def stop(self) -> None:
        """Stop watching imports."""
        self._stack.close()

    def _wrapped(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(loader: Any, argument: Any) -> Any:
            library = isinstance(loader, ExtensionFileLoader) or _is_library(loader.path)
            try:
                with self._types(real=library):
                    result = load(loader, argument)  # create_module takes a spec and returns the module
                    module = argument if isinstance(argument, ModuleType) else result
                    if library:
                        self._new.append(module)
            except Exception as error:
                if library and hasattr(error, "add_note") and _ADVICE not in getattr(error, "__notes__", ()):
                    error.add_note(_ADVICE)
                raise
            self._loaded(module)
            return result

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
            for name, real in _REAL_TYPES.items():
                setattr(datetime, name, real[0] if self._windows else _FAKE_TYPES[id(real[0])])
            if self._windows:
                return
            new, self._new = self._new, []
        for module in new:
            _use_fake_types(module)


def _use_fake_types(module: ModuleType) -> None:
    """Replace the real types in a module by the fake ones. freezegun restores them when it ends."""
    for name, value in list(vars(module).items()):
        fake = _FAKE_TYPES.get(id(value))
        if fake is not None:
            setattr(module, name, fake)


def _is_library(path: str) -> bool:
    return "site-packages" in path or "dist-packages" in path or path.startswith(_LIBRARIES)
