"""``hubspot_responses`` answers calls of `requests` to https://api.hubapi.com. The integration stays unchanged."""

import pytest
import requests
from hard_coded_host import crm


def test_the_hard_coded_host_is_answered(hubspot_responses, hubspot_clock, hubspot_app, hubspot_installation):
    token = hubspot_installation.access_token
    assert crm.deals(token) == []

    hubspot_clock.expire(token)
    with pytest.raises(requests.HTTPError, match=r"401 .* for url: https://api\.hubapi\.com"):
        crm.deals(token)

    token = crm.refresh(hubspot_app.client_id, hubspot_app.client_secret, hubspot_installation.refresh_token)
    assert crm.deals(token) == []
