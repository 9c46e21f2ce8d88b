"""What a Python child loads by path: the socket seam, and a bundle of certificates for those who ask certifi.

Standard library only, for Python 3.8 and later: the child's interpreter need not have this package.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import socket
import sys
from types import ModuleType
from typing import Any, Callable  # noqa: UP035 - see above

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def install(text: str) -> None:
    """Turn this process to a simulator. ``text`` is what ``environment.py`` wrote into the environment."""
    child: dict[str, Any] = json.loads(text)
    seams, hosts = _load("seam"), _load("hosts")
    with open(child["authority"], encoding="ascii") as file:
        authority = file.read()
    matches = hosts.matcher(child["hosts"])
    https, http = tuple(child["https"]), tuple(child["http"])
    seams.Seam(matches, https=https, http=http, authority=authority).install()
    bundle: str = child["bundle"]
    sys.meta_path.insert(
        0,
        _After(
            {
                "certifi.core": lambda module: _name_bundle(module, bundle),
                "uvloop": lambda module: _turn_uvloop(module, matches, seams),
            }
        ),
    )


def _load(name: str) -> Any:
    """Load a module of the package by its path, under a name of its own: the child may have another version."""
    name_here = f"_hubspot_simulator_{name}"
    spec = importlib.util.spec_from_file_location(name_here, os.path.join(_PACKAGE, f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name_here] = module
    spec.loader.exec_module(module)
    return module


class _After(importlib.abc.MetaPathFinder):
    """Changes modules when they have been imported, which most children never do."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> Any:
        change = self._changes.get(fullname)
        if change is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if module.__name__ == fullname:  # one loader may load several
                    change(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _name_bundle(certifi: Any, bundle: str) -> None:
    # Prepared requests and C clients ignore the variables that name the certificates, and ask certifi.
    def contents() -> str:
        with open(bundle, encoding="ascii") as file:
            return file.read()

    certifi.where, certifi.contents = lambda: bundle, contents


def _turn_uvloop(uvloop: Any, matches: Callable[[str], bool], seams: Any) -> None:
    # It connects in C, below the seam: its names and addresses are translated before it sees them.
    loop = uvloop.Loop
    getaddrinfo, create_connection, sock_connect = loop.getaddrinfo, loop.create_connection, loop.sock_connect

    def is_hubspot(host: Any) -> bool:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        return isinstance(name, str) and matches(name.lower().rstrip("."))

    async def resolve(self: Any, host: Any, port: Any, **kwargs: Any) -> Any:
        if is_hubspot(host):
            return socket.getaddrinfo(host, port, **kwargs)
        return await getaddrinfo(self, host, port, **kwargs)

    async def create(self: Any, protocol: Any, host: Any = None, port: Any = None, **kwargs: Any) -> Any:
        if is_hubspot(host):
            if kwargs.get("ssl"):
                kwargs["server_hostname"] = kwargs.get("server_hostname") or host
            host = socket.gethostbyname(host)
        if host is not None:
            with socket.socket() as mark:
                host, port = seams._turned(mark, (host, port))
        return await create_connection(self, protocol, host, port, **kwargs)

    async def connect(self: Any, sock: Any, address: Any) -> Any:
        return await sock_connect(self, sock, seams._turned(sock, address))

    loop.getaddrinfo, loop.create_connection, loop.sock_connect = resolve, create, connect
