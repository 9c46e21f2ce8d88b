"""What can be told of an adapter by looking at it: parts that are missing, misspelt or of the wrong shape."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from .failures import AdapterError

CONCURRENCY = ("threads", "tasks")
REMEDIES = {
    "connect": "return the client from connect; work gets it, as every other part does.",
    "stored": "return what connect needs to build the client anew: the tokens, also those from before any refresh.",
    "is_connected": "return a bool: False once the user must connect again.",
    "close": "have close free what the client holds, and raise nothing.",
    "prepare": "return the function that does the work, such as `client.sync`, without calling it.",
}
_PARTS = ("connect", "work", "write", "stored", "prepare", "is_connected", "close")
_VALUES = ("concurrency", "several_apps")
_KNOWN = (*_PARTS, *_VALUES)
_ARGUMENTS = {"connect": "connection"}
_CUTOFF = 0.85  # lower, and "written" is taken for "write"
_WRITE = """write

    def connect(self, connection):  # build your client from what is known of a connected account
        return MyClient(
            connection.tokens["access_token"], connection.tokens["refresh_token"], base_url=connection.base_url
        )

    def work(self, client):  # one unit of work that calls HubSpot at least once, and raises when it fails
        client.sync_contacts()
"""


def look_at(adapter: Any, base: type, ignored: Callable[[object], bool]) -> None:
    """Look at an adapter, whose class inherits from ``base``. Raises AdapterError for the first thing that is wrong.

    ``ignored`` tells which of its attributes are none of the adapter's business, whatever their names: fixtures.
    """
    _check_names(adapter, base, ignored)
    missing_parts(adapter)
    value = getattr(adapter, "concurrency", None)
    if value is not None and value not in CONCURRENCY:
        raise AdapterError(
            _name(adapter),
            f'concurrency is {value!r}, which is none of "threads", "tasks" and None.',
            "set one of these three, or leave it out.",
        )
    several = getattr(adapter, "several_apps", False)
    if not isinstance(several, bool):
        raise AdapterError(
            _name(adapter),
            f"several_apps is {several!r}, which is neither True nor False.",
            "set it to True if your integration serves several HubSpot apps at once, or leave it out.",
        )
    units = [name for name in dir(adapter) if name.startswith("work_")]
    for name in (*_PARTS, *units):
        part = getattr(adapter, name, None)
        if part is not None or name in units:
            _check_method(adapter, name, part)


def missing_parts(adapter: Any) -> None:
    """Raise AdapterError when an adapter lacks what every scenario needs."""
    missing = [name for name in ("connect", "work") if getattr(adapter, name, None) is None]
    if missing:
        did = f"{_name(adapter)} does not say how to {' and '.join(missing)}."
        raise AdapterError(_name(adapter), did, _WRITE)


def _name(adapter: Any) -> str:
    return type(adapter).__name__


def _check_names(adapter: Any, base: type, ignored: Callable[[object], bool]) -> None:
    kind = type(adapter)
    inherited = set(dir(base))
    own = [name for name in dir(kind) if name not in inherited]
    absent = [part for part in _KNOWN if getattr(kind, part, None) is None]
    for name in own:
        if name in _KNOWN or name.startswith(("test_", "work_", "_")) or ignored(getattr(kind, name, None)):
            continue
        for near in difflib.get_close_matches(name, absent, n=1, cutoff=_CUTOFF):
            raise AdapterError(
                _name(adapter),
                f"{kind.__name__} has {name!r}, which the kit does not know: did you mean {near!r}?",
                f"rename it to {near!r}; if it is something of your own, begin its name with an underscore.",
            )


def _check_method(adapter: Any, name: str, part: Any) -> None:
    argument = _ARGUMENTS.get(name, "client")
    wanted = f"write `def {name}(self, {argument})`."
    if not callable(part):
        why = "" if name in _PARTS else " (names that begin with work_ are further units of work)"
        raise AdapterError(_name(adapter), f"{name} is {type(part).__name__}, not a method{why}.", wanted)
    if inspect.isgeneratorfunction(part) or inspect.isasyncgenfunction(part):
        raise AdapterError(
            _name(adapter),
            f"{name}() is a generator (it has a `yield`): calling it does nothing.",
            f"{wanted[:-1]} without `yield`, and go through what you call to its end.",
        )
    try:
        signature = inspect.signature(part)
    except (TypeError, ValueError):  # of something that is written in C: only a call can tell
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise AdapterError(
            _name(adapter), f"{name}{signature} cannot be called with one argument, the {argument}: {error}.", wanted
        ) from None
