"""The official client, used so that it goes on sending the old token after a refresh, and used well.

hubspot-api-client 12 copies the access token into each API object at the moment when the object is made. One that
is held keeps the old token when ``client.access_token`` is set.
"""

import time

from hubspot import HubSpot

MARGIN = 60  # seconds


class ContactPages:
    """Reads contacts, and refreshes in time.

    ``tokens`` is what the token endpoint answered, ``received_at`` when (epoch seconds).
    """

    def __init__(self, tokens, received_at, client_id, client_secret, host="https://api.hubapi.com"):
        self.credentials = {"client_id": client_id, "client_secret": client_secret}
        self.client = HubSpot(access_token=tokens["access_token"], host=host)
        self.refresh_token = tokens["refresh_token"]
        self.expires_at = received_at + tokens["expires_in"]

    def first(self):
        self._refresh_if_late()
        return self.client.crm.contacts.basic_api.get_page(limit=100)  # made anew for each call

    def _refresh_if_late(self):
        if time.time() < self.expires_at - MARGIN:
            return
        tokens = self.client.oauth.tokens_api.create(
            grant_type="refresh_token", refresh_token=self.refresh_token, **self.credentials
        )
        self.client.access_token = tokens.access_token
        self.expires_at = time.time() + tokens.expires_in


class HeldContactPages(ContactPages):
    """The same, but for one line: it holds ``basic_api``."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.contacts = self.client.crm.contacts.basic_api

    def first(self):
        self._refresh_if_late()
        return self.contacts.get_page(limit=100)
