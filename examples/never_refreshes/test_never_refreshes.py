"""Show the bug. Remove the xfail to see the report."""

import pytest
import requests
from never_refreshes.sync import ContactSync


def test_works_while_the_token_is_valid(hubspot_sim, hubspot_installation):
    sync = ContactSync(hubspot_installation.token_response, base_url=hubspot_sim.url)
    for _ in range(3):
        assert sync.emails() == []


@pytest.mark.xfail(
    strict=True,
    raises=requests.HTTPError,
    reason="it keeps the first access token: 401 EXPIRED_AUTHENTICATION, expired 60 s ago, no newer token was issued",
)
def test_survives_minute_31(hubspot_sim, hubspot_clock, hubspot_installation):
    sync = ContactSync(hubspot_installation.token_response, base_url=hubspot_sim.url)
    sync.emails()
    hubspot_clock.advance(minutes=31)
    sync.emails()
