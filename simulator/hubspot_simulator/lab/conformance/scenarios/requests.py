"""The token request itself: its form, its endpoint, and whose credentials and tokens go where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....core.protocol import FORM
from ....core.words import plural
from ..scenario import scenario
from ..traffic import form, header, hub_id
from ..trial import Trial

if TYPE_CHECKING:
    from ....core.exchange import Exchange

_SECRETS = ("client_secret=", "refresh_token=", "access_token=")


@scenario(33, findings=("token-request-not-a-form", "secrets-in-query"))
def sends_token_requests_as_forms(trial: Trial) -> None:
    """A token request is a form in the body of a POST, and no secret stands in an address.

    Work, 31 minutes, work; every token request is looked at. Seen in HubSpot/oauth-quickstart-nodejs#17, civitai/cli#5
    and Force.com-Toolkit#121.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    mark = trial.mark()
    error = trial.attempt(client)
    for exchange in trial.since(mark):
        if any(secret in exchange.query for secret in _SECRETS):
            trial.fail("it sent secrets in the query of an address, which every proxy keeps.", [exchange])
    for exchange in trial.token_requests(mark):
        content_type = header(exchange, "CONTENT_TYPE")
        if not content_type.lower().startswith(FORM):
            did = f"it sent a token request as {content_type or 'nothing in particular'}, not as a form."
            trial.fail(did, [exchange])
    if error is not None:
        trial.work(client, when="31 minutes after its tokens were issued")


@scenario(34, needs=("several_apps",), findings=("refresh-token-of-another-app", "wrong-client-credentials"))
def right_app_for_each_token(trial: Trial) -> None:
    """A refresh token goes with the credentials of the app that it was issued to.

    Two apps in one account, a client of each; 31 minutes, then both work, first the one and then the other. Seen in
    airbyte#79592, airbyte#57001 and HGData#64.
    """
    apps = [trial.sim.app, trial.sim.add_app(name="Another app")]
    clients = [trial.connect(app=app, portal=trial.sim.portal) for app in apps]
    for _ in range(2):
        for client, app in zip(clients, apps, strict=True):
            mark = trial.mark()
            trial.work(client, when=f"as the client of {app.name!r}, of two apps")
            for exchange in trial.token_requests(mark):
                sent = form(exchange).get("client_id")
                if sent is not None and sent != app.client_id:
                    trial.fail("it refreshed the token of one app with the client id of another.", [exchange])
        trial.outlive()


@scenario(35, findings=("token-of-another-portal",))
def keeps_portals_apart(trial: Trial) -> None:
    """What is done for one account goes with that account's token, always.

    Two accounts, a client of each, in turns before and after an expiry, and at the same time where the adapter allows
    it. Seen in hubspot-api-nodejs#341 (data of another customer), benchling#22 and MSAL.net#5743.
    """
    clients = [trial.connect(portal=trial.sim.portal), trial.connect(portal=trial.sim.add_portal())]
    for when in ("at first", "after an expiry", "after a second expiry"):
        for client in (*clients, *reversed(clients)):
            mark = trial.mark()
            trial.work(client, when=f"{when}, with two accounts")
            own = trial.installed(client).portal.hub_id
            foreign = [exchange for exchange in trial.calls(mark) if hub_id(exchange) not in (None, own)]
            if foreign:
                did = f"work for account {own} came with the token of account {hub_id(foreign[0])} {when}."
                trial.fail(did, foreign)
        trial.outlive()
    if trial.concurrency:
        _at_the_same_time(trial, clients)


def _at_the_same_time(trial: Trial, clients: list[Any]) -> None:
    mark = trial.mark()
    trial.concurrently(clients * 2, when="with two accounts at the same time, after an expiry")
    good: list[Exchange] = [exchange for exchange in trial.calls(mark) if 200 <= exchange.status < 300]
    counts = [sum(hub_id(e) == trial.installed(client).portal.hub_id for e in good) for client in clients]
    if counts[0] != counts[1]:
        one, other = plural(counts[0], "call"), counts[1]
        did = f"the same work for two accounts at once made {one} for the one and {other} for the other."
        trial.fail(did, good)


@scenario(41, settings={"v1_sunset": "now"}, findings=("oauth-v1-after-sunset",))
def survives_v1_sunset(trial: Trial) -> None:
    """It refreshes at an endpoint that has a future: OAuth v1 ends on 2027-02-16.

    OAuth v1 has ended; work, 31 minutes, work. Seen in hubspot-api-python#496 and usertour#490, which moved to
    `/oauth/2026-09/token`.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.work(client, when="31 minutes after its tokens were issued, with OAuth v1 at its end")
