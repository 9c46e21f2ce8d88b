"""Reports modules that are imported later."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Tell = Callable[[ModuleType], None]


class LateImports(MetaPathFinder):
    """Calls ``tell`` with each named module once it is imported, between ``start()`` and ``stop()``."""

    def __init__(self, names: Collection[str], tell: Tell) -> None:
        self._names = names
        self._tell = tell
        self._finding = False

    def start(self) -> None:
        """Start reporting imports."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Stop reporting imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a named module as Python would without this finder."""
        if fullname not in self._names or self._finding:
            return None
        self._finding = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._finding = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._tell)
        return spec


class _Loader(Loader):
    def __init__(self, real: Loader, tell: Tell) -> None:
        self._real = real
        self._tell = tell

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._real  # packages find their data files with it
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        self._real.exec_module(module)
        self._tell(module)
