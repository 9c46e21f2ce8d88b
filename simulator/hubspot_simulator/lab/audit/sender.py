"""Who sent two requests: the same one, another one, or nobody can say.

An audit that speaks of one program goes by this. Two requests that cannot be told apart are no proof of anything.
"""

from __future__ import annotations

from ...core.exchange import Exchange


def sender_keys(exchange: Exchange) -> list[tuple[str, int]]:
    """Return by what the sender of a request can be told; nothing when he cannot."""
    keys = [("process", exchange.process), ("connection", exchange.connection)]
    return [(what, number) for what, number in keys if number is not None]


def same_sender(one: Exchange, other: Exchange) -> bool:
    """Tell whether two requests are known to come from the same process, or by the same connection."""
    if other_sender(one, other):
        return False
    return (one.process is not None and one.process == other.process) or (
        one.connection is not None and one.connection == other.connection
    )


def other_sender(one: Exchange, other: Exchange) -> bool:
    """Tell whether two requests are known to come from different processes."""
    return one.process is not None and other.process is not None and one.process != other.process
