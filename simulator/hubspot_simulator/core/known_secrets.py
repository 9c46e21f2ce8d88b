"""The secrets that this process gave out or was configured with, so that they can be told in any text.

Texts only: no simulator is kept alive by it. Of each sort the last few thousand are kept, a bound for a server that
runs for weeks; what is forgotten is still told by its shape (``secret_shapes``).
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator

from .decoded import Decoded

_KEY = 6
_SHORTEST = 8
_SHORTEST_WITH_DIGIT = 6
_WORDS = set("a access app client code hubspot id key my oauth password refresh secret test the token value".split())
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}  # as str.lower(), and never longer


class KnownSecrets:
    """The last ``most`` secrets that were added.

    Adding costs next to nothing, since tokens are issued in every test: the index is made when a text is searched.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: deque[str] = deque(maxlen=most)
        self._known: dict[str, None] = {}  # in lower case, oldest first
        self._index: dict[str, list[tuple[int, str]]] = {}  # by the middle, which differs between two tokens
        self._lock = threading.Lock()

    def add(self, secret: str) -> None:
        """Keep a secret. One that is short, or a word, would be found everywhere: it is told by its name only."""
        self._new.append(secret)

    def __len__(self) -> int:
        self._learn()
        return len(self._known)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each secret in a text, in any case."""
        self._learn()
        index = self._index
        if not index:
            return
        lowered = text.translate(_LOWER)
        hits = [middle for middle in range(len(lowered) - _KEY + 1) if lowered[middle : middle + _KEY] in index]
        for middle in hits:
            for offset, secret in index.get(lowered[middle : middle + _KEY], ()):
                start = middle - offset
                if start >= 0 and lowered.startswith(secret, start):
                    yield start, start + len(secret)

    def _learn(self) -> None:
        while self._new:
            with self._lock:
                try:
                    secret = Decoded(self._new.popleft()).text.translate(_LOWER)
                except IndexError:
                    return
                if secret not in self._known and _is_distinct(secret):
                    self._known[secret] = None
                    offset, key = _key(secret)
                    self._index[key] = [*self._index.get(key, ()), (offset, secret)]
                    if len(self._known) > self._most:
                        self._forget(next(iter(self._known)))

    def _forget(self, secret: str) -> None:
        del self._known[secret]
        offset, key = _key(secret)
        left = [known for known in self._index[key] if known != (offset, secret)]
        if left:
            self._index[key] = left
        else:
            del self._index[key]


def _key(secret: str) -> tuple[int, str]:
    offset = (len(secret) - _KEY) // 2
    return offset, secret[offset : offset + _KEY]


def _is_distinct(secret: str) -> bool:
    if any(char.isdigit() for char in secret) and not secret.isdigit():
        return len(secret) >= _SHORTEST_WITH_DIGIT
    words = re.split("[^a-z]+", secret)
    return len(secret) >= _SHORTEST and not _WORDS.issuperset(filter(None, words))
