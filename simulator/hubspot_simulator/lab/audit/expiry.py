"""Rules on what happens to a token once it has expired."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from .evidence import LOOKED_BACK, USUAL_LIFETIME_MS, ApiCall, GrantKey, Token, TokenRequest, caller_ms, seen
from .finding import Finding, found, instant, more_times, span
from .sender import same_sender, sender_keys
from .timeline import Timeline

_WAIT_MS = 60_000
_FIXED_MS = (USUAL_LIFETIME_MS, 3_600_000, 21_600_000)


def expiry(timeline: Timeline) -> Iterator[Finding]:
    """Yield one finding a token that expired and was not dealt with, the one that says most."""
    for token in list(timeline.tokens.values()):
        current = [
            call for call in token.rejections if _speaks(timeline, call) and not _replaced(timeline, call, token)
        ]
        lost = [
            call for call in current if call.made_good is None and not timeline.is_known_dead(token.account, call.after)
        ]
        if token.foreign and _went_on(timeline, token):
            continue  # whose token should have come instead is not known
        if lost:
            finding = (
                _never(timeline, token, lost)
                or _fixed_lifetime(timeline, token, lost)
                or _again(timeline, token, current, lost)
            )
            if finding is not None:
                yield finding


def _went_on(timeline: Timeline, token: Token) -> bool:
    """Tell whether anybody asked for a token, or made a good call, after a token had been refused."""
    first = token.calls[0].number
    return any(one.number > first for one in timeline.token_requests) or any(
        call.ok and call.number > first for call in timeline.calls
    )


def _speaks(timeline: Timeline, call: ApiCall) -> bool:
    """Tell whether a call told its client to refresh; one that followed a refresh told it to give up."""
    return call.expired and not call.repeats and not timeline.was_replayed(call)


def _replaced(timeline: Timeline, call: ApiCall, token: Token) -> TokenRequest | None:
    """Return the request whose newer token had been answered when a call came."""
    last = timeline.last_given(token.grant, call.after)
    return last if last and last.token and last.token.is_newer_than(token) else None


def _expired(token: Token, call: ApiCall) -> str:
    if call.exchange.at_ms < token.expires_ms:
        return f"the token of #{call.number} was answered as expired at {instant(call.exchange.at_ms)}"
    return f"the token of #{call.number} expired at {instant(token.expires_ms)}"


def _never(timeline: Timeline, token: Token, lost: list[ApiCall]) -> Finding | None:
    lost = [call for call in lost if not _refused_fresh(token, call)]
    attempts = timeline.attempts(token.account)
    last = attempts[-1].number if attempts else 0
    first = next((call for call in lost if call.after >= last), None)
    if first is None:
        return None
    after = [call for call in lost if call.after >= last]
    more = sum(call.after >= first.number for call in after)
    sent = f"; it was sent {more_times(more)} after its 401" if more else ""
    problem = f"{_expired(token, first)}{sent}, and no refresh followed." if more else _once(token, first)
    return found("no-refresh-after-expiry", _sentence(problem), [call.exchange for call in after])


def _refused_fresh(token: Token, call: ApiCall) -> bool:
    """Tell whether a token that a refresh had just given was refused: to give up then is right."""
    return token.issued is not None and call.exchange.at_ms < min(token.expires_ms, token.issued_ms + _WAIT_MS)


def _once(token: Token, call: ApiCall) -> str:
    return f"{_expired(token, call)}; the call was answered 401 and no refresh followed."


def _fixed_lifetime(timeline: Timeline, token: Token, lost: list[ApiCall]) -> Finding | None:
    first = lost[0]
    attempts = timeline.attempts(token.account)
    index = bisect_right(attempts, first.after, key=lambda one: one.number)
    refresh = attempts[index] if index < len(attempts) else None
    if refresh is None or refresh.token is None or first.exchange.effect.delayed:
        return None
    if not same_sender(first.exchange, refresh.exchange):
        return None  # when whoever refreshed began to count is not known
    refreshed_ms = caller_ms(refresh.exchange)  # its own clock is the one that it counts a lifetime on
    if refreshed_ms - caller_ms(first.exchange) < _WAIT_MS:
        return None
    age_ms = refreshed_ms - token.held_ms
    said = token.issued.fields.get("expires_in") if token.issued else None
    for fixed_ms in _FIXED_MS:
        near = abs(age_ms - fixed_ms) <= fixed_ms // 10
        is_true = abs(token.lifetime_ms - fixed_ms) <= fixed_ms // 10
        if near and not is_true and fixed_ms != (said * 1000 if isinstance(said, int) else None):
            ignored = [call for call in lost if call.number <= refresh.after]
            problem = (
                f"the token of #{first.number} lived {span(token.lifetime_ms)}, its 401s were not followed by a "
                f"refresh, and #{refresh.number} refreshed it at an age of {span(age_ms)}: a lifetime of "
                f"{fixed_ms // 1000} s seems to be built in."
            )
            return found(
                "hard-coded-lifetime", _sentence(problem), [*(c.exchange for c in ignored[:5]), refresh.exchange]
            )
    return None


def _again(timeline: Timeline, token: Token, current: list[ApiCall], lost: list[ApiCall]) -> Finding | None:
    attempts = timeline.attempts(token.account)
    numbers = [call.number for call in current]
    again: list[ApiCall] = []
    first: ApiCall | None = None
    for call in lost:
        told = _told(current[: bisect_right(numbers, call.after)], call)
        if told is None or _tried(attempts, told, call) or _failed_next(attempts, call):
            continue
        again.append(call)
        first = first or told
    if first is None:
        return None
    problem = f"{_expired(token, first)}; after that 401 it was sent {more_times(len(again))} before any refresh."
    return found("expired-token-sent-again", _sentence(problem), [first.exchange, *(c.exchange for c in again)])


def _told(refused: list[ApiCall], again: ApiCall) -> ApiCall | None:
    """Return the last 401 that the sender of a call had read."""
    last = (call for call in reversed(refused[-LOOKED_BACK:]) if same_sender(call.exchange, again.exchange))
    return next(last, None)


def _tried(attempts: list[TokenRequest], refused: ApiCall, again: ApiCall) -> bool:
    """Tell whether a refresh was under way or done between a 401 and the next call."""
    index = bisect_right(attempts, refused.number, key=lambda one: one.number)
    return any(one.after < again.number for one in attempts[index : index + 3])


def _failed_next(attempts: list[TokenRequest], call: ApiCall) -> bool:
    """Tell whether the refresh that came next failed: the call may be another thread's, which waited for it."""
    index = bisect_right(attempts, call.number, key=lambda one: one.number)
    return index < len(attempts) and attempts[index].exchange.status != 200


def old_token(timeline: Timeline) -> Iterator[Finding]:
    """Yield one finding a grant whose old token was sent, and refused, by a sender who had a newer one."""
    stale: dict[GrantKey, list[tuple[ApiCall, TokenRequest]]] = defaultdict(list)
    for call in timeline.calls:
        if call.token is None or not call.refused or call.made_good is not None or timeline.was_replayed(call):
            continue
        newer = timeline.last_held(call.token.grant, call.exchange, call.after)
        if newer is not None and newer.token and newer.token.is_newer_than(call.token) and not call.token.foreign:
            stale[call.token.grant].append((call, newer))
    for pairs in stale.values():
        call, newer = pairs[0]
        more = f", and {more_times(len(pairs) - 1)} after it" if len(pairs) > 1 else ""
        problem = (
            f"#{newer.number} had given a newer token, yet #{call.number} came with the old one and was answered 401"
            f"{more}; it was not repeated with the newer one."
        )
        yield found("old-token-after-refresh", problem, [newer.exchange, *(one.exchange for one, _ in pairs)])


def dead_refresh_token(timeline: Timeline) -> Iterator[Finding]:
    """Yield one finding a refresh token that was sent on after it had been refused for good."""
    refused: dict[str, dict[tuple[str, int], list[TokenRequest]]] = defaultdict(dict)
    done: dict[str, list[TokenRequest]] = {}
    for one in timeline.refreshes:
        value = one.form.get("refresh_token", "")
        if one.refresh_token_is_dead:
            chains, keys = refused[value], sender_keys(one.exchange)
            chain: list[TokenRequest] = next((chains[key] for key in keys if key in chains), [])
            chains.update(dict.fromkeys(keys, chain))
            if keys and (not chain or one.after >= chain[0].number):
                chain.append(one)
            if len(chain) >= 3:
                done[value] = chain
        elif one.exchange.status == 200 and seen(one.exchange):
            refused[value] = {}
    for chain in done.values():
        problem = (
            f"#{chain[0].number} was answered {chain[0].refusal}, and the same refresh token was sent "
            f"{more_times(len(chain) - 1)}, to the same end."
        )
        yield found("dead-refresh-token-retried", problem, [one.exchange for one in chain])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
