"""Rules on what stands in the Authorization header."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from ...core.tokens import shorten, try_parse
from .evidence import ApiCall, text_of
from .finding import Finding, found, in_all
from .timeline import Timeline

_REFRESH_TOKEN = re.compile(r"[a-z]{2,3}\d{0,2}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LITERALS = {"none", "null", "undefined", "nan", "true", "false", "[object object]", "access_token", "access-token"}
_QUOTED = re.compile(r"""b?(["'])(.*)\1""")


def bearers(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding for tokens that were cut short, and one for each kind of thing that is no access token."""
    cut: list[ApiCall] = []
    others: dict[str, list[ApiCall]] = defaultdict(list)
    known = _known(timeline)
    for call in timeline.calls:
        if call.exchange.status != 401 or call.text.startswith("pat-") or call.text in timeline.altered_texts:
            continue
        if call.token is not None and _scheme(call).lower() == "bearer":
            continue
        if timeline.is_prefix(call.text):
            cut.append(call)
        elif call.text or call.exchange.header("HTTP_AUTHORIZATION"):
            others[_what(call, known)].append(call)
    if cut:
        lengths = sorted({len(call.text) for call in cut})
        problem = (
            f"#{cut[0].number} carried the first {lengths[0]} characters of an access token that is longer"
            f"{in_all(len(cut))}."
        )
        yield found("truncated-token", problem, [call.exchange for call in cut])
    for what, calls in others.items():
        problem = f"What #{calls[0].number} sent as its access token is none: {what}{in_all(len(calls))}."
        yield found("not-an-access-token", problem, [call.exchange for call in calls])


def _known(timeline: Timeline) -> dict[str, str]:
    known = {}
    for one in timeline.token_requests:
        known[one.form.get("client_id", "")] = "it is the client id"
        known[one.form.get("client_secret", "")] = "it is the client secret"
        known[one.form.get("code", "")] = "it is an authorization code"
        for text in (one.form.get("refresh_token", ""), text_of(one.fields, "refresh_token")):
            known[text] = "it is the refresh token"
    known.pop("", None)
    return known


def _what(call: ApiCall, known: dict[str, str]) -> str:
    whole = call.exchange.header("HTTP_AUTHORIZATION")
    text = call.text
    scheme = _scheme(call)
    if text in known:
        return known[text]
    if whole in known:
        return f"{known[whole]}, without 'Bearer ' before it"
    if scheme.lower() != "bearer":
        if _is_token(whole.strip()):
            return "it has no 'Bearer ' before it"
        return (
            f"its scheme is {scheme!r}, not 'Bearer'" if text and len(scheme) <= 12 else "it has no 'Bearer ' before it"
        )
    if not text:
        return "it is empty"
    if text.lower() in _LITERALS:
        return f"it is the literal text {text!r}"
    return _shape(text)


def _scheme(call: ApiCall) -> str:
    return call.exchange.header("HTTP_AUTHORIZATION").partition(" ")[0]


def _shape(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    if text.lower().startswith("bearer"):
        return "it still has 'Bearer ' before it"
    if quoted:
        return "it is the text of a Python bytes object" if text.startswith("b") else "it stands in quotes"
    if (text.startswith("{") and '"' in text) or text.startswith("{'"):
        return "it is the whole token response"
    if text[:1] in "<{$%[":
        return "it is a placeholder that was not filled in"
    if _REFRESH_TOKEN.fullmatch(text):
        return "it has the form of a refresh token or an authorization code"
    if _UUID.fullmatch(text):
        return "it has the form of a client id, a client secret or an API key"
    if any(character.isspace() for character in text):
        return "it has spaces in it"
    if try_parse(text) is not None:
        return (
            f"{shorten(text)} can be decoded and says nothing of an expiry, so HubSpot answers that it expired in 1970"
        )
    return f"{shorten(text)} cannot be decoded as one"


def _is_token(text: str) -> bool:
    token = try_parse(text)
    return token is not None and bool(token.expires_at_ms)
