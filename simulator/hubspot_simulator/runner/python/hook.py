"""Loaded by path in a Python child: installs the socket patch, and makes certifi return the certificate bundle.

Standard library only, for Python 3.8 and later: the child's interpreter may lack this package. It imports little until
the child imports ``socket``, since most child processes never do. The patches last as long as the process, so they need
no ``replacements.Replacements`` to undo them.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # instead of typing's, whose import takes time
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_PACKAGE = "_hubspot_simulator"


def install(text: str, package: str) -> None:
    """Redirect this process's connections to a simulator.

    ``text`` is the JSON that ``environment.py`` put into the environment, ``package`` the folder of the package.
    """
    patches = _ModulePatches(text, package)
    changes: dict[str, Callable[[Any], None]] = {
        "socket": patches.sockets,
        "ssl": patches.sockets,
        "certifi": patches.certifi,
        "certifi.core": patches.certifi,
        "uvloop": patches.uvloop,
    }
    sys.meta_path.insert(0, _PostImportFinder(changes))
    for name in changes:
        if name in sys.modules:  # imported during the interpreter's start
            changes[name](sys.modules[name])


class _PostImportFinder:
    """Patches modules right after their import."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        change = self._changes.get(name)
        spec = PathFinder.find_spec(name, path, target) if change else None
        if change and spec is not None and spec.loader is not None:
            execute, apply_change = spec.loader.exec_module, change

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if module.__name__ != name:  # one loader may load several modules
                    return
                try:
                    apply_change(module)
                except Exception as error:  # noqa: BLE001 - the program must run anyway
                    sys.stderr.write(f"hubspot-simulator: cannot redirect {name} to the simulator: {error!r}\n")

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _ModulePatches:
    """The patches, with a method for each patched module."""

    def __init__(self, text: str, package: str) -> None:
        self._text = text
        self._package = package
        self._installed = False

    def sockets(self, _: Any) -> None:
        """Install the socket patch once both ``socket`` and ``ssl`` are imported: each may import the other."""
        if self._installed or ("ssl" in sys.modules and not hasattr(sys.modules["ssl"], "SSLContext")):
            return
        self._installed = True
        import json  # start-up cost: every Python of the program comes through here

        config = json.loads(self._text)
        with open(config["authority"], encoding="ascii") as file:
            authority = file.read()
        self._patches = self._load("serving.socket_patch")
        self._matches = self._load("hosts").matcher(config["hosts"])
        https, http = tuple(config["https"]), tuple(config["http"])
        self._patches.SocketPatch(self._matches, https=https, http=http, authority=authority).install()

    def certifi(self, certifi: Any) -> None:
        """Make certifi return the bundle: prepared requests and C clients ignore the environment variables."""
        import json  # start-up cost: every Python of the program comes through here

        bundle: str = json.loads(self._text)["bundle"]

        def contents() -> str:
            with open(bundle, encoding="ascii", errors="replace") as file:
                return file.read()

        certifi.where, certifi.contents = lambda: bundle, contents

    def uvloop(self, uvloop: Any) -> None:
        """Redirect uvloop's connections, which are made in C, below the socket patch."""
        import socket  # the program must be the first to import it, or ``sockets`` would come too late

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
                    host, port = patches.redirected(mark, (socket.gethostbyname(host), port))
            return await create_connection(self, protocol, host, port, **kwargs)

        async def connect(self: Any, sock: Any, address: Any) -> Any:
            return await sock_connect(self, sock, patches.redirected(sock, address))

        loop.getaddrinfo, loop.create_connection, loop.sock_connect = resolve, create, connect

    def _load(self, name: str) -> Any:
        """Load a module of the package under a private name: the child may have another version of the package."""
        from importlib import import_module  # start-up cost, as above

        if _PACKAGE not in sys.modules:
            package = sys.modules[_PACKAGE] = type(sys)(_PACKAGE)
            package.__path__ = [self._package]
        return import_module(f"{_PACKAGE}.{name}")
