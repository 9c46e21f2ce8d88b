"""The journal: every exchange, in order, with the reason for its answer."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .clock import iso_instant
from .store import Store
from .tokens import shorten

BODY_KEPT = 64 * 1024
_BEARER = re.compile(r"(?<=bearer )\S+", re.IGNORECASE)
_SECRET_MEMBERS = re.compile(
    r"""((?:access_token|refresh_token|client_secret|code|token|code_verifier)["']?(?:=|:\s*["']))([^"'&\s]+)"""
)
_SECRET_SEGMENT = re.compile(r"(?<=/)(?:access-tokens|refresh-tokens)/([^/?]+)")


def redact(text: str) -> str:
    """Return a text with its tokens, codes and client secrets shortened."""
    text = _BEARER.sub(lambda found: shorten(found[0]), text)
    text = _SECRET_SEGMENT.sub(lambda found: found[0].replace(found[1], shorten(found[1])), text)
    return _SECRET_MEMBERS.sub(lambda found: found[1] + shorten(found[2]), text)


@dataclass(slots=True, repr=False)
class Exchange:
    """A request, its answer, and why.

    ``at_ms`` is when the request came, on the simulator's clock (epoch milliseconds). ``route`` is the template
    that it matched (``/crm/v3/objects/{type}``), None when there was none. ``served`` is False when HubSpot has,
    or may have, the endpoint and the simulator has not. Bodies are kept up to 64 KiB.
    """

    number: int
    at_ms: int
    method: str
    path: str
    query: str
    route: str | None
    status: int
    why: str
    request_headers: Sequence[tuple[str, str]]  # named as in CGI: HTTP_AUTHORIZATION, CONTENT_TYPE
    request_body: bytes
    response_headers: Sequence[tuple[str, str]]
    response_body: bytes
    correlation_id: str
    served: bool = True

    def __str__(self) -> str:
        target = f"{self.path}?{self.query}" if self.query else self.path
        return (
            f"#{self.number} {iso_instant(self.at_ms)} {self.method} {redact(target)} {self.status}: {redact(self.why)}"
        )

    __repr__ = __str__  # the fields hold secrets


class Journal:
    """What was asked of a simulator, and what it answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

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

        ``path`` is a literal path without its query, or a route template with its placeholders in braces
        (``/crm/v3/objects/{type}``).
        """
        method = method.upper()
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method and path.rstrip("/") in (exchange.path.rstrip("/"), exchange.route)
        ]

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Raise AssertionError unless the call was made ``times`` times; None means at least once.

        The message shows what was seen and what came nearest. ``path`` is as for ``find``.
        """
        __tracebackhide__ = True  # pytest shows the caller's line, then
        seen = len(self.find(method, path))
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
                misses.append(f"{m} {redact(p)} ({_times(count)}): the method differs")
            elif p in near:
                misses.append(f"{m} {redact(p)} ({_times(count)}): the path differs")
        return misses[:5]


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
