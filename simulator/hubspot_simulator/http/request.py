"""The request, as werkzeug gives it, made safe against what clients may send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from werkzeug import Request as WerkzeugRequest
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.utils import cached_property

from ..core.errors import ApiError
from ..core.protocol import FORM
from ..core.redaction import shown, shown_url

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_BODY = 10 * 1024 * 1024
MAX_FIELDS = 1000  # of a form: ten mebibytes of them take a second and half a gigabyte to read
_HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[\w.~-]*)(?::\d*)?", re.ASCII | re.IGNORECASE)
_NOTHING: MultiDict[str, str] = ImmutableMultiDict()


class Request(WerkzeugRequest):
    """A request with bounds."""

    max_content_length = MAX_BODY
    max_form_memory_size = MAX_BODY
    max_form_parts = MAX_FIELDS

    def __init__(self, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        given = environ.get("PATH_INFO", "")
        if given.startswith("//"):  # werkzeug would make them one
            self.path = "/" * (len(given) - len(given.lstrip("/"))) + self.path.lstrip("/")

    def __repr__(self) -> str:  # werkzeug's shows the query whole
        return f"<Request {shown(self.method, 20)} {shown_url(self.path, self.environ.get('QUERY_STRING', ''))}>"

    @property
    def has_body(self) -> bool:
        """Whether the request says that it has a body."""
        return bool(self.environ.get("CONTENT_LENGTH") or self.environ.get("wsgi.input_terminated"))

    def read_body(self) -> bytes:
        """Return the body, as far as it came. Raises ApiError (400, 413)."""
        with self._refusing():
            return self.get_data(cache=True)

    def check_body(self, body: bytes) -> None:
        """Refuse a body that is too large or was cut short. Raises ApiError (400, 413)."""
        with self._refusing():
            if len(body) < (self.content_length or 0):
                raise ClientDisconnected  # werkzeug does not see it of every server
            if len(body) == MAX_BODY != self.content_length and self.environ["wsgi.input"].read(1):
                raise RequestEntityTooLarge  # werkzeug cuts off what comes in chunks
        if self.mimetype == FORM and body.count(b"&") >= MAX_FIELDS:
            raise _too_large(f"the form has more than {MAX_FIELDS} fields")

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except RequestEntityTooLarge:
            raise _too_large(f"the body is larger than {MAX_BODY} bytes") from None
        except ClientDisconnected:
            why = f"the body was cut short: Content-Length promised {self.content_length} bytes"
            raise ApiError(400, "Invalid request body", why=why) from None
        except ValueError as error:
            raise ApiError(400, "Invalid request body", why=f"the body is not chunked as it says: {error}") from None

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query. What is not UTF-8 in it reads as replacement characters; werkzeug would raise."""
        if not self.query_string:
            return _NOTHING
        return ImmutableMultiDict(parse_qsl(self.query_string.decode("utf-8", "replace"), keep_blank_values=True))


def _too_large(what: str) -> ApiError:
    return ApiError(413, "HTTP 413 Request Entity Too Large", why=f"{what}, the most that the simulator takes")


@lru_cache(maxsize=256)
def is_host(text: str) -> bool:
    """Tell whether links can be made of a Host header. An empty one can: HTTP/1.0 needs none."""
    try:
        return _HOST.fullmatch(text) is not None and (urlsplit(f"//{text}").port or 0) >= 0
    except ValueError:
        return False
