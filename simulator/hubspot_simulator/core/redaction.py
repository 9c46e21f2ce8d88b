"""What people may see of a text: no secret whole, and no character that does more than stand there.

This is done when a text is shown, not when a request comes. All that this package and the plugin print, log, report or
write goes through ``shown`` (one line) or ``shown_lines``, but for what ``EXEMPT`` lists.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable

from . import printable, secret_shapes
from .decoded import Decoded
from .known_secrets import KnownSecrets
from .tokens import shorten

EXEMPT = {
    "the wire": "answers are HubSpot's, and hold what HubSpot's hold",
    "the banner of serve": "whoever starts it needs its credentials, and the random seed that brings them again",
    "the environment of a child": "run and sweep hand the credentials over in it",
    "the streams of a child under run": "they pass byte for byte; what sweep quotes of them does not",
    "pytest's own report": "tracebacks, source lines and captured output of the code under test are pytest's affair",
    "pytest's header": "the settings that the user gave, the random seed among them",
}

_MOST_LASTING, _MOST_PASSING = 20_000, 2_000
_lasting = KnownSecrets(_MOST_LASTING)  # client secrets, refresh tokens, private apps' tokens
_passing = KnownSecrets(_MOST_PASSING)  # access tokens and codes, which come by the thousand
_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}={0,2}")  # base64, or hexadecimal digits
_HEX = re.compile("[0-9A-Fa-f]+")
_SHORTEST = 8
_DEPTH = 3  # base64 in base64 in base64


def remember(*secrets: str, passing: bool = False) -> None:
    """Keep secrets, to hide them wherever they stand. ``passing`` ones are access tokens and codes."""
    for secret in secrets:
        (_passing if passing else _lasting).add(secret)


def redact(text: str) -> str:
    """Return a text with its secrets shortened, in whatever encoding they stand; all else is as it was."""
    if "\n" in text:  # a terminal or a log has wrapped it
        joined = Decoded(text, joined=True)
        known = [*_lasting.find(joined.text), *_passing.find(joined.text)]
        text = joined.replace((start, end, shorten(joined.text[start:end])) for start, end in _apart(known))
    decoded = Decoded(text)
    found = decoded.text
    return decoded.replace((start, end, shorten(found[start:end])) for start, end in _apart(_secrets(found, _DEPTH)))


def shown(text: object, most: int = 1000) -> str:
    """Return a text as people may see it, in one line of at most about ``most`` characters."""
    return printable.one_line(redact(str(text)), most)


def shown_lines(text: object) -> str:
    """Return a text as people may see it, in as many lines as it has."""
    return printable.many_lines(redact(str(text)))


def shown_url(path: str, query: str = "") -> str:
    """Return a decoded path and a raw query as people may see them."""
    return shown(printable.url_path(f"{path}?{query}" if query else path))


def _secrets(text: str, depth: int) -> Iterable[tuple[int, int]]:
    yield from _lasting.find(text)
    yield from _passing.find(text)
    yield from secret_shapes.find(text)
    if depth:
        for run in _RUN.finditer(text):
            if any(next(iter(_secrets(inside, depth - 1)), None) for inside in _meant(run[0])):
                yield run.span()


def _meant(run: str) -> Iterable[str]:
    """Yield the texts that a run of base64 characters, or its parts between slashes, may stand for."""
    parts = run.split("/")
    for part in [run, *parts] if len(parts) > 1 else parts:
        plain = part.rstrip("=").replace("+", "-").replace("/", "_")
        if len(plain) < _SHORTEST:
            continue
        readings = [bytes.fromhex] if _HEX.fullmatch(plain) else []
        readings += [] if plain.islower() else [_from_base64]
        for read in readings:
            try:
                text = read(plain).decode("utf-8")
            except ValueError:
                continue
            if text.isprintable() or printable.many_lines(text) == text:
                yield text


def _from_base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _apart(spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield spans in order, those that overlap as one."""
    ordered = sorted(spans)
    while ordered:
        start, end = ordered.pop(0)
        while ordered and ordered[0][0] < end:
            end = max(end, ordered.pop(0)[1])
        yield start, end
