"""Rules on refreshes that nobody needed: why was there another one."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from ...core.exchange import Exchange
from .evidence import LOOKED_BACK, ApiCall, GrantKey, Token, TokenRequest, elapsed_ms
from .finding import Finding, found, in_all, instant
from .sender import other_sender, same_sender
from .timeline import Timeline

_SOON_MS = 60_000
_REACTION_MS = 120_000
_MARGIN_MS = 300_000
_STATUSES = {403: "refresh-after-403", 429: "refresh-after-429"}


@dataclass
class EarlyRefresh:
    """A refresh although the token at hand was good. ``uses`` are the calls that it had been good for."""

    refresh: TokenRequest
    previous: TokenRequest | None
    token: Token
    uses: list[ApiCall]

    @property
    def age_ms(self) -> int:
        """How old the token was."""
        return self.token.ages_ms(self.refresh.exchange)[1]

    @property
    def left_ms(self) -> int:
        """How long it would have lived on."""
        return self.token.lifetime_ms - self.age_ms


@dataclass
class NeedlessRefreshes:
    """The needless refreshes of a grant by their cause. The lists of exchanges are proofs."""

    storm: list[list[Exchange]] = field(default_factory=list)
    straggler: list[list[Exchange]] = field(default_factory=list)
    after: dict[str, list[list[Exchange]]] = field(default_factory=lambda: defaultdict(list))
    early: list[EarlyRefresh] = field(default_factory=list)


def sort_refreshes(timeline: Timeline) -> dict[GrantKey, NeedlessRefreshes]:
    """Return the needless refreshes of each grant; what a more telling rule explains is not in ``early``."""
    made: dict[GrantKey, list[ApiCall]] = defaultdict(list)
    for token in timeline.tokens.values():
        made[token.grant] += token.calls
    result = {}
    for grant, given in timeline.given.items():
        needless = NeedlessRefreshes()
        calls = _Calls(made[grant])
        for index, one in enumerate(given):
            if one.grant_type == "refresh_token":
                _sort(timeline, calls, needless, given[:index][-LOOKED_BACK:], one)
        result[grant] = needless
    return result


class _Calls:
    """The calls of a grant, by number."""

    def __init__(self, calls: list[ApiCall]) -> None:
        self.all = sorted(calls, key=lambda call: call.number)
        self.numbers = [call.number for call in self.all]

    def between(self, first: int, last: int) -> list[ApiCall]:
        """Return those answered after exchange ``first`` and up to ``last``."""
        return self.all[bisect_right(self.numbers, first) : bisect_right(self.numbers, last)]

    def last(self, b: TokenRequest) -> ApiCall | None:
        """Return the last one that the sender of a refresh had been answered."""
        before = self.all[: bisect_right(self.numbers, b.after)][-LOOKED_BACK:]
        return next((call for call in reversed(before) if same_sender(call.exchange, b.exchange)), None)


def _sort(
    timeline: Timeline, calls: _Calls, needless: NeedlessRefreshes, before: Sequence[TokenRequest], b: TokenRequest
) -> None:
    """Sort a refresh in. It counts only against a token that its sender is known to have had."""
    overlapping = takewhile(lambda one: b.after < one.number, reversed(before))
    a = next((one for one in overlapping if same_sender(one.exchange, b.exchange)), None)
    if a is not None and a.grant_type == "refresh_token":
        needless.storm.append([*_causes(calls, a), a.exchange, b.exchange])
        return
    known = timeline.last_held(b.token.grant, b.exchange, b.after) if b.token else None
    if timeline.has_misfit(known.number if known else 0, b.after):
        return  # what was sent is no access token, which is a finding of its own
    last = calls.last(b)
    token = known.token if known else last.token if last else None
    if token is None or not _is_good(token, b):
        return
    left_ms = token.lifetime_ms - token.ages_ms(b.exchange)[1]
    if _after_status(needless, token, b, left_ms):
        return
    if left_ms * 2 <= token.lifetime_ms:
        return
    if known is not None and known.grant_type == "refresh_token" and _linked(calls, needless, known, token, b):
        return
    uses = [call for call in _of(token.calls, b) if call.ok and call.number <= b.after]
    needless.early.append(EarlyRefresh(b, known, token, uses))


def _of(calls: Sequence[ApiCall], b: TokenRequest) -> list[ApiCall]:
    """Return the calls that the sender of a refresh may have made: those of other processes left out."""
    return [call for call in calls if not other_sender(call.exchange, b.exchange)]


def _is_good(token: Token, b: TokenRequest) -> bool:
    """Tell whether nothing spoke against a token when a refresh came.

    What does is a 401, a response that hides what the client was told, and a clock that was put back. Nor is anything
    known of a token that came in an altered response: it may have said that the token is to live no longer.
    """
    if token.issued is not None and token.issued.exchange.effect.altered:
        return False
    if token.ages_ms(b.exchange)[0] < -1000:
        return False
    return not any(
        call.number < b.number and (call.exchange.status == 401 or call.exchange.effect.hides_response)
        for call in token.calls
    )


def _after_status(needless: NeedlessRefreshes, token: Token, b: TokenRequest, left_ms: int) -> bool:
    if left_ms <= min(_MARGIN_MS, token.lifetime_ms // 2):
        return False
    known = [call for call in _of(token.calls, b) if call.number <= b.after]
    if not known or not same_sender(known[-1].exchange, b.exchange):
        return False
    if elapsed_ms(known[-1].exchange, b.exchange) > _REACTION_MS:
        return False
    status = known[-1].exchange.status
    id = "refresh-after-5xx" if status >= 500 else _STATUSES.get(status)
    if id is None:
        return False
    needless.after[id].append([known[-1].exchange, b.exchange])
    return True


def _linked(calls: _Calls, needless: NeedlessRefreshes, a: TokenRequest, token: Token, b: TokenRequest) -> bool:
    """Tell whether a refresh came of the expiry that another had dealt with, and note how."""
    late = [call for call in _of(calls.between(a.number, b.after), b) if call.refused]
    if late:
        refused = late[-1]
        if refused.made_good is None or not same_sender(refused.exchange, b.exchange):
            return True  # the old token stayed in use, which is a finding of its own; or whose 401 it was is not known
        if elapsed_ms(refused.exchange, b.exchange) <= _SOON_MS:
            needless.straggler.append([a.exchange, refused.exchange, b.exchange])
            return True
    causes = _refused_before(calls, a)
    waited = [call for call in causes if call.made_good is not None and call.made_good.after >= b.number]
    overlapping = any(two.after < one.number for one, two in pairwise(causes))
    idle = not _of(calls.between(a.number, b.number), b)
    if (
        (len(causes) > 1 and waited)
        or (overlapping and elapsed_ms(a.exchange, b.exchange) <= _SOON_MS)
        or (idle and not a.exchange.effect.altered)
    ):
        needless.storm.append([*_causes(calls, a), a.exchange, b.exchange])
        return True
    return False


def _refused_before(calls: _Calls, a: TokenRequest) -> list[ApiCall]:
    """Return the 401s that led to a refresh: those of the token before it, answered before it was."""
    before = _of(calls.between(0, a.number)[-LOOKED_BACK:], a)
    refused: list[ApiCall] = []
    for call in reversed(before):
        if call.refused and (not refused or call.token is refused[0].token):
            refused.append(call)
        elif refused and call.ok and call.token is not refused[0].token:
            break
    return refused[::-1]


def _causes(calls: _Calls, a: TokenRequest) -> list[Exchange]:
    return [call.exchange for call in _refused_before(calls, a)[:2]]


def storms(sorted_refreshes: dict[GrantKey, NeedlessRefreshes]) -> Iterator[Finding]:
    """Yield a finding a grant that was refreshed several times for one expiry, at once or by stragglers."""
    for needless in sorted_refreshes.values():
        id, proofs = ("refresh-storm", needless.storm) if needless.storm else ("straggler-refresh", needless.straggler)
        if not proofs:
            continue
        first = proofs[0]
        one, other = first[-3 if id == "straggler-refresh" else -2], first[-1]
        if id == "refresh-storm":
            problem = (
                f"#{one.number} and #{other.number} both refreshed for one expiry, at {instant(other.at_ms)}; "
                f"{len(proofs)} more than needed."
            )
        else:
            problem = (
                f"#{one.number} had refreshed the token; then #{first[-2].number}, sent with the old one, was answered "
                f"401, and #{other.number} refreshed again although the new one was good{in_all(len(proofs))}."
            )
        yield found(id, problem, [exchange for proof in proofs for exchange in proof])


def after_statuses(sorted_refreshes: dict[GrantKey, NeedlessRefreshes]) -> Iterator[Finding]:
    """Yield a finding a grant and status for refreshes that only a 403, a 429 or a 5xx can have caused."""
    for needless in sorted_refreshes.values():
        for id, proofs in needless.after.items():
            response, refresh = proofs[0]
            problem = (
                f"#{refresh.number} refreshed a token that was good: the last answer to it, #{response.number}, was a "
                f"{response.status}{in_all(len(proofs))}."
            )
            yield found(id, problem, [exchange for proof in proofs for exchange in proof])
