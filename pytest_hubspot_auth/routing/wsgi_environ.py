"""Converts a request of any HTTP library to a WSGI environment."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from hubspot_simulator.hosts import PORTS


def environ(method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request with this body."""
    parts = urlsplit(url)
    variables: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port or PORTS.get(parts.scheme, PORTS["http"])),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            variables[key] = value
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            variables[f"HTTP_{key}"] = value
    variables["HTTP_HOST"] = parts.netloc.rpartition("@")[2]
    return variables
