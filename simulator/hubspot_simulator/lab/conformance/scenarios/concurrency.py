"""Many at the same time: one refresh is enough for all."""

from __future__ import annotations

from hubspot_simulator.core.endpoint_table import TOKEN_ENDPOINTS

from ..early_expiry import expire_at_hubspot, needs_a_client_that_heeds_401s
from ..scenario import scenario
from ..trial import Trial


@scenario(15, needs=("concurrency",), findings=("refresh-storm",))
def one_refresh_for_many(trial: Trial) -> None:
    """When many find the token expired at the same time, one refreshes and the others wait for it.

    Eight threads or tasks work at minute 31, and the refresh takes 0.2 s; one token request. Seen in
    NangoHQ/nango#2494, frappe#38248 and codex#10332; a required test in eventyay-hubspot#9.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.sim.inject("delay", path=TOKEN_ENDPOINTS, real_seconds=0.2, times=None)
    mark = trial.mark()
    trial.concurrently([client] * 8, when="at minute 31")
    trial.expect_refreshes(1, mark, f"when 8 {trial.concurrency} found one token expired", least=1)


@scenario(16, needs=("concurrency",), findings=("straggler-refresh",))
def straggler_does_not_refresh_again(trial: Trial) -> None:
    """Whoever gets a 401 late compares the token that failed with the one that is there by now, before it refreshes.

    The token dies at HubSpot before its time; of two threads or tasks the first gets its 401 only after the other has
    refreshed. Seen in ProtonDriveApps/sdk#44.
    """
    needs_a_client_that_heeds_401s(trial)
    client = trial.connect()
    trial.work(client)
    expire_at_hubspot(trial)
    trial.sim.inject("held_answer", nth=1, until=TOKEN_ENDPOINTS, real_seconds=1)
    mark = trial.mark()
    trial.concurrently([client] * 2, when="when HubSpot had let the token expire early")
    trial.expect_refreshes(1, mark, "for one expired token, the second one upon a 401 that came late", least=1)


@scenario(40, needs=("concurrency",))
def lock_outlives_slow_refresh(trial: Trial) -> None:
    """Its lock lasts as long as the refresh that it guards, and whoever waited looks again before it refreshes.

    The token endpoint takes 12 s on both clocks (0.2 s really) while four threads or tasks want a token; one token
    request. Seen in NangoHQ/nango#2494, infusionsoft-php#220 and sentry-mcp#823.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.sim.inject("delay", path=TOKEN_ENDPOINTS, seconds=12, real_seconds=0.2, times=None)
    mark = trial.mark()
    trial.concurrently([client] * 4, when="while the token endpoint took 12 s")
    trial.expect_refreshes(1, mark, f"when 4 {trial.concurrency} waited 12 s for one refresh", least=1)
