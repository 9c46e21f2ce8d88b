"""Runs a scenario on an integration."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from .failures import NotApplicable, Runaway, ScenarioFailed, message
from .fuse import LIMIT, hushed
from .scenario import Result, Scenario
from .traffic import listening
from .trial import Trial

if TYPE_CHECKING:
    from hubspot_simulator.http.app import Application
    from hubspot_simulator.server import SimulatorServer

    from ..clock import HubspotClock
    from ..handle import HubspotSim

_PARTS = {
    "stored": "stored(client), what a restart would find",
    "write": "write(client), a call that creates one record",
    "prepare": "prepare(client), a unit of work to be done later",
    "concurrency": "concurrency, the way in which work may be called at the same time (threads or tasks)",
}
_WRITE = """ Write:

    def connect(self, connection):  # build your client from what is known of a connected account
        return MyClient(
            connection.tokens["access_token"], connection.tokens["refresh_token"], base_url=connection.base_url
        )

    def work(self, client):  # one unit of work that calls HubSpot at least once, and raises when it fails
        client.sync_contacts()

More: docs/kit.md"""


def assess(scenario: Scenario, adapter: Any, sim: HubspotSim, clock: HubspotClock, app: Application) -> Result:
    """Run a scenario and return how it went. ``app`` is the application that answers for ``sim``.

    Whatever is wrong with the integration is in the result; an error of the scenario itself is raised.
    """
    trial = Trial(scenario, adapter, sim, clock)
    outcome, reason = "passed", ""
    with hushed(), listening(app, trial.hear):
        try:
            _check(scenario, trial)
        except NotApplicable as error:
            outcome, reason = "not applicable", str(error)
        except ScenarioFailed as error:
            outcome, reason = "failed", str(error)
        except Runaway:
            did = f"it made more than {LIMIT} requests in one unit of work, and was stopped."
            outcome, reason = "failed", message(scenario, did, trial.since())
        finally:
            raised = trial.close()
            if trial.fuse.blown:
                gc.collect()  # sockets of the client that was ended, while their warnings are ignored
    if outcome == "passed" and raised is not None:
        outcome, reason = "failed", str(raised)
    return Result(scenario, outcome, reason, tuple(dict.fromkeys(finding.id for finding in sim.audit())))


def assess_alone(scenario: Scenario, adapter: Any, server: SimulatorServer, name: str = "") -> Result:
    """Run a scenario outside of a test of the suite: on a fresh simulator behind a server, with time frozen.

    ``name`` makes its ids differ from those of others.
    """
    from hubspot_simulator.settings import Settings

    from ..clock import FollowingClock, HubspotClock
    from ..handle import HubspotSim

    settings = dict(scenario.settings)
    offset = settings.pop("utc_offset", 0)
    sim = HubspotSim(server, Settings(**settings), FollowingClock(), f"{name}/{scenario.name}")
    clock = HubspotClock(sim.clock, utc_offset=offset)
    clock.start()
    try:
        return assess(scenario, adapter, sim, clock, server.app)
    finally:
        clock.stop()


def _check(scenario: Scenario, trial: Trial) -> None:
    missing = [name for name in ("connect", "work") if not trial.offers(name)]
    if missing:
        raise ScenarioFailed(f"{type(trial.adapter).__name__} does not say how to {' and '.join(missing)}.{_WRITE}")
    for need in scenario.needs:
        if not trial.offers(need):
            raise NotApplicable(f"no {_PARTS[need]}")
    scenario.check(trial)
    for finding in trial.sim.audit():
        if finding.id in scenario.findings:
            trial.fail(f"{finding.problem}", finding.exchanges, should=finding.remedy)
