"""Test the integration in examples/refreshes for every known class of refresh bugs."""

from refreshes.sync import ContactSync

from pytest_hubspot_auth import HubSpotRefreshSuite


class Storage:
    """Stores the tokens of the integration, as its database would."""

    def __init__(self, tokens, received_at):
        self.save(tokens, received_at)

    def save(self, tokens, received_at):
        self.tokens, self.received_at = tokens, received_at


class TestContactSync(HubSpotRefreshSuite):
    def connect(self, connection):
        storage = connection.stored or Storage(connection.tokens, connection.obtained_at.timestamp())
        sync = ContactSync(
            storage.tokens,
            connection.client_id,
            connection.client_secret,
            base_url=connection.base_url,
            received_at=storage.received_at,
            save=storage.save,
        )
        sync.storage = storage
        return sync

    def work(self, sync):
        sync.emails()

    # The rest is optional. Without a method, the scenarios that need it are not applicable.

    def write(self, sync):
        sync.add("ada@example.com")

    def stored(self, sync):
        return sync.storage

    def prepare(self, sync):
        return sync.emails
