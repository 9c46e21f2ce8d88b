"""Programs that ``run`` cannot reach by itself, and what does: said when no connection came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

_BASE_URL = "or point it to HUBSPOT_BASE_URL"
_WORDS = 20  # of an argument: that of sh -c may hold a program's name
_UNREACHED = {
    "php": "PHP's streams (file_get_contents, SoapClient) ignore proxies: use curl, give their context the proxy of "
    f"HTTPS_PROXY as 'http' => ['proxy' => ...], {_BASE_URL}",
    "python": f"Python started with -I, -E or -S is not reached, nor are gevent and eventlet: {_BASE_URL}",
    "node": f"Node started without NODE_OPTIONS is not reached: {_BASE_URL}",
}
_OTHERWISE = f"a program that ignores the proxy variables is not reached: have it take HTTPS_PROXY, {_BASE_URL}"
_WORD = re.compile(r"[a-z]+")


def unreached(command: Sequence[str]) -> list[str]:
    """Return why a command may not have connected, as sentences: by the programs that it names."""
    words = [PurePath(word).name.lower() for part in command for word in part.split()[:_WORDS]]
    named = [found[0] for word in words if (found := _WORD.match(word))]
    return [_UNREACHED[name] for name in dict.fromkeys(named) if name in _UNREACHED] or [_OTHERWISE]
