import time

import requests


class Contacts:
    """The integration under test. It refreshes when the token is about to expire."""

    def __init__(self, tokens, client_id, client_secret, base_url="https://api.hubapi.com"):
        self.base_url = base_url
        self.app = {"client_id": client_id, "client_secret": client_secret}
        self.save(tokens)

    def save(self, tokens):
        self.tokens = tokens
        self.expires_at = time.time() + tokens["expires_in"]

    def list(self):
        if time.time() > self.expires_at - 60:
            form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"], **self.app}
            answer = requests.post(f"{self.base_url}/oauth/v1/token", data=form)
            answer.raise_for_status()
            self.save(answer.json())
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        answer = requests.get(f"{self.base_url}/crm/v3/objects/contacts", headers=headers)
        answer.raise_for_status()
        return answer.json()["results"]


def test_refreshes_after_thirty_minutes(hubspot_sim, hubspot_clock, hubspot_app, hubspot_installation):
    contacts = Contacts(
        hubspot_installation.token_response,
        hubspot_app.client_id,
        hubspot_app.client_secret,
        base_url=hubspot_sim.url,
    )
    contacts.list()
    hubspot_clock.advance(minutes=31)
    contacts.list()
    hubspot_sim.assert_called("POST", "/oauth/v1/token", times=1)
