"""A known app that sends nonsense to the OAuth endpoints."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.http.app import Application
from hubspot_simulator.http.routes import ROUTES

FORM = "application/x-www-form-urlencoded"
SCOPES = "oauth crm.objects.contacts.read developer.webhooks_journal.read"
FIELDS = {
    "grant_type": ["authorization_code", "refresh_token", "client_credentials"],
    "code": ["<code>"],
    "refresh_token": ["<refresh token>"],
    "token": ["<code>", "<refresh token>", "<access token>"],
    "redirect_uri": ["http://localhost:3000/oauth-callback"],
    "scope": ["oauth", SCOPES],
    "optional_scope": [SCOPES],
    "optional": [SCOPES],
    "code_verifier": ["x"],
    "code_challenge": ["x"],
    "code_challenge_method": ["S256"],
    "portal": ["<portal>"],
    "decision": ["connect"],
    "state": ["x"],
}
forms = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) | st.text(max_size=20) for name, values in FIELDS.items()}
)
ENDPOINTS = [
    (route.method, route.template.replace("{hub_id}", "1").replace("{oauth_version}", "2026-03"))
    for route in ROUTES
    if route.template.startswith("/oauth/")
]


@settings(max_examples=150, deadline=None, database=None)
@given(
    endpoint=st.sampled_from(ENDPOINTS),
    form=forms,
    options=st.sampled_from([{}, {"consent": "page"}, {"basic_auth": True, "refresh_rotation": True}]),
    with_challenge=st.booleans(),
)
@example(("POST", "/oauth/2026-03/token"), {"grant_type": "authorization_code", "code_verifier": "\ud800"}, {}, True)
@example(("GET", "/oauth/authorize"), {"code_challenge": "é", "code_challenge_method": "S256"}, {}, False)
def test_a_known_app_that_sends_nonsense_gets_a_refusal_at_worst(
    endpoint: tuple[str, str], form: dict[str, Any], options: dict[str, Any], with_challenge: bool
) -> None:
    sim = Simulator(Settings(**options), clock=ManualClock(1_677_534_017_518))
    client = Client(Application(sim))
    known = {
        "<code>": sim.authorize(code_challenge="x" if with_challenge else None),
        "<refresh token>": sim.installation.refresh_token,
        "<access token>": sim.installation.access_token,
        "<portal>": str(sim.portal.hub_id),
    }
    fields = {"client_id": sim.app.client_id, "client_secret": sim.app.client_secret}
    fields |= {name: known.get(value, value) for name, value in form.items()}
    text = urlencode(fields, errors="surrogatepass")
    method, path = endpoint
    for body, query in ((text.encode(), ""), (b"", text), (text.encode(), text)):
        response = client.open(path, method=method, data=body, query_string=query, content_type=FORM)
        assert response.status_code < 500
        assert response.status_code in (200, 302) or response.status_code >= 400
        assert not [value for _, value in response.headers if "\n" in value or "\r" in value]
