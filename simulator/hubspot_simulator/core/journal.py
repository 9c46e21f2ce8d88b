"""The journal: every exchange, in order, with the reason for its answer."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

from .exchange import Exchange, redact
from .injection import Injected, is_path
from .store import Store
from .words import plural
from .words import times as _times


class Journal:
    """What was asked of a simulator, and what it answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, exchange: Exchange, hit_by: Iterable[Injected] = ()) -> None:
        """Keep an exchange, as one that faults have hit, and give it the next number."""
        self._store.add_exchange(exchange, hit_by)

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
            expected = "at least once" if times is None else _times(times)
            raise AssertionError(
                f"expected calls of {method.upper()} {path}: {expected}; seen: {_times(seen)}\n"
                + self._explain(method.upper(), path)
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
                misses.append(f"{m} {redact(p)} ({_times(count)}): the method differs")
            elif p in near:
                misses.append(f"{m} {redact(p)} ({_times(count)}): the path differs")
        return misses[:5]
