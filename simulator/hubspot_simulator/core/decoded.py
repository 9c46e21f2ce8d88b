"""A text with its escapes undone, and where in the text each character came from.

A secret can stand percent-encoded in a URL, escaped in JSON or in a Python literal, or as HTML entities; also more than
once (``%2545``). Colours of a terminal and characters without width may stand in it, too: they are left out. Whoever
looks for one looks here, and replaces what it finds in the original.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

_SLASHES = r"(?<!\\)\\+"
_NOTHING = (
    rf"(?:\x1b|{_SLASHES}(?:x1b|u001b|033|e))\[[0-9;:?]*[A-Za-z]"
    "|[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_WRAP = r"[ \t]*\r?\n[ \t|>]*"
_ESCAPES = (
    rf"(?P<nothing>{_NOTHING})"
    r"|(?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)"
    rf"|{_SLASHES}(?:u(?P<four>[0-9A-Fa-f]{{4}})|u\{{(?P<braced>[0-9A-Fa-f]{{1,6}})\}}|x(?P<two>[0-9A-Fa-f]{{2}})"
    r"|(?P<plain>[nrt\"'/=&]))"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|quot|apos|amp|lt|gt);)"
)
_ESCAPE = re.compile(_ESCAPES)
_ESCAPE_OR_WRAP = re.compile(rf"(?P<wrap>(?<![ \t]){_WRAP})|{_ESCAPES}")
_ONE_PERCENT = re.compile("%(?:25)*([0-9A-Fa-f]{2})")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


class Decoded:
    """``text`` is the decoded one; ``replace`` changes the original. ``joined`` undoes the breaks of lines, too."""

    def __init__(self, original: str, *, joined: bool = False) -> None:
        self._escape = _ESCAPE_OR_WRAP if joined else _ESCAPE
        self._original = original
        self._starts: list[int] | None = None  # of each character in the original, and its end; None: they are one
        self._ends: list[int] = []
        plain = original.isprintable() and not ("%" in original or "\\" in original or "&" in original)
        self.text = original if plain else self._decode()

    def replace(self, spans: Iterable[tuple[int, int, str]]) -> str:
        """Return the original with other texts in place of spans of the decoded one, which ascend and are apart."""
        parts, done = [], 0
        for start, end, instead in spans:
            first = start if self._starts is None else self._starts[start]
            parts += [self._original[done:first], instead]
            done = end if self._starts is None else self._ends[end - 1]
        return "".join([*parts, self._original[done:]])

    def _decode(self) -> str:
        decoded: list[str] = []
        starts: list[int] = []
        done = 0
        for found in self._escape.finditer(self._original):
            start, end = found.span()
            decoded.append(self._original[done:start])
            starts += range(done, start)
            self._ends += range(done + 1, start + 1)
            for char, first, last in _characters(found):
                decoded.append(char)
                starts.append(first)
                self._ends.append(last)
            done = end
        if not starts and not done:
            return self._original
        rest = self._original[done:]
        self._starts = [*starts, *range(done, done + len(rest))]
        self._ends += range(done + 1, done + len(rest) + 1)
        return "".join([*decoded, rest])


def _characters(found: re.Match[str]) -> Iterable[tuple[str, int, int]]:
    """Yield each character of an escape with its start and end in the original."""
    if found["nothing"] or found.groupdict().get("wrap"):
        return
    if found["percent"] is None:
        yield _character(found), *found.span()
        return
    octets = list(_ONE_PERCENT.finditer(found[0]))
    text = bytes(int(octet[1], 16) for octet in octets).decode("utf-8", "surrogateescape")
    offset, index = found.start(), 0
    for char in text:
        width = len(char.encode("utf-8", "surrogateescape"))
        yield char, offset + octets[index].start(), offset + octets[index + width - 1].end()
        index += width


def _character(found: re.Match[str]) -> str:
    if found["entity"]:
        return html.unescape(found["entity"])[:1] or "?"
    if found["plain"]:
        return _PLAIN.get(found["plain"], found["plain"])
    number = int(found["four"] or found["braced"] or found["two"], 16)
    return chr(number) if number <= 0x10FFFF else "?"
