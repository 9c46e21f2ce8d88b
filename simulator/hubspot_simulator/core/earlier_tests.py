"""The tests of a session that are over: what is needed to tell their tokens, and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice

from . import tokens

_NAMES = 10_000
_OPAQUE = 50_000
_OF_ONE = 1_000


class EarlierTests:
    """Tells which test a token was issued in: its access tokens by the key that signed them, all else by a hash."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._opaque: dict[bytes, str] = {}

    def remember(self, name: str, key: bytes, opaque: Iterable[str]) -> None:
        """Keep what tells the tokens of a test that is over; ``opaque`` are those that nobody signed."""
        self._keys[name] = key
        for text in islice(opaque, _OF_ONE):
            self._opaque[_hash(text)] = name
        while len(self._keys) > _NAMES:
            del self._keys[next(iter(self._keys))]
        while len(self._opaque) > _OPAQUE:
            del self._opaque[next(iter(self._opaque))]

    def name_of(self, text: str) -> str:
        """Return the name of the test that a token was issued in; empty when it is of none that is kept."""
        name = self._opaque.get(_hash(text), "")
        if name:
            return name
        token = tokens.try_parse(text)
        if token is None:
            return ""
        newest_first = reversed(list(self._keys.items()))
        return next((name for name, key in newest_first if tokens.is_signed(token, key)), "")


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:12]
