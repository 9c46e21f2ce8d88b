"""What the API reference documents: every name of a package's ``__all__``, and every fixture of the plugin.

Text alone, for Sphinx to parse; nothing here imports it.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any, Generic

PACKAGES = ("pytest_hubspot_auth", "hubspot_simulator")


def package_reference(package: str) -> str:
    """Return reStructuredText that documents every name that a package exports.

    A name that both packages export is documented in the one that defines it; the other refers to it.
    """
    module = import_module(package)
    lines = [f".. py:module:: {package}", ""]
    elsewhere = []
    for name in module.__all__:
        value = getattr(module, name)
        home = str(getattr(value, "__module__", package)).partition(".")[0]
        if home != package and home in PACKAGES and name in import_module(home).__all__:
            elsewhere.append(f":py:obj:`{name} <{home}.{name}>`")
        else:
            lines += [*_autodoc(f"{package}.{name}", value), ""]
    if elsewhere:
        lines += [f"``{package}`` also exports {', '.join(elsewhere)}.", ""]
    return "\n".join(lines)


def _autodoc(name: str, value: Any) -> list[str]:
    if not isinstance(value, type):
        return [f".. auto{'function' if callable(value) else 'data'}:: {name}"]
    kind = "exception" if issubclass(value, BaseException) else "class"
    lines = [f".. auto{kind}:: {name}", "   :members:"]
    if any(map(_is_private, value.__bases__)):
        return [*lines, "   :inherited-members:"]
    return lines if value.__bases__ in [(object,), (Generic,)] else [*lines, "   :show-inheritance:"]


def _is_private(base: type) -> bool:
    """Tell whether a class is one of ours that no package exports: its members belong to those that inherit them."""
    home = base.__module__.partition(".")[0]
    return home in PACKAGES and not any(base.__name__ in import_module(package).__all__ for package in PACKAGES)


def fixtures() -> dict[str, Any]:
    """Return the functions of the public fixtures by name, in the order of their definition."""
    plugin = import_module("pytest_hubspot_auth.fixtures")
    names = [name for name in vars(plugin) if name.startswith("hubspot_")]
    return {name: inspect.unwrap(getattr(plugin, name)) for name in names}


def fixture_reference() -> str:
    """Return reStructuredText that documents every public fixture: its type, its docstring, its scope."""
    lines = []
    for name, function in fixtures().items():
        kind = re.sub(r"^Iterator\[(.*)\]$", r"\1", function.__annotations__["return"])
        scope = re.search(r'scope="(\w+)"', inspect.getsource(function).partition("def ")[0])
        lines += [f".. index:: {name} (fixture)", ""]
        lines += [f".. py:data:: {name}", f"   :type: {kind}", "   :no-index-entry:", ""]
        lines += [f"   {line}" for line in inspect.cleandoc(function.__doc__ or "").splitlines()]
        lines += ["", f"   Scope: {scope[1] if scope else 'function'}.", ""]
    return "\n".join(lines)
