"""Rules on credentials that do not belong where they are used."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from ...core.exchange import Exchange
from .evidence import ApiCall, TokenRequest, text_of
from .finding import Finding, found, in_all
from .sender import same_sender
from .timeline import Timeline

_RECORD = re.compile(r"/crm/(?:v3/objects|objects/[^/]+)/([^/]+)(?:/([^/]+))?/?")
_CREDENTIALS = {"BAD_CLIENT_ID", "BAD_CLIENT_SECRET"}


def another_portal(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding when calls meant for one portal were made with the token of another."""
    if len({token.account for token in timeline.tokens.values()}) < 2:
        return
    repeated = list(_repeated(timeline))
    if repeated:
        call, again = repeated[0]
        problem = (
            f"#{call.number}, made for portal {_hub(call)}, was answered 401, and #{again.number} repeated it with a "
            f"token of portal {_hub(again)}{in_all(len(repeated))}."
        )
        yield found("token-of-another-portal", problem, [one.exchange for pair in repeated for one in pair])
        return
    strays = list(_strays(timeline))
    if strays:
        call, known = strays[0]
        problem = (
            f"#{call.number} asked portal {_hub(call)} for {call.exchange.path}, a record of portal {_hub(known)} "
            f"(#{known.number}), and was answered 404{in_all(len(strays))}."
        )
        yield found("token-of-another-portal", problem, [one.exchange for pair in strays for one in (pair[1], pair[0])])


def _hub(call: ApiCall) -> int:
    return call.token.account[1] if call.token else 0


def _repeated(timeline: Timeline) -> Iterator[tuple[ApiCall, ApiCall]]:
    """Yield each 401 with the call that repeated it for another portal, right after a token for that came.

    A client that works through several portals makes the same calls for each. It is told apart by this: it tries to
    refresh the token that was refused, or does not refresh another one next.
    """
    waiting: dict[tuple[object, ...], ApiCall] = {}
    served: set[tuple[object, ...]] = set()
    for call in timeline.calls:
        if call.token is None:
            continue
        key, account = call.request, call.token.account
        before = waiting.get(key)
        if before is not None and _hub(before) != account[1]:
            first_time = (account, *key) not in served
            told = call.after >= before.number and same_sender(before.exchange, call.exchange)
            if first_time and told and _swapped(timeline, before, call):
                yield before, call
            waiting.pop(key)
        served.add((account, *key))
        if call.refused and call.made_good is None and not call.repeats and not timeline.was_replayed(call):
            waiting[key] = call


def _swapped(timeline: Timeline, refused: ApiCall, again: ApiCall) -> bool:
    """Tell whether a refresh after a 401 was for the portal of the next call, and none for its own."""
    if refused.token is None or again.token is None or refused.token.foreign:
        return False
    issued = again.token.issued
    if issued is None or issued.after < refused.number or issued.grant_type != "refresh_token":
        return False
    if issued.exchange.effect.altered:  # HubSpot may have given a token of the same portal
        return False
    attempts = timeline.attempts(refused.token.account)
    index = bisect_right(attempts, refused.after, key=lambda one: one.number)
    return not any(one.after < again.number for one in attempts[index : index + 3])


def _strays(timeline: Timeline) -> Iterator[tuple[ApiCall, ApiCall]]:
    """Yield each call that named a record of another portal, with the first call that had shown it there."""
    shown: dict[tuple[str, str], dict[int, ApiCall]] = defaultdict(dict)
    for call in timeline.calls:
        match = _RECORD.fullmatch(call.exchange.path)
        if match is None or call.token is None or call.text in timeline.altered_texts:
            continue
        type_name, id, hub = match[1], match[2], _hub(call)
        if id and call.exchange.status == 404 and not call.exchange.effect.altered:
            portals = shown.get((type_name, id), {})
            known = next(iter(portals.values()), None)
            if known and hub not in portals and same_sender(known.exchange, call.exchange):
                yield call, known
        elif call.ok:
            for seen_id in _ids(call.exchange):
                shown[type_name, seen_id].setdefault(hub, call)


def _ids(exchange: Exchange) -> list[str]:
    fields = exchange.response_json
    results = fields.get("results")
    rows = [fields, *(results if isinstance(results, list) else [])]
    return [text for row in rows if isinstance(row, dict) and (text := text_of(row, "id"))]


def credentials(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding for refresh tokens of another app, and one for wrong client credentials."""
    refused = [one for one in timeline.token_requests if not _is_excused(timeline, one)]
    foreign = [one for one in refused if one.refusal == "MISMATCH_REFRESH_TOKEN_CLIENT"]
    if foreign:
        problem = (
            f"#{foreign[0].number} sent a refresh token that another app than its client_id was given"
            f"{in_all(len(foreign))}."
        )
        yield found("refresh-token-of-another-app", problem, [one.exchange for one in foreign])
    wrong = [one for one in refused if one.refusal in _CREDENTIALS]
    if wrong:
        problem = f"#{wrong[0].number} was answered {wrong[0].refusal}: {_fault(wrong[0])}{in_all(len(wrong))}."
        yield found("wrong-client-credentials", problem, [one.exchange for one in wrong])


def _is_excused(timeline: Timeline, one: TokenRequest) -> bool:
    """Tell whether a refusal is not HubSpot's own, or the refresh token came in a response that was altered."""
    return one.exchange.effect.altered or one.form.get("refresh_token") in timeline.altered_texts


def _fault(one: TokenRequest) -> str:
    name = "client_id" if one.refusal == "BAD_CLIENT_ID" else "client_secret"
    if one.form.get(name):
        return f"its {name} is not that of the app"
    basic = one.exchange.header("HTTP_AUTHORIZATION").lower().startswith("basic ")
    return f"its {name} is missing" + (" (HTTP Basic was sent instead, which HubSpot does not read)" if basic else "")
