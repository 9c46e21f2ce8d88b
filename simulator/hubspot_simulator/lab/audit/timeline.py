"""The journal as the rules read it, worked out once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import islice

from ...core import tokens
from ...core.bodies import form_fields
from ...core.endpoint_table import is_token_endpoint
from ...core.exchange import Exchange
from .evidence import (
    USUAL_LIFETIME_MS,
    Account,
    ApiCall,
    GrantKey,
    Token,
    TokenRequest,
    caller_ms,
    seen,
    text_of,
)
from .repeats import match_retries
from .sender import same_sender, sender_keys

_SHORTEST_PREFIX = 8
_TOKEN_FIELDS = ("access_token", "refresh_token")


class Timeline:
    """What happened, in the order of the responses."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.exchanges = sorted(exchanges, key=lambda exchange: exchange.number)
        self.tokens: dict[str, Token] = {}
        self.token_requests: list[TokenRequest] = []
        self._attempts: dict[Account, list[TokenRequest]] = {}
        replayed = self._read_token_requests()
        self.calls = self._read_calls()
        for request, text in replayed:
            request.token = self.tokens.get(text)
            if request.token is not None and seen(request.exchange):
                request.token.shown_by(request.exchange)
        self._learn_accounts()
        match_retries(self.calls)

    @cached_property
    def altered_texts(self) -> set[str]:
        """The tokens that came in altered responses. A client that uses them as they came is not to blame."""
        altered = [one.fields for one in self.token_requests if one.exchange.effect.altered]
        return {text for fields in altered for name in _TOKEN_FIELDS if (text := text_of(fields, name))}

    @property
    def refreshes(self) -> list[TokenRequest]:
        """The token requests that asked for a refresh."""
        return [one for one in self.token_requests if one.grant_type == "refresh_token"]

    @cached_property
    def _token_responses(self) -> dict[GrantKey, list[TokenRequest]]:
        """By grant, the token requests that gave a token which the client can have read."""
        responses: dict[GrantKey, list[TokenRequest]] = defaultdict(list)
        for one in self.token_requests:
            if one.token is not None and seen(one.exchange):
                responses[one.token.grant].append(one)
        return responses

    @cached_property
    def given(self) -> dict[GrantKey, list[TokenRequest]]:
        """By grant, those of them whose token had not been given before."""
        given = {grant: [one for one in responses if one.fresh] for grant, responses in self._token_responses.items()}
        return {grant: responses for grant, responses in given.items() if responses}

    def last_given(self, grant: GrantKey, number: int) -> TokenRequest | None:
        """Return the last request that had given the grant a token when exchange ``number`` was answered."""
        given = self.given.get(grant, [])
        index = bisect_right(given, number, key=lambda one: one.number)
        return given[index - 1] if index else None

    @cached_property
    def _given_to(self) -> dict[tuple[GrantKey, tuple[str, int]], list[TokenRequest]]:
        """By grant and key of a sender, the answers whose token that sender is known to have had, oldest first."""
        given_to: dict[tuple[GrantKey, tuple[str, int]], list[TokenRequest]] = defaultdict(list)
        for grant, given in self.given.items():
            for one in given:
                for key in one.token.holders if one.token else ():
                    given_to[grant, key].append(one)
        return given_to

    def last_held(self, grant: GrantKey, by: Exchange, number: int) -> TokenRequest | None:
        """Return the last answer whose token the sender of a request had when exchange ``number`` was answered."""
        found: list[TokenRequest] = []
        for key in sender_keys(by):
            given = self._given_to.get((grant, key), [])
            index = bisect_right(given, number, key=lambda one: one.number)
            held = (one for one in reversed(given[:index]) if one.token and one.token.was_held(by, number))
            found += islice(held, 1)
        return max(found, key=lambda one: one.number, default=None)

    def attempts(self, account: Account) -> list[TokenRequest]:
        """Return the tries to get a token for an account, those that may be for another one included."""
        if account not in self._attempts:
            self._attempts[account] = [one for one in self.token_requests if one.may_concern(account)]
        return self._attempts[account]

    def is_known_dead(self, account: Account, number: int, to: Exchange | None = None) -> bool:
        """Tell whether the last try before exchange ``number`` ended with a dead refresh token.

        ``to`` is a request whose sender must be known to have tried.
        """
        attempts = self.attempts(account)
        index = bisect_right(attempts, number, key=lambda one: one.number)
        if not index or not attempts[index - 1].refresh_token_is_dead:
            return False
        return to is None or same_sender(attempts[index - 1].exchange, to)

    @cached_property
    def refused(self) -> dict[Account, list[ApiCall]]:
        """By account, the calls that the client read a 401 for."""
        refused: dict[Account, list[ApiCall]] = defaultdict(list)
        for call in self.calls:
            if call.token is not None and call.refused:
                refused[call.token.account].append(call)
        return refused

    def was_replayed(self, call: ApiCall) -> bool:
        """Tell whether the last refresh before a call had been answered with the token that it carries, once more."""
        responses = self._token_responses.get(call.token.grant, []) if call.token else []
        index = bisect_right(responses, call.after, key=lambda one: one.number)
        return index > 0 and responses[index - 1].token is call.token and not responses[index - 1].fresh

    @cached_property
    def _misfits(self) -> list[int]:
        return [call.number for call in self.calls if call.token is None and call.text and call.exchange.status == 401]

    def has_misfit(self, first: int, last: int) -> bool:
        """Tell whether what is no access token was refused after exchange ``first`` and up to ``last``."""
        return bisect_right(self._misfits, last) > bisect_right(self._misfits, first)

    @cached_property
    def _known_texts(self) -> list[str]:
        return sorted({*self.tokens, *(call.text for call in self.calls if call.ok)})

    def is_prefix(self, text: str) -> bool:
        """Tell whether a text is the beginning of an access token that was issued or accepted."""
        known = self._known_texts
        index = bisect_right(known, text)
        return len(text) >= _SHORTEST_PREFIX and index < len(known) and known[index].startswith(text)

    def _read_token_requests(self) -> list[tuple[TokenRequest, str]]:
        """Read the token requests. Return those that were answered with a token that had been used before."""
        used: set[str] = set()
        replayed = []
        for exchange in self.exchanges:
            if exchange.bearer:
                used.add(exchange.access_token)
            if exchange.method != "POST" or not is_token_endpoint(exchange.path):
                continue
            form = form_fields(exchange.query) | exchange.form
            form |= {name: str(value) for name, value in exchange.request_json.items()}
            request = TokenRequest(exchange, form, exchange.response_json)
            self.token_requests.append(request)
            text = text_of(request.fields, "access_token") if exchange.status == 200 else ""
            if text in self.tokens or text in used:
                request.fresh = False
                replayed.append((request, text))
            elif text:
                request.token = self._issued(text, request)
        return replayed

    def _issued(self, text: str, request: TokenRequest) -> Token | None:
        says = tokens.try_parse(text)
        if says is None or not says.expires_at_ms:
            return None
        issued_ms = request.exchange.at_ms
        lifetime_ms = max(says.expires_at_ms - issued_ms, 1)
        said = request.fields.get("expires_in")
        if isinstance(said, int) and not isinstance(said, bool) and 0 < said * 1000 < lifetime_ms:
            lifetime_ms = said * 1000
        held_ms = caller_ms(request.exchange)
        token = Token(text, says, _grant(says), request, issued_ms, held_ms, issued_ms + lifetime_ms, lifetime_ms)
        self.tokens[text] = token
        if seen(request.exchange):
            token.shown_by(request.exchange)
        return token

    def _learn_accounts(self) -> None:
        """Work out whom a request was for that gave nothing: from those that did."""
        by_refresh_token: dict[str, Account] = {}
        by_client_id: dict[str, int] = {}
        for one in self.token_requests:
            if one.token is not None:
                one.account, one.app_id = one.token.account, one.token.account[0]
                by_client_id[one.form.get("client_id", "")] = one.app_id
                for value in (one.form.get("refresh_token", ""), text_of(one.fields, "refresh_token")):
                    by_refresh_token[value] = one.account
        by_refresh_token.pop("", None)
        by_client_id.pop("", None)
        for one in self.token_requests:
            if one.token is None:
                one.account = by_refresh_token.get(one.form.get("refresh_token", ""))
                one.app_id = by_client_id.get(one.form.get("client_id", ""))

    def _read_calls(self) -> list[ApiCall]:
        found = [(one, one.access_token) for one in self.exchanges if one.bearer]
        issued = sorted(self.tokens)
        strangers: set[str] = set()
        lifetimes = [token.lifetime_ms for token in self.tokens.values()]
        lifetime_ms = min(lifetimes, default=USUAL_LIFETIME_MS)
        calls = []
        for exchange, text in found:
            token = self.tokens.get(text)
            if token is None and text and text not in strangers:
                says = None if text.startswith("pat-") or _cut(issued, text) else tokens.try_parse(text)
                if says is None or not says.expires_at_ms:
                    strangers.add(text)
                else:
                    expires_ms = says.expires_at_ms
                    issued_ms = expires_ms - lifetime_ms
                    held_ms = issued_ms - max(exchange.skew_ms, 0)  # how far the clocks stood apart is not known
                    token = Token(text, says, _grant(says), None, issued_ms, held_ms, expires_ms, lifetime_ms)
                    self.tokens[text] = token
            if token is not None and exchange.foreign:
                token.foreign = True
            call = ApiCall(exchange, text, token)
            if exchange.status == 401:
                call.fields = exchange.response_json
            if token is not None:
                token.calls.append(call)
                token.shown_by(exchange)
            calls.append(call)
        return calls


def _cut(issued: list[str], text: str) -> bool:
    index = bisect_left(issued, text)
    return index < len(issued) and issued[index].startswith(text)


def _grant(says: tokens.AccessToken) -> GrantKey:
    return says.app_id, says.hub_id, says.user_id
