"""A token that dies at HubSpot before its time, so that only a 401 tells of it."""

from __future__ import annotations

from ...core.model import TokenOverride
from ...core.tokens import parse
from .trial import Trial


def expire_at_hubspot(trial: Trial) -> None:
    """Let the access token of the last call expire at HubSpot, earlier than its answer had promised."""
    newest = trial.calls()[-1].access_token
    early = TokenOverride(expires_at_ms=trial.sim.clock.now_ms())
    trial.sim.store.token_overrides[parse(newest).identity] = early


def needs_a_client_that_heeds_401s(trial: Trial) -> None:
    """End the scenario unless a 401 makes the integration refresh. Raises NotApplicable."""
    client = trial.connect()
    trial.work(client)
    expire_at_hubspot(trial)
    mark = trial.mark()
    trial.attempt(client)
    if not trial.token_requests(mark):
        trial.not_applicable(
            "it refreshes by its clock alone, and a 401 leads to no token request (that is what "
            "turns-a-401-into-a-refresh tries)"
        )
