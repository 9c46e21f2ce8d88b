"""Runs a scenario on an integration."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from .adapter import missing_parts
from .failures import AdapterError, NotApplicable, Runaway, ScenarioFailed, message
from .fuse import LIMIT, guarded
from .scenario import Result, Scenario
from .traffic import listening
from .trial import Trial

if TYPE_CHECKING:
    from hubspot_simulator.http.app import Application
    from hubspot_simulator.serving.server import SimulatorServer

    from ..sim import HubspotSim
    from ..time.clock import HubspotClock

_PARTS = {
    "stored": "stored(client), what a restart would find",
    "write": "write(client), a call that creates one record",
    "prepare": "prepare(client), a unit of work to be done later",
    "several_apps": "several_apps = True, for an integration that serves several HubSpot apps at once",
    "concurrency": "concurrency, the way in which work may be called at the same time (threads or tasks)",
}


def assess(scenario: Scenario, adapter: Any, sim: HubspotSim, clock: HubspotClock, app: Application) -> Result:
    """Run a scenario and return how it went. ``app`` is the application that answers for ``sim``.

    Whatever is wrong with the integration is in the result; an error of the scenario itself is raised.
    """
    trial = Trial(scenario, adapter, sim, clock)
    outcome, reason, adapter_error = "passed", "", ""
    with guarded(trial.fuse), listening(app, trial.hear):
        try:
            _check(scenario, trial)
        except NotApplicable as error:
            outcome, reason = "not applicable", str(error)
        except ScenarioFailed as error:
            outcome, reason = "failed", str(error)
            adapter_error = error.did if isinstance(error, AdapterError) else ""
        except Runaway:
            did = f"it made more than {LIMIT} requests in one unit of work, and was stopped."
            outcome, reason = "failed", message(scenario, did, trial.since())
        finally:
            raised = trial.close()
            if trial.fuse.blown:
                gc.collect()  # sockets of the client that was ended, while their warnings are ignored
    if outcome == "passed" and raised is not None:
        outcome, reason = "failed", str(raised)
        adapter_error = raised.did if isinstance(raised, AdapterError) else ""
    findings = tuple(dict.fromkeys(finding.id for finding in sim.audit()))
    return Result(scenario, outcome, reason, findings, adapter_error)


def assess_alone(scenario: Scenario, adapter: Any, server: SimulatorServer, name: str = "") -> Result:
    """Run a scenario outside of a test of the suite: on a fresh simulator behind a server, with time frozen.

    ``name`` makes its ids differ from those of others.
    """
    from hubspot_simulator.settings import Settings

    from ..sim import HubspotSim
    from ..time.clock import FollowingClock, HubspotClock

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
    missing_parts(trial.adapter)
    for need in scenario.needs:
        if not trial.offers(need):
            raise NotApplicable(f"no {_PARTS[need]}")
    scenario.check(trial)
    for finding in trial.sim.audit():
        if finding.id in scenario.findings:
            trial.fail(f"{finding.problem}", finding.exchanges, should=finding.remedy)
