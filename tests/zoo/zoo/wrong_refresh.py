"""Wrong about the refresh itself: what is asked, what the answer means, what a refusal means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from .blocking import TIMEOUT, Client
from .token_stores import Answer, HubSpotError, NeedsReconnect


class LoopsOnADeadRefreshToken(Client):
    """It knows a dead refresh token by a text that HubSpot does not send, and retries for ever. Evidence:
    PostHog#61627, supaglue#838, supaglue#1935, vaadin-connect#335, sub2api#3467."""

    bug = 17

    def refresh(self) -> None:
        while True:
            try:
                return super().refresh()
            except (HubSpotError, requests.RequestException) as error:
                if "refresh token has been deleted" in str(error):
                    raise
                self.connected = True  # it will pass


class HidesADeadConnection(Client):
    """It logs that the refresh token is dead and goes on with no data: the connection looks healthy. Evidence:
    PostHog#80615, gestalt#1133, nsflow#242."""

    bug = 18

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return super().call(method, path, body)
        except NeedsReconnect:
            return {"results": []}

    def is_connected(self) -> bool:
        return True


class DisconnectsOnAnOutage(Client):
    """It takes any failure of a refresh for the end of the connection. Evidence: xagent#1544,
    wordpress-atmosphere#21, owncloud/client#8892, owncloud/client#11984."""

    bug = 19

    def refresh(self) -> None:
        try:
            super().refresh()
        except (HubSpotError, requests.RequestException) as error:
            self.connected = False
            raise NeedsReconnect("connect the account again") from error


class ForgetsTheRefreshToken(Client):
    """It overwrites the refresh token with nothing when an answer brings none. Evidence: frappe#26266,
    Kong/insomnia#1492, calcom#7764, nsflow#239, aether#55."""

    bug = 21

    def refresh_token_of(self, tokens: Mapping[str, Any]) -> str | None:
        return tokens.get("refresh_token")


class IgnoresRotation(Client):
    """It keeps its first refresh token, whatever the answer brings. Evidence: HGData/mk-node-hubspot#19, twig's docs,
    workers-sdk#15136."""

    bug = 22
    first: str | None = None

    def refresh_token_of(self, tokens: Mapping[str, Any]) -> str | None:
        self.first = self.first or super().refresh_token_of(tokens)
        return self.first


class AsksInJson(Client):
    """It sends the token request as JSON. Evidence: HubSpot/oauth-quickstart-nodejs#17, civitai/cli#5,
    Force.com-Toolkit#121, nuclia#2780."""

    bug = 33

    def ask(self, form: dict[str, str]) -> Answer:
        answer = self.session.post(self.base_url + self.token_path, json=form, timeout=TIMEOUT)
        return Answer.of(answer.status_code, answer.content)


class AsksInTheQuery(Client):
    """It sends the parameters of the token request, the secrets among them, in the query. Evidence:
    HubSpot/oauth-quickstart-nodejs#17, nuclia#2780."""

    bug = 33
    token_path = "/oauth/v1/token"  # which reads them there

    def ask(self, form: dict[str, str]) -> Answer:
        answer = self.session.post(self.base_url + self.token_path, params=form, timeout=TIMEOUT)
        return Answer.of(answer.status_code, answer.content)


class OneAppForAll(Client):
    """It refreshes with the credentials of the app that was configured last, not with those of the app that the
    refresh token was issued to. Evidence: airbyte#79592, airbyte#57001, HGData#64."""

    bug = 34
    configured: dict[str, str] = {}  # noqa: RUF012  (shared by all accounts: that is the bug)

    def load(self, row: str) -> dict[str, Any]:
        self._configure()
        return super().load(row)

    def adopt(self, tokens: Mapping[str, Any], now: float) -> None:
        if not hasattr(self, "state"):
            self._configure()
        super().adopt(tokens, now)

    def _configure(self) -> None:
        self.configured.update(client_id=self.client_id, client_secret=self.client_secret)

    def form(self) -> dict[str, str]:
        return {**super().form(), **self.configured}


class StaysOnV1(Client):
    """It refreshes at /oauth/v1/token, which ends on 2027-02-16. Evidence: hubspot-api-python#496, usertour#490."""

    bug = 41
    token_path = "/oauth/v1/token"
