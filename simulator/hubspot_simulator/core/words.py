"""Numbers and names in texts for people."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Write how many there are of something: ``1 call``, ``2 calls``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def letters(name: str) -> str:
    """Return a name without its spelling: ``token_ttl``, ``Token-TTL`` and ``token ttl`` are the same."""
    return "".join(filter(str.isalnum, name.lower()))


def times(count: int) -> str:
    """Write how often something happened: ``never``, ``once``, ``3 times``."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
