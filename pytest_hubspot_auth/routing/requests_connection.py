"""Answers in process what an adapter of `requests` would send, below all that replaces ``HTTPAdapter.send``.

Another mock that is started later (moto's, a RequestsMock with a pass-through) hands calls that it does not know to the
true ``send``. This is where they arrive.
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

Answer = Callable[[str, str, Any, Any], HTTPResponse]  # of a method, a URL, headers and a body

# Since requests 2.32 the former is called with the request; before, the latter with its URL.
_NAMES = ("get_connection_with_tls_context", "get_connection")


class AnsweredConnections:
    """Gives adapters a connection that answers by itself, for the hosts for which ``matches`` holds."""

    def __init__(self, matches: Callable[[object], bool], answer: Answer) -> None:
        self._matches = matches
        self._answer = answer
        self._replacements = Replacements()

    def start(self) -> None:
        """Answer from now on."""
        for name in _NAMES:
            if hasattr(HTTPAdapter, name):
                self._replacements.replace(HTTPAdapter, name, self._connecting)

    def stop(self) -> None:
        """Answer no longer."""
        self._replacements.undo()

    def _connecting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def get_connection(adapter: HTTPAdapter, called: Any, *args: Any, **kwargs: Any) -> Any:
            url = called if isinstance(called, str) else called.url or ""
            if not self._matches(urlsplit(url).hostname):
                return real(adapter, called, *args, **kwargs)
            return _Connection(url, self._answer)

        return get_connection


class _Connection:
    """A connection pool of urllib3, as far as an adapter of `requests` uses one."""

    def __init__(self, url: str, answer: Answer) -> None:
        parts = urlsplit(url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._answer = answer

    def urlopen(self, method: str, url: str, body: Any = None, headers: Any = None, **how: Any) -> HTTPResponse:
        """Return the answer to a request, tried again as often as ``retries`` says."""
        whole = url if "://" in url else self._base + url  # a request for a proxy names the host, too
        retries = Retry.from_int(how.get("retries"), redirect=how.get("redirect", True))
        while True:
            response = self._answer(method, whole, headers or {}, body)
            if not retries.is_retry(method, response.status, bool(response.headers.get("Retry-After"))):
                return response
            try:
                retries = retries.increment(method, url, response=response)
            except MaxRetryError:
                if retries.raise_on_status:
                    raise
                return response
            retries.sleep(response)
