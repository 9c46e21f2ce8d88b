"""Which call repeated which: a 401 is made good by the same request with a newer token."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from .evidence import ApiCall
from .sender import other_sender, same_sender

_LOOKED_AT = 50
_TOKENS_KEPT = 50  # of those with which one request was refused; a bound on the time that a strange journal takes


def match_retries(calls: Iterable[ApiCall]) -> None:
    """Give each 401 the call that repeated it with a newer token of the account, no call to two of them.

    That of a foreign token may be repeated with a token of any account.
    """
    waiting: dict[tuple[object, ...], dict[str, deque[ApiCall]]] = {}
    foreign: dict[tuple[object, ...], deque[ApiCall]] = {}
    for call in calls:
        if call.token is None:
            continue
        if call.token.foreign:
            foreign.setdefault(call.request, deque(maxlen=_LOOKED_AT)).append(call)
            continue
        unknown = foreign.get(call.request)
        if unknown and unknown[0].number <= call.after:
            _likeliest(unknown, call).made_good = call
            call.repeats = True
        key = (call.token.account, *call.request)
        others = waiting.get(key, {})
        for text, queue in others.items():
            first = queue[0]
            if text == call.text or first.number > call.after or first.token is None:
                continue
            if not first.token.is_newer_than(call.token):
                _likeliest(queue, call).made_good = call
                call.repeats = True
                if not queue:
                    del others[text]
                break
        if call.exchange.status == 401:
            others = waiting.setdefault(key, {})
            others.setdefault(call.text, deque()).append(call)
            if len(others) > _TOKENS_KEPT:
                del others[next(iter(others))]


def _likeliest(queue: deque[ApiCall], again: ApiCall) -> ApiCall:
    """Take out of a queue the call that another one repeats: one of the same sender, if there is any."""
    exchange = again.exchange
    early = [call for call in islice(queue, _LOOKED_AT) if call.number <= again.after]
    one = (
        next((call for call in early if same_sender(call.exchange, exchange)), None)
        or next((call for call in early if not other_sender(call.exchange, exchange)), None)
        or queue[0]
    )
    queue.remove(one)
    return one
