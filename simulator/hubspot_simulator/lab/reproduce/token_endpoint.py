"""Incidents at the token endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.endpoint_table import OAUTH_V1, TOKEN_ENDPOINTS
from ...core.errors import TOKEN_ERRORS, ApiError, TokenError
from ...core.grants.refresh_token import NO_REFRESH_TOKEN
from ...core.protocol import V1_ENDED
from ..faults.injection import Arrival
from .incident import Incident
from .parsing import QuotedRefusal

if TYPE_CHECKING:
    from ...simulator import Simulator

_OF_A_CODE = ("BAD_AUTH_CODE", "EXPIRED_AUTH_CODE", "MISMATCH_REDIRECT_URI_AUTH_CODE", "BAD_CODE_VERIFIER")
_OF_A_REFRESH = ("BAD_REFRESH_TOKEN", "MISMATCH_REFRESH_TOKEN_CLIENT", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "BAD_HUB")
_STATES = {
    "BAD_REFRESH_TOKEN": "the refresh token is dead",
    "BAD_HUB": "the account was deleted",
    "BAD_CLIENT_ID": "HubSpot does not know the app",
    "BAD_CLIENT_SECRET": "the app's secret was changed",
}


def refused(name: str) -> Callable[[Simulator, QuotedRefusal, re.Match[str]], Incident]:
    """Return the function that creates the incident of a token error, by its name."""

    def make(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
        message = NO_REFRESH_TOKEN if NO_REFRESH_TOKEN in match[0].lower() else None
        error = quote.body.get("error")

        def act(_: Arrival) -> None:
            if name == "BAD_REFRESH_TOKEN" and message is None:
                for token in list(simulator.store.refresh_tokens.values()):
                    simulator.oauth.revoke(token, token.revoked_because or "reproduced: the refresh token is dead")
            elif name == "BAD_HUB":
                simulator.delete_portal()

        return Incident(
            name,
            _STATES.get(name, f"the token endpoint returns {name}"),
            lambda _: TokenError(name, message=message, error=error if isinstance(error, str) else None),
            act,
            path=TOKEN_ENDPOINTS,
            lasting=name not in _OF_A_CODE,  # another code may work
            refresh=name in _OF_A_REFRESH,
        )

    return make


def refused_by_name(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """A token error whose name is in the text."""
    return refused(match[0].upper())(simulator, quote, match)


def uninstalled(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The app was uninstalled."""
    incident = refused("BAD_REFRESH_TOKEN")(simulator, quote, match)
    return replace(incident, state="the app was uninstalled", act=lambda _: simulator.uninstall())


def v1_ended(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """OAuth v1 has been turned off."""
    error = ApiError(410, V1_ENDED)
    return Incident("410", "OAuth v1 is off", lambda _: error, path=f"{OAUTH_V1}*", lasting=True, refresh=True)


NAMES = "|".join(TOKEN_ERRORS)
