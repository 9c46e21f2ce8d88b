"""The journal: every exchange, in order, with the reason for its answer."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from typing import overload

from .exchange import Exchange
from .injection import is_path
from .printable import wrapped
from .redaction import shown, shown_url
from .store import Store

_BEFORE = "E       "  # pytest's, before each line of an exception


class Journal:
    """What was asked of a simulator, and what it answered.

    It iterates, oldest first; ``len(journal)`` is how many exchanges are kept, ``journal[-1]`` the last of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self._store.exchanges)

    @overload
    def __getitem__(self, index: int) -> Exchange: ...

    @overload
    def __getitem__(self, index: slice) -> list[Exchange]: ...

    def __getitem__(self, index: int | slice) -> Exchange | list[Exchange]:
        return self.exchanges[index]

    def __repr__(self) -> str:
        last = self.exchanges[-1:]
        return f"<{type(self).__name__}: {self.said()}{''.join(f', the last {exchange}' for exchange in last)}>"

    def said(self) -> str:
        """Say how many exchanges there are, and of how many if the first are no longer kept."""
        kept, all_of_them = len(self), self._store.exchange_count
        count = f"{kept} exchange{'' if kept == 1 else 's'}"
        return count if kept >= all_of_them else f"the last {kept} of {all_of_them} exchanges"

    def append(self, exchange: Exchange) -> None:
        """Keep an exchange."""
        self._store.exchanges.append(exchange)

    def next_number(self) -> int:
        """Return the number of the next exchange, from 1."""
        with self._store.lock:
            self._store.exchange_count += 1
            return self._store.exchange_count

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges so far, oldest first (a copy)."""
        return list(self._store.exchanges)

    @property
    def unserved(self) -> list[Exchange]:
        """The exchanges whose endpoint the simulator does not serve."""
        return [exchange for exchange in self.exchanges if not exchange.served]

    def find(self, method: str, path: str) -> list[Exchange]:
        """Return the exchanges of a method and a path.

        ``path`` is a literal path without its query, a route template with its placeholders in braces
        (``/crm/v3/objects/{type}``), or one with ``*`` (``/oauth/*/token``).
        """
        method = method.upper()
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method and is_path(path, exchange.path, exchange.route)
        ]

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Raise AssertionError unless the call was made ``times`` times; None means at least once.

        The message shows what was seen and what came nearest. ``path`` is as for ``find``.
        """
        __tracebackhide__ = True  # pytest shows the caller's line, then
        seen = len(self.find(method, path))
        if seen != times if times is not None else not seen:
            asked = f"expected calls of {shown(method.upper())} {shown(path)}"
            expected = "at least once" if times is None else _times(times)
            raise AssertionError(
                wrapped(f"{asked}: {expected}; seen: {_times(seen)}", less=len(f"{_BEFORE}AssertionError: "))
                + "\n"
                + wrapped(self._explain(method.upper(), path), less=len(_BEFORE))
            )

    def _explain(self, method: str, path: str) -> str:
        exchanges = self.exchanges
        if not exchanges:
            return "the simulator received no request at all: does the code under test call its URL?"
        lines = [f"{len(exchanges)} exchange{'s' if len(exchanges) > 1 else ''} in all:"]
        lines += [f"  {exchange}" for exchange in exchanges[-30:]]
        misses = self._nearest_misses(method, path)
        if misses:
            lines += ["nearest misses:", *(f"  {miss}" for miss in misses)]
        if "?" in path:
            lines.append("a path is compared without its query: leave out what follows the '?'")
        return "\n".join(lines)

    def _nearest_misses(self, method: str, path: str) -> list[str]:
        seen = Counter((exchange.method, exchange.path) for exchange in self.exchanges)
        routes = {exchange.path: exchange.route for exchange in self.exchanges}
        wanted = path.partition("?")[0].rstrip("/")
        near = difflib.get_close_matches(wanted, {p for _, p in seen}, n=3, cutoff=0.6)
        misses = []
        for (m, p), count in seen.items():
            same_path = wanted in (p.rstrip("/"), routes[p])
            if same_path and m == method:
                continue
            if same_path:
                misses.append(f"{shown(m)} {shown_url(p)} ({_times(count)}): the method differs")
            elif p in near:
                misses.append(f"{shown(m)} {shown_url(p)} ({_times(count)}): the path differs")
        return misses[:5]


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
