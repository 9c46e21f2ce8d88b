"""Hints for programs that did not connect: why, and how to redirect them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_BASE_URL = "or point the program to HUBSPOT_BASE_URL"
_MAX_WORDS = 20  # per argument; the argument of sh -c may name the program
_HINTS = {
    "php": "PHP's streams (file_get_contents, SoapClient) ignore the proxy variables: use curl, set the proxy of "
    f"HTTPS_PROXY in their context with 'http' => ['proxy' => ...], {_BASE_URL}",
    "python": "run cannot redirect Python with -I, -E or -S, nor gevent and eventlet: "
    "point the program to HUBSPOT_BASE_URL",
    "node": "run cannot redirect Node without its NODE_OPTIONS: keep that variable, " + _BASE_URL,
}
_DEFAULT_HINT = f"run cannot redirect a program that ignores the proxy variables: make it use HTTPS_PROXY, {_BASE_URL}"
_WORD = re.compile(r"[a-z]+")


def connection_hints(command: Sequence[str]) -> list[str]:
    """Return hints why a command may not have connected, for each known program that the command names."""
    words = [PurePath(word).name.lower() for part in command for word in part.split()[:_MAX_WORDS]]
    programs = [match[0] for word in words if (match := _WORD.match(word))]
    return [_HINTS[name] for name in dict.fromkeys(programs) if name in _HINTS] or [_DEFAULT_HINT]
