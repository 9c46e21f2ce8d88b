"""What a Python child loads by path: the socket patch, and a bundle of certificates for those who ask certifi.

Standard library only, for Python 3.8 and later: the child's interpreter need not have this package. And little of it
before the child imports ``socket``: most of what a program starts never does. Nothing is put back here, for it lasts
as long as the process; hence it sets attributes without ``replacements.Replacements``.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # as typing's, which would cost time here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_PACKAGE = "_hubspot_simulator"


def install(text: str, package: str) -> None:
    """Turn this process to a simulator.

    ``text`` is what ``environment.py`` wrote into the environment, ``package`` the folder of the simulator's package.
    """
    turned = _ModulePatches(text, package)
    changes: dict[str, Callable[[Any], None]] = {
        "socket": turned.sockets,
        "ssl": turned.sockets,
        "certifi": turned.certifi,
        "certifi.core": turned.certifi,
        "uvloop": turned.uvloop,
    }
    sys.meta_path.insert(0, _PostImportFinder(changes))
    for name in changes:
        if name in sys.modules:  # something that the interpreter starts with was faster
            changes[name](sys.modules[name])


class _PostImportFinder:
    """Changes modules right after they have been imported."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        change = self._changes.get(name)
        spec = PathFinder.find_spec(name, path, target) if change else None
        if change and spec is not None and spec.loader is not None:
            execute, ready = spec.loader.exec_module, change

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if module.__name__ != name:  # one loader may load several
                    return
                try:
                    ready(module)
                except Exception as error:  # noqa: BLE001 - the program runs all the same
                    sys.stderr.write(f"hubspot-simulator: {name} does not reach the simulator by itself: {error!r}\n")

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _ModulePatches:
    """How each module is changed."""

    def __init__(self, text: str, package: str) -> None:
        self._text = text
        self._package = package
        self._begun = False

    def sockets(self, _: Any) -> None:
        """Install the socket patch, which needs ``socket`` and ``ssl``, and the first of them may import the other."""
        if self._begun or ("ssl" in sys.modules and not hasattr(sys.modules["ssl"], "SSLContext")):
            return
        self._begun = True
        import json

        child = json.loads(self._text)
        with open(child["authority"], encoding="ascii") as file:
            authority = file.read()
        self._patches = self._load("serving.socket_patch")
        self._matches = self._load("hosts").matcher(child["hosts"])
        https, http = tuple(child["https"]), tuple(child["http"])
        self._patches.SocketPatch(self._matches, https=https, http=http, authority=authority).install()

    def certifi(self, certifi: Any) -> None:
        """Have it name the bundle: prepared requests and C clients ignore the variables that do."""
        import json

        bundle: str = json.loads(self._text)["bundle"]

        def contents() -> str:
            with open(bundle, encoding="ascii", errors="replace") as file:
                return file.read()

        certifi.where, certifi.contents = lambda: bundle, contents

    def uvloop(self, uvloop: Any) -> None:
        """Have it connect where the socket patch says: it does so in C, below the socket patch."""
        import socket

        patches, is_hubspot, loop = self._patches, self._matches, uvloop.Loop
        getaddrinfo, create_connection, sock_connect = loop.getaddrinfo, loop.create_connection, loop.sock_connect

        async def resolve(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
            if is_hubspot(host):
                return socket.getaddrinfo(host, port, **kwargs)
            return await getaddrinfo(self, host, port, **kwargs)

        async def create(self: Any, protocol: Any, host: Any = None, port: Any = None, **kwargs: Any) -> Any:
            if is_hubspot(host):
                if kwargs.get("ssl"):
                    kwargs["server_hostname"] = kwargs.get("server_hostname") or host
                with socket.socket() as mark:
                    host, port = patches.turned(mark, (socket.gethostbyname(host), port))
            return await create_connection(self, protocol, host, port, **kwargs)

        async def connect(self: Any, sock: Any, address: Any) -> Any:
            return await sock_connect(self, sock, patches.turned(sock, address))

        loop.getaddrinfo, loop.create_connection, loop.sock_connect = resolve, create, connect

    def _load(self, name: str) -> Any:
        """Load a module of the simulator's package under another name: the child may have another version of it."""
        from importlib import import_module

        if _PACKAGE not in sys.modules:
            package = sys.modules[_PACKAGE] = type(sys)(_PACKAGE)
            package.__path__ = [self._package]
        return import_module(f"{_PACKAGE}.{name}")
