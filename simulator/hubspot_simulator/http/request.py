"""The request, as werkzeug gives it, made safe against what clients may send."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from werkzeug import Request as WerkzeugRequest
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

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

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query. What is not UTF-8 in it reads as replacement characters; werkzeug would raise."""
        if not self.query_string:
            return _NOTHING
        return ImmutableMultiDict(parse_qsl(self.query_string.decode("utf-8", "replace"), keep_blank_values=True))


@lru_cache(maxsize=256)
def is_host(text: str) -> bool:
    """Tell whether links can be made of a Host header. An empty one can: HTTP/1.0 needs none."""
    try:
        return _HOST.fullmatch(text) is not None and (urlsplit(f"//{text}").port or 0) >= 0
    except ValueError:
        return False
