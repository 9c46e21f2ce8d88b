"""The options of a fault, checked when they are given, against the types that its maker declares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_NUMBER = "a number"
_KINDS: dict[Any, tuple[str, Callable[[object], bool]]] = {
    bool: ("True or False", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: (
        _NUMBER,
        lambda value: (
            not isinstance(value, bool)
            and (isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)))
        ),
    ),
    str: ("a text", lambda value: isinstance(value, str) and bool(value)),
    NoneType: ("None", lambda value: value is None),
}


def check(fault: str, maker: Callable[..., object], options: Mapping[str, object]) -> None:
    """Raise ValueError for an option that a maker does not take, or for a value of another type than it declares."""
    takes, others = declared(maker)
    for name, value in options.items():
        if name in takes:
            _check(fault, name, value, takes[name])
        elif others is not None:
            _check(fault, name, value, others)
        else:
            known = f"it takes {', '.join(takes)}" if takes else "it takes none"
            raise ValueError(f"the fault {fault!r} has no option {name!r}: {known}")


def declared(maker: Callable[..., object]) -> tuple[dict[str, Any], Any]:
    """Return the types of a maker's options by name, and that of any further ones, None when it takes none."""
    given = len(maker.args) if isinstance(maker, partial) else 0
    takes, others = _declared(maker.func if isinstance(maker, partial) else maker)
    return dict(list(takes.items())[given:]), others


@lru_cache(maxsize=128)
def _declared(maker: Callable[..., object]) -> tuple[dict[str, Any], Any]:
    hints = get_type_hints(getattr(maker, "__init__") if isinstance(maker, type) else maker)  # noqa: B009
    takes, others = {}, None
    for name, parameter in signature(maker).parameters.items():
        if parameter.kind is Parameter.VAR_KEYWORD:
            others = hints[name]
        elif parameter.kind is not Parameter.VAR_POSITIONAL:
            takes[name] = hints[name]
    return takes, others


def _check(fault: str, name: str, value: object, hint: Any) -> None:
    if not _fits(value, hint):
        unit = " of seconds" if hint is float and "seconds" in name else ""
        expected = f"{_said(hint)}{unit}{_example(name, value, hint)}"
        raise ValueError(f"the fault {fault!r}: {name}={value!r}: expected {expected}")


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) in (tuple, Sequence):
        texts = isinstance(value, (list, tuple)) and bool(value)
        return texts and all(isinstance(item, str) and item for item in value)  # type: ignore[attr-defined]
    return _KINDS[hint][1](value)


def _said(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_said(one) for one in get_args(hint))
    return "a list of names" if get_origin(hint) in (tuple, Sequence) else _KINDS[hint][0]


def _example(name: str, value: object, hint: Any) -> str:
    if get_origin(hint) not in (tuple, Sequence):
        return ""
    return f", as in {name}=[{value!r}]" if isinstance(value, str) and value else f', as in {name}=["refresh_token"]'
