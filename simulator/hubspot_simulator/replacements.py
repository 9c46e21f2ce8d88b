"""Attributes of other modules and classes, replaced for a while and then put back.

Standard library only, for Python 3.8 and later: the socket patch in a child's interpreter needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

_ABSENT = object()


class Replacements:
    """What was replaced, to be put back by ``undo()``."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, object, object]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put in the place of a function what ``make`` returns for it."""
        self.put(owner, name, make(getattr(owner, name)))

    def wrap(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        """Have ``function`` called in the place of another one, which it gets as the first of its arguments.

        It gets that one as an argument, and keeps it nowhere else: a stale replacement that somebody puts back can then
        never be what it calls itself.
        """

        def make(real: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(real)
            def replacement(*args: Any, **kwargs: Any) -> Any:
                return function(real, *args, **kwargs)

            return replacement

        self.replace(owner, name, make)

    def put(self, owner: Any, name: str, value: object) -> None:
        """Give an attribute another value."""
        inherited = isinstance(owner, type) and name not in vars(owner)
        before = _ABSENT if inherited else vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)
        self._replaced.append((owner, name, before, value))
        setattr(owner, name, value)

    def undo(self, *, overwrite: bool = False) -> None:
        """Put back what was there, the last first.

        What somebody else has replaced in turn stays, unless ``overwrite`` is set: it calls what does nothing now.
        """
        while self._replaced:
            owner, name, before, value = self._replaced.pop()
            now = vars(owner).get(name) if isinstance(owner, type) else getattr(owner, name, None)
            if now is not value and not overwrite:
                continue
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


@contextmanager
def replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Give an attribute another value within a ``with`` block, and put the old one back, whatever is there by then."""
    replacements = Replacements()
    replacements.put(owner, name, value)
    try:
        yield
    finally:
        replacements.undo(overwrite=True)
