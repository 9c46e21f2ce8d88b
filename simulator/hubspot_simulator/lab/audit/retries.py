"""Rules on calls that are made again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator

from ...core.exchange import Exchange
from ...core.words import plural, times
from .evidence import Account, ApiCall, Token, TokenRequest, elapsed_ms, seen
from .finding import Finding, found, in_all
from .sender import same_sender
from .timeline import Timeline

_ENDLESS = 4
_APART_MS = 900_000  # later than that it is another unit of work
_WITH_BODY = {"POST", "PATCH", "PUT"}
_HARMLESS = ("/search", "/batch/read", "/batch/upsert")  # POSTs that may be made twice


def endless_retry(timeline: Timeline) -> Iterator[Finding]:
    """Yield one finding an account that repeated a call after one 401 upon another.

    Each 401 met a newer token than the one before, or no token could be had any more.
    """
    chains: dict[tuple[object, ...], list[ApiCall]] = {}
    worst: dict[Account, list[ApiCall]] = {}
    for call in timeline.calls:
        if call.token is None:
            continue
        key = (call.token.account, call.exchange.process, *call.request)
        chain = chains.get(key, [])
        if not call.refused:
            chains.pop(key, None)
            continue
        if chain and _follows(timeline, chain[-1], call):
            chain.append(call)
        else:
            chains[key] = chain = [call]
        if len(chain) >= _ENDLESS and len(chain) >= len(worst.get(call.token.account, [])):
            worst[call.token.account] = chain
    for chain in worst.values():
        first, tokens = chain[0].exchange, len({call.text for call in chain})
        with_ = (
            f"{tokens} tokens, each newer than the one before" if tokens > 1 else "a token that could not be renewed"
        )
        problem = (
            f"{first.method} {first.path} was answered 401 {times(len(chain))} in a row, from #{first.number} on, with "
            f"{with_}."
        )
        yield found("endless-retry", problem, [call.exchange for call in chain])


def _follows(timeline: Timeline, before: ApiCall, call: ApiCall) -> bool:
    """Tell whether a call, refused as well, is one more try of the same unit of work."""
    if call.after < before.number or before.token is None or call.token is None:
        return False
    if not same_sender(before.exchange, call.exchange):
        return False
    if call.text == before.text:
        dead = timeline.is_known_dead(call.token.account, before.after, before.exchange)
        return dead and elapsed_ms(before.exchange, call.exchange) <= _APART_MS
    issued = call.token.issued
    if issued is None or issued.grant_type != "refresh_token" or not call.token.is_newer_than(before.token):
        return False
    if not before.repeats:
        return True  # the first repetition is everybody's
    refused = timeline.refused[call.token.account]
    return not (_by_the_clock(before, before.token, issued) or _gave_up(refused, before, issued))


def _by_the_clock(before: ApiCall, token: Token, issued: TokenRequest) -> bool:
    """Tell whether a refresh need not be the answer to a 401: the time for it had come in between."""
    expired = token.ages_ms(issued.exchange)[1] >= token.lifetime_ms
    return expired or elapsed_ms(before.exchange, issued.exchange) > _APART_MS


def _gave_up(refused: list[ApiCall], before: ApiCall, issued: TokenRequest) -> bool:
    """Tell whether the client went on to another call, whose 401 the refresh was the answer to."""
    index = bisect_right(refused, before.number, key=lambda call: call.number)
    return any(before.number <= call.after and call.number <= issued.after for call in refused[index : index + 8])


def retry_without_body(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding when a write was refused with 401 and came again with another token and no body."""
    empty: dict[tuple[str, str, str], list[ApiCall]] = defaultdict(list)
    for call in timeline.calls:
        if call.exchange.method in _WITH_BODY and not call.exchange.request_body:
            empty[call.target].append(call)
    proof: list[Exchange] = []
    for call in timeline.calls:
        exchange = call.exchange
        if not call.refused or not exchange.request_body or call.made_good:
            continue
        again = _next(empty.get(call.target, []), call)
        if again is not None and not same_sender(exchange, again.exchange):
            continue
        if again is not None and again.text != call.text:
            proof += [exchange, again.exchange]
    if proof:
        first, again_ = proof[0], proof[1]
        problem = (
            f"#{first.number} {first.method} {first.path} was answered 401; #{again_.number} repeated it with another "
            f"token and without its {plural(len(first.request_body), 'byte')} of body{in_all(len(proof) // 2)}."
        )
        yield found("retry-without-body", problem, proof)


def _next(calls: list[ApiCall], before: ApiCall) -> ApiCall | None:
    """Return the first call that was answered after another, and came after its answer."""
    index = bisect_left(calls, before.number, key=lambda call: call.number)
    return next((call for call in calls[index : index + 8] if call.after >= before.number), None)


def write_sent_twice(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding when a POST that had been carried out, behind a fault, was sent again and taken again."""
    done: dict[tuple[object, ...], ApiCall] = {}
    proof: list[Exchange] = []
    for call in timeline.calls:
        exchange = call.exchange
        if exchange.method != "POST" or not exchange.request_body or exchange.path.rstrip("/").endswith(_HARMLESS):
            continue
        key = (call.token.account if call.token else call.text, exchange.process, *call.request)
        before = done.get(key)
        carried_out = _behind_a_fault(call)
        if (
            before is not None
            and call.after >= before.number
            and same_sender(before.exchange, exchange)
            and (call.ok or exchange.status == 409 or carried_out)
        ):
            proof += [before.exchange, exchange]
            del done[key]
        if carried_out:
            done[key] = call
    if proof:
        first, again = proof[0], proof[1]
        how = "its answer was lost" if first.effect.unread else f"it was answered {first.status}"
        what = "refused as a duplicate" if again.status == 409 else "carried out again"
        problem = (
            f"#{first.number} {first.method} {first.path} was carried out, though {how}; #{again.number} sent the same "
            f"body again and was {what}{in_all(len(proof) // 2)}."
        )
        yield found("write-sent-twice", problem, proof)


def _behind_a_fault(call: ApiCall) -> bool:
    exchange = call.exchange
    return exchange.effect.carried_out and (exchange.status >= 500 or (call.ok and not seen(exchange)))
