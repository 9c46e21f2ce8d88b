"""Gives child processes of a guarded test a proxy that refuses HubSpot. This is not a firewall: see docs/guard.md."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from hubspot_simulator.replacements import Replacements

from .child_proxy import ChildProxy
from .late_imports import LateImports
from .no_proxy import remove_hosts

_PROXY = ("https_proxy", "HTTPS_PROXY")
_EXEMPT = ("no_proxy", "NO_PROXY")
_ENV_POSITION = 10  # among the arguments of Popen, after self
_MULTIPROCESSING = "multiprocessing.util"


class ChildProxies:
    """The proxies of a run of pytest, one per proxy that its children would use otherwise. They start on demand."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._proxies: dict[str | None, ChildProxy] = {}
        self._refuses: list[Callable[[str], bool]] = []

    def variables(self, environment: Mapping[str, str], refuses: Callable[[str], bool], exempt: str) -> dict[str, str]:
        """Return what changes in a child's environment; nothing if the child cannot use our proxy.

        ``refuses`` tells whether a host is refused; it holds until the next call. ``exempt`` is what the plugin added
        to this process's ``NO_PROXY``; children do not get it.
        """
        upstream = next((environment[name] for name in _PROXY if environment.get(name)), None)
        self._refuses[:] = [refuses]
        with self._lock:
            proxy = self._proxies.get(upstream)
            if proxy is None:
                if any(upstream == other.url for other in self._proxies.values()):
                    return {}  # this environment was copied from another child's
                try:
                    proxy = self._proxies[upstream] = ChildProxy(lambda host: self._refuses[0](host), upstream)
                except (OSError, ValueError, RuntimeError):  # RuntimeError: pytest-socket forbids sockets
                    return {}
        changed = dict.fromkeys(_PROXY, proxy.url)
        for name in _EXEMPT:
            if name in environment:
                changed[name] = remove_hosts(environment[name], exempt) or ""
        return changed

    def stop(self) -> None:
        """Stop the proxies."""
        with self._lock:
            while self._proxies:
                self._proxies.popitem()[1].stop()


class Children:
    """Makes the children of one test use a proxy, between ``start()`` and ``stop()``.

    ``variables`` takes an environment and returns what changes in it.
    """

    def __init__(self, variables: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
        self._variables = variables
        self._replacements = Replacements()
        self._changed: set[str] = set()
        self._late = LateImports([_MULTIPROCESSING], self._watch)

    def start(self) -> None:
        """Start changing the environment of each child."""
        self._replacements.replace(subprocess.Popen, "__init__", self._popen)
        if _MULTIPROCESSING in sys.modules:
            self._watch(sys.modules[_MULTIPROCESSING])
        self._late.start()

    def stop(self) -> None:
        """Stop changing it."""
        self._late.stop()
        self._replacements.undo()
        while self._changed:
            name = self._changed.pop()
            if name in os.environ:
                os.putenv(name, os.environ[name])
            else:
                os.unsetenv(name)

    def inherit(self) -> None:
        """Change what a child without an explicit environment inherits. ``os.environ`` does not change."""
        for name, value in self._variables(os.environ).items():
            os.putenv(name, value)
            self._changed.add(name)

    def _watch(self, util: Any) -> None:
        if hasattr(util, "spawnv_passfds"):  # not on Windows
            self._replacements.replace(util, "spawnv_passfds", self._spawn)

    def _popen(self, real: Callable[..., None]) -> Callable[..., None]:
        def init(process: Any, *args: Any, **kwargs: Any) -> None:
            env = args[_ENV_POSITION] if len(args) > _ENV_POSITION else kwargs.get("env")
            try:
                inherited = os.environ if env is None else _as_text(env)
                changed = self._variables(inherited)
            except (AttributeError, TypeError):  # not a mapping of names to values: Popen reports it
                inherited, changed = {}, {}
            if changed and len(args) > _ENV_POSITION:
                args = (*args[:_ENV_POSITION], {**inherited, **changed}, *args[_ENV_POSITION + 1 :])
            elif changed:
                kwargs["env"] = {**inherited, **changed}
            real(process, *args, **kwargs)

        return init

    def _spawn(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def spawnv_passfds(*args: Any, **kwargs: Any) -> Any:
            self.inherit()
            return real(*args, **kwargs)

        return spawnv_passfds


def _as_text(environment: Mapping[Any, Any]) -> dict[str, str]:
    """Return an environment as text. It may hold bytes."""
    return {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
