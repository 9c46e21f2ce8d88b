"""Functions of other modules and classes, replaced for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ABSENT = object()


class Replacements:
    """What was replaced, to be put back by ``undo()``."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str, object, object]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put in the place of a function what ``make`` returns for it."""
        replacement = make(getattr(owner, name))
        self._made.append((owner, name, vars(owner).get(name, _ABSENT), replacement))
        setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put back what was there. What somebody else has replaced in turn stays: it calls what does nothing now."""
        while self._made:
            owner, name, before, replacement = self._made.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if before is _ABSENT:  # it was inherited
                delattr(owner, name)
            else:
                setattr(owner, name, before)
