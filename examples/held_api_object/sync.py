"""Two integrations on the official client: a correct one, and one that keeps sending the old token after a refresh.

hubspot-api-client 12 copies the access token into each API object when it creates the object. If you keep the object
and set ``client.access_token``, the object still has the old token.
"""

import time

from hubspot import HubSpot

MARGIN = 60  # seconds


class ContactPages:
    """Reads contacts, and refreshes the token before it expires.

    ``tokens`` is the response of the token endpoint. ``received_at`` is when it arrived (epoch seconds).
    """

    def __init__(self, tokens, received_at, client_id, client_secret, host="https://api.hubapi.com"):
        self.credentials = {"client_id": client_id, "client_secret": client_secret}
        self.client = HubSpot(access_token=tokens["access_token"], host=host)
        self.refresh_token = tokens["refresh_token"]
        self.expires_at = received_at + tokens["expires_in"]

    def first(self):
        self._refresh_if_late()
        return self.client.crm.contacts.basic_api.get_page(limit=100)  # a new API object for each call

    def _refresh_if_late(self):
        if time.time() < self.expires_at - MARGIN:
            return
        tokens = self.client.oauth.tokens_api.create(
            grant_type="refresh_token", refresh_token=self.refresh_token, **self.credentials
        )
        self.client.access_token = tokens.access_token
        self.expires_at = time.time() + tokens.expires_in


class HeldContactPages(ContactPages):
    """Does the same, except that it keeps ``basic_api``."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.contacts = self.client.crm.contacts.basic_api

    def first(self):
        self._refresh_if_late()
        return self.contacts.get_page(limit=100)
