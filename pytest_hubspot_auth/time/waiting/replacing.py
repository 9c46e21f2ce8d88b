"""Replaces an attribute for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give ``owner`` another value under a name; what it inherited it inherits again afterwards."""
    own = name in getattr(owner, "__dict__", ()) or not isinstance(owner, type)
    before = getattr(owner, name)
    if isinstance(owner, type) and own:
        before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)
