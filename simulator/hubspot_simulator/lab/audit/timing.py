"""Rules on refreshes that come too soon: what their timing gives away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...core.exchange import Exchange
from ...core.words import plural
from .evidence import GrantKey
from .finding import Finding, found, in_all, span
from .refreshing import EarlyRefresh, NeedlessRefreshes

_SMALL_AGE_MS = 10_000


def timing(sorted_refreshes: dict[GrantKey, NeedlessRefreshes]) -> Iterator[Finding]:
    """Yield one finding a grant that was refreshed too soon: the one that says most."""
    for needless in sorted_refreshes.values():
        if not needless.early:
            continue
        early = needless.early
        milliseconds = [one for one in early if _is_thousandth(one)]
        run = _every_call(early)
        used = [one for one in early if one.uses]
        if len(milliseconds) > 1 and (not run or any(len(_young(one)) > 1 for one in milliseconds)):
            yield _milliseconds(milliseconds, certain=True)
        elif run:
            yield _each_call(run)
        elif milliseconds and len(milliseconds) == len(used) and milliseconds[0].age_ms < _SMALL_AGE_MS:
            yield _milliseconds(milliseconds, certain=False)
        elif used:
            yield _too_early(used)


def _young(early: EarlyRefresh) -> list[Exchange]:
    """Return the calls that a token was good for within a thousandth of its lifetime."""
    token = early.token
    return [call.exchange for call in early.uses if token.ages_ms(call.exchange)[1] < token.lifetime_ms / 1000]


def _is_thousandth(early: EarlyRefresh) -> bool:
    lifetime_ms = early.token.lifetime_ms
    return lifetime_ms / 1000 <= early.age_ms <= lifetime_ms / 200 and bool(_young(early))


def _milliseconds(pairs: Sequence[EarlyRefresh], *, certain: bool) -> Finding:
    one = pairs[0]
    problem = (
        f"#{one.refresh.number} refreshed a token that was {span(one.age_ms)} old and lives "
        f"{span(one.token.lifetime_ms)}, after it had been good for calls: {one.token.lifetime_ms // 1000} seems to be "
        f"taken for milliseconds{in_all(len(pairs))}."
    )
    return found("lifetime-read-as-milliseconds", problem, _proof(pairs), severity="error" if certain else "warning")


def _every_call(early: Sequence[EarlyRefresh]) -> list[EarlyRefresh]:
    """Return the longest run of early refreshes with at most one good call between; three refreshes are a run."""
    best: list[EarlyRefresh] = []
    run: list[EarlyRefresh] = []
    for one in early:
        if len(one.uses) > 1:
            run = []
            continue
        if run and one.previous is not run[-1].refresh:
            run = []
        run.append(one)
        refreshes = len(run) + (run[0].previous is not None and run[0].previous.grant_type == "refresh_token")
        if refreshes >= 3 and len(run) > len(best):
            best = list(run)
    return best


def _each_call(run: Sequence[EarlyRefresh]) -> Finding:
    calls = sum(len(one.uses) for one in run)
    problem = (
        f"#{run[0].refresh.number} to #{run[-1].refresh.number} are {len(run)} refreshes for "
        f"{plural(calls, 'call')}, while each token had more than half of its {span(run[0].token.lifetime_ms)} "
        "left and none was refused."
    )
    return found("refresh-every-call", problem, _proof(run))


def _too_early(used: Sequence[EarlyRefresh]) -> Finding:
    one = used[0]
    problem = (
        f"#{one.refresh.number} refreshed a token that had {span(one.left_ms)} of its {span(one.token.lifetime_ms)} "
        f"left and had not been refused{in_all(len(used))}."
    )
    return found("refresh-too-early", problem, _proof(used))


def _proof(early: Sequence[EarlyRefresh]) -> list[Exchange]:
    return [exchange for one in early for exchange in (*(call.exchange for call in one.uses[:1]), one.refresh.exchange)]
