"""The journal: every exchange, in order, with the reason for its answer."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import overload

from .exchange import Exchange
from .glob import is_path
from .printable import wrapped
from .redaction import shown, shown_url
from .store import ExchangeKeeper, Store
from .words import plural
from .words import times as _times

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
        count = plural(kept, "exchange")
        return count if kept >= all_of_them else f"the last {kept} of {all_of_them} exchanges"

    def append(self, exchange: Exchange, kept_by: Iterable[ExchangeKeeper] = ()) -> None:
        """Keep an exchange, also with ``kept_by``, and give it the next number."""
        self._store.add_exchange(exchange, kept_by)

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges so far, oldest first (a copy), but for those that were ``dropped``."""
        with self._store.lock:
            return list(self._store.exchanges)

    @property
    def dropped(self) -> int:
        """How many exchanges were dropped, the oldest: 50,000 are kept, and 256 MiB of them."""
        with self._store.lock:
            return self._store.exchange_count - len(self._store.exchanges)

    @property
    def unserved(self) -> list[Exchange]:
        """The exchanges whose endpoint the simulator does not serve, but for those of other tests."""
        return [exchange for exchange in self.exchanges if not (exchange.served or exchange.stranger)]

    def find(self, method: str, path: str) -> list[Exchange]:
        """Return the exchanges of a method and a path, but for those of other tests (``Exchange.stranger``).

        ``path`` is a literal path without its query, a route template with its placeholders in braces
        (``/crm/v3/objects/{type}``), or one with ``*`` (``/oauth/*/token``).
        """
        method = method.upper()
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method and not exchange.stranger and is_path(path, exchange.path, exchange.route)
        ]

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Raise AssertionError unless the call was made ``times`` times; None means at least once.

        The message shows what was seen and what came nearest. ``path`` is as for ``find``.
        """
        __tracebackhide__ = True  # pytest shows the caller's line, then
        seen = len(self.find(method, path))
        if times is not None and self.dropped:
            raise AssertionError(
                f"how often {method.upper()} {path} was called is not known: of {self._store.exchange_count} exchanges "
                f"the oldest {self.dropped} were dropped. Make fewer calls in one test, or call it without times="
            )
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
        older = f", and {self.dropped} older ones that were dropped" if self.dropped else " in all"
        lines = [f"{plural(len(exchanges), 'exchange')}{older}:"]
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
