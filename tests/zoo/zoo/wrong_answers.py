"""Wrong about HubSpot's answers: what a 401 is, what it is not, and what to do after the refresh."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import requests

from .blocking import Client
from .token_stores import COMPANIES, Answer, HubSpotError


class OnePathWithoutTheWrapper(Client):
    """One of its code paths sends its call past the code that refreshes. Evidence: airbyte#60937 ("missed a small
    decorator"), airbyte#62467 (associations only), airbyte#28705."""

    bug = 10

    def companies(self) -> list[Any]:
        answer = self.send("GET", f"{COMPANIES}?limit=1", str(self.state["access_token"]))
        return list(self.result(answer)["results"])


class WrapsThe401(Client):
    """It raises its general error for every refusal, so that the code that would refresh never sees the 401.
    Evidence: ToolJet#17635, tap-xero#48, tap-zendesk#191."""

    bug = 11

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        answer = super().send(method, path, token, body)
        self.result(answer)
        return answer


class DropsTheBody(Client):
    """It sends the call again without its body: the stream was read by the first attempt. Evidence: emdash#2556,
    abs-cli#89, base44/cli#250, a2a-js#735."""

    bug = 25

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        stream = iter([body])
        token = self.token()
        answer = self.send(method, path, token, next(stream, None))
        if self.rejected(answer):
            answer = self.send(method, path, self.renew(token), next(stream, None))
        return self.result(answer)


class ReturnsTheFirstAnswer(Client):
    """It refreshes and sends the call again, and returns the first answer: a failure. Evidence: abs-cli#89."""

    bug = 26

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self.token()
        answer = self.send(method, path, token, body)
        if self.rejected(answer):
            self.send(method, path, self.renew(token), body)
        return self.result(answer)


class WritesTwice(Client):
    """It sends a write again whose answer was lost, and the record is there twice. Evidence: Windup#207,
    authproxy#159."""

    bug = 27

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        try:
            answer = super().send(method, path, token, body)
        except requests.ConnectionError:
            return super().send(method, path, token, body)
        return super().send(method, path, token, body) if answer.status >= 500 else answer


class RetriesForEver(Client):
    """It refreshes and sends the call again for as long as the answer is a 401. Evidence: authproxy#179,
    bitwarden/sdk-internal#1098."""

    bug = 28

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self.token()
        while self.rejected(answer := self.send(method, path, token, body)):
            token = self.renew(token)
        return self.result(answer)


class RefreshesOn403(Client):
    """It takes a 403 for an expired token. Evidence: nicklaw5/helix#204, relayhistory#112, authproxy#179."""

    bug = 29

    def rejected(self, answer: Answer) -> bool:
        return answer.status == 403 or super().rejected(answer)


class RefreshesOn429(Client):
    """It takes a rate limit, and an outage, for an expired token. Evidence: authproxy#159."""

    bug = 30

    def rejected(self, answer: Answer) -> bool:
        return answer.status == 429 or answer.status >= 500 or super().rejected(answer)


class ProactiveOnly(Client):
    """It refreshes by its clock alone: a token that was revoked stays in use until it would have expired. Evidence:
    n8n#32423, n8n#17450, umbraco#272, umbraco#274."""

    bug = 31

    def rejected(self, answer: Answer) -> bool:
        return False


class LoopsUntilTheExpiryIsAhead(Client):
    """It refreshes until HubSpot names an expiry that lies ahead; for a token that it cannot read HubSpot names 1970.
    Evidence: hubspot-api-php#363 (20336 day(s))."""

    bug = 37

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self.token()
        answer = self.send(method, path, token, body)
        while self._expired_at(answer) < time.time():
            token = self.renew(token)
            answer = self.send(method, path, token, body)
        if self.rejected(answer):
            answer = self.send(method, path, self.renew(token), body)
        return self.result(answer)

    def _expired_at(self, answer: Answer) -> float:
        times = answer.members.get("context", {}).get("expire time")
        return datetime.fromisoformat(times[0].replace("Z", "+00:00")).timestamp() if times else float("inf")


class ReadsTheMessage(Client):
    """It knows an expired token by the wording of the message, of which HubSpot has several. Evidence: airbyte#60937
    ("if Hubspot ever changes this message it will break again"), umbraco's tests."""

    bug = 38

    def rejected(self, answer: Answer) -> bool:
        if self.category(answer) == "EXPIRED_AUTHENTICATION":
            return "OAuth token used to make this call expired" in str(answer.members.get("message"))
        return super().rejected(answer)


class HidesLostScopes(Client):
    """It reads a 403 as "nothing there", so that scopes which a refresh lost are seen by nobody. Evidence:
    claude-code#34785."""

    bug = 39

    def result(self, answer: Answer) -> dict[str, Any]:
        try:
            return super().result(answer)
        except HubSpotError:
            if answer.status == 403:
                return {"results": []}
            raise
