"""Patterns with ``*``, matched in a time that grows with the text and no faster."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text is what a pattern says; ``*`` stands for any characters, ``/`` included, or none."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    last = others.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in others:  # the leftmost place of each leaves the most room for the next
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def is_path(pattern: str, path: str, route: str | None) -> bool:
    """Tell whether a pattern stands for a path: it is the path, its route template, or matches it with its ``*``."""
    path = path.rstrip("/")
    if pattern.rstrip("/") in (path, route):
        return True
    return "*" in pattern and matches(pattern, path)
