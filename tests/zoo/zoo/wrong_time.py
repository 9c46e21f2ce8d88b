"""Wrong about the time: when the token expires, in which unit, on whose clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests

from .blocking import Client
from .token_stores import Answer

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection


class OnTheClockOnly(Client):
    """Base of those that trust their clock alone, so that a mistake about the time shows: a 401 is final.

    (That alone is the mistake of ``ProactiveOnly``.)
    """

    def rejected(self, answer: Answer) -> bool:
        return False


class NeverRefreshes(OnTheClockOnly):
    """It takes no token for expired, whatever the time. Evidence: airbyte#74726, ToolJet#17192, n8n#1486."""

    bug = 1

    def due(self) -> bool:
        return False


class HardCodedSixHours(OnTheClockOnly):
    """It takes every token to live for six hours, as HubSpot's once did. Evidence: HubSpot changelog "Expiration of
    OAuth access tokens is changing", DoubleYouGTT/hubspot#40."""

    bug = 2

    def lifetime(self, tokens: Mapping[str, Any]) -> float:
        return 21_600


class NoMargin(OnTheClockOnly):
    """It uses a token to its last moment, and the token dies on its way. Evidence: airbyte#62467, airbyte#60937,
    airbyte#26515 (99 ms late), requests_oauth2client#18, openfga/python-sdk#283."""

    bug = 3
    margin = 0.0


class OneInstantTooLong(OnTheClockOnly):
    """It counts a token as good at the very instant of its expiry. Evidence: airbyte#60937 ("expired 0 second(s)
    ago"), airbyte#26515."""

    bug = 3

    def due(self) -> bool:
        return time.time() > float(self.state["expires_at"])


class MarginWithTheWrongSign(OnTheClockOnly):
    """Its margin has the wrong sign, so that it uses a token for a minute after the expiry. Evidence:
    spring-security#7511, angular-oauth2-oidc#1135, spring-security-oauth#1909."""

    bug = 4
    margin = -60.0


class DistrustsItsClock(Client):
    """It takes no token for good while its clock is half a minute away from HubSpot's, and refreshes before each call.
    Evidence: angular-oauth2-oidc#1135, spring-security-oauth#1909."""

    bug = 4
    skew = 0.0  # seconds

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.session.hooks["response"] = [self._read_date]

    def _read_date(self, answer: requests.Response, **_: object) -> None:
        self.skew = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()

    def due(self) -> bool:
        return abs(self.skew) > 30 or super().due()


class MarginAboveTheLifetime(Client):
    """Its margin is longer than a short token lives, so that it refreshes before each call. Evidence: roundcube#8147
    (600 s of margin, 300 s of life), openai-node#2490, litellm#35234."""

    bug = 5
    margin = 600.0


class SecondsAsMilliseconds(Client):
    """It reads `expires_in` as milliseconds, so that a token of 1800 s seems dead after 1.8 s. Evidence:
    openfga/js-sdk#26, vercel#13888, sapphiredev/plugins#60, salte-auth#200, intuit/oauth-jsclient#20."""

    bug = 6
    margin = 0.0

    def lifetime(self, tokens: Mapping[str, Any]) -> float:
        return super().lifetime(tokens) / 1000


class NaiveAndAware(Client):
    """It compares an aware datetime with the naive one that it keeps after a refresh: TypeError, on the second use
    only. Evidence: webviz-config#497, etsy-python-sdk#6, office365-rest#965, py-august#25."""

    bug = 7
    naive: datetime | None = None

    def refresh(self) -> None:
        super().refresh()
        self.naive = datetime.fromtimestamp(self.state["expires_at"])

    def due(self) -> bool:
        if self.naive is not None:
            return self.naive <= datetime.now(timezone.utc)
        return super().due()


class LocalTimeAsUtc(OnTheClockOnly):
    """It writes the expiry down in local time and reads it as UTC. Evidence: TracecatHQ#3202, TracecatHQ#3346,
    superdesk-core#2381, tideway#323, django-oauth-toolkit#1291, NexusMods.App#2442."""

    bug = 8

    def expiry(self, tokens: Mapping[str, Any], now: float) -> Any:
        local = datetime.fromtimestamp(now + self.lifetime(tokens))
        return local.replace(tzinfo=timezone.utc).timestamp()


class CheckedOnceAtTheStart(OnTheClockOnly):
    """It looks at the expiry when the job starts, and the job outlives the token. Evidence: PostHog#24185,
    airbyte#62467, tap-zendesk#191, airbyte#70223."""

    bug = 9
    job_token = ""

    def work(self) -> object:
        self.job_token = super().token()
        try:
            return super().work()
        finally:
            self.job_token = ""

    def token(self) -> str:
        return self.job_token or super().token()


class CachedForTooLong(OnTheClockOnly):
    """It keeps a refreshed token in a cache for as long as a refresh token lives. Evidence: tuist#9314,
    moltin/js-sdk#136."""

    bug = 14
    cached: tuple[str, float] = ("", 0.0)  # the token, and until when (epoch seconds)

    def refresh(self) -> None:
        super().refresh()
        self.cached = (self.state["access_token"], time.time() + 30 * 86_400)

    def token(self) -> str:
        token, until = self.cached
        return token if time.time() < until else super().token()


class MissingLifetimeIsNone(Client):
    """It takes a missing `expires_in` for a lifetime of 0 s, and refreshes before each call. Evidence:
    airbyte#74727, PostHog#34828, commcare-connect#1344."""

    bug = 32

    def lifetime(self, tokens: Mapping[str, Any]) -> float:
        return float(tokens.get("expires_in") or 0)


class MissingLifetimeIsForEver(OnTheClockOnly):
    """It takes a missing `expires_in` for a token that never expires. Evidence: airbyte#74727, nango#1005."""

    bug = 32

    def lifetime(self, tokens: Mapping[str, Any]) -> float:
        return float(tokens.get("expires_in") or 100 * 365 * 86_400)
