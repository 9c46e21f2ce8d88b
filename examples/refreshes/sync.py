"""The integration in examples/never_refreshes, fixed: it refreshes before the token expires, and after a 401."""

import time

import requests

MARGIN = 60  # seconds before the expiry: a token must not expire while the request is on its way
LIFETIME = 1800  # seconds, if HubSpot sends no expires_in


class ContactSync:
    """Reads every contact of a HubSpot account.

    ``tokens`` is the response of the token endpoint. ``received_at`` is when it arrived (epoch seconds). ``save`` is
    called with both whenever they change.
    """

    def __init__(
        self, tokens, client_id, client_secret, base_url="https://api.hubapi.com", received_at=None, save=None
    ):
        self.base_url = base_url
        self.client_id = client_id
        self.client_secret = client_secret
        self.session = requests.Session()
        self.tokens = tokens
        self.received_at = time.time() if received_at is None else received_at
        self.save = save or (lambda tokens, received_at: None)

    def emails(self):
        url = f"{self.base_url}/crm/v3/objects/contacts?limit=100"
        emails = []
        while url:
            page = self._call("GET", url)
            emails += [contact["properties"]["email"] for contact in page["results"]]
            url = page.get("paging", {}).get("next", {}).get("link")
        return emails

    def add(self, email):
        return self._call("POST", f"{self.base_url}/crm/v3/objects/contacts", json={"properties": {"email": email}})

    def _call(self, method, url, **arguments):
        if time.time() >= self.received_at + self.tokens.get("expires_in", LIFETIME) - MARGIN:
            self._refresh()
        answer = self._send(method, url, **arguments)
        if answer.status_code == 401:
            self._refresh()
            answer = self._send(method, url, **arguments)
        answer.raise_for_status()
        return answer.json()

    def _send(self, method, url, **arguments):
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return self.session.request(method, url, headers=headers, timeout=10, **arguments)

    def _refresh(self):
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.tokens["refresh_token"],
        }
        received_at = time.time()  # before the request is sent: the token already ages on its way here
        answer = self.session.post(f"{self.base_url}/oauth/2026-09/token", data=form, timeout=10)
        answer.raise_for_status()
        self.tokens = {"refresh_token": self.tokens["refresh_token"], **answer.json()}
        self.received_at = received_at
        self.save(self.tokens, self.received_at)
