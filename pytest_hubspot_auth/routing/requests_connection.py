"""Serves in process what an adapter of `requests` would send, below every mock that replaces ``HTTPAdapter.send``.

A mock that starts later (moto's, or a RequestsMock with a passthrough) hands unknown calls to the real ``send``. They
arrive here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError
from urllib3.response import HTTPResponse
from urllib3.util import Retry

from hubspot_simulator.replacements import Replacements

Send = Callable[[str, str, Any, Any], HTTPResponse]  # takes method, URL, headers and body

# requests 2.32 and later call the first, with the request; older versions the second, with its URL.
_NAMES = ("get_connection_with_tls_context", "get_connection")


class InProcessConnections:
    """Gives adapters an in-process connection for the hosts that ``matches`` accepts."""

    def __init__(self, matches: Callable[[object], bool], send: Send) -> None:
        self._matches = matches
        self._send = send
        self._replacements = Replacements()

    def start(self) -> None:
        """Start serving requests."""
        for name in _NAMES:
            if hasattr(HTTPAdapter, name):
                self._replacements.replace(HTTPAdapter, name, self._connection_getter)

    def stop(self) -> None:
        """Stop serving requests."""
        self._replacements.undo()

    def _connection_getter(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def get_connection(adapter: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
            url = request if isinstance(request, str) else request.url or ""
            if not self._matches(urlsplit(url).hostname):
                return real(adapter, request, *args, **kwargs)
            return _Connection(url, self._send)

        return get_connection


class _Connection:
    """A urllib3 connection pool, as far as an adapter of `requests` uses it."""

    def __init__(self, url: str, send: Send) -> None:
        parts = urlsplit(url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._send = send

    def urlopen(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> HTTPResponse:
        """Return the response to a request, retried as often as ``retries`` allows."""
        full_url = url if "://" in url else self._base + url  # a request to a proxy has the full URL already
        retries = Retry.from_int(options.get("retries"), redirect=options.get("redirect", True))
        while True:
            response = self._send(method, full_url, headers or {}, body)
            if not retries.is_retry(method, response.status, bool(response.headers.get("Retry-After"))):
                return response
            try:
                retries = retries.increment(method, url, response=response)
            except MaxRetryError:
                if retries.raise_on_status:
                    raise
                return response
            retries.sleep(response)
