"""Runs a scenario on an integration."""

from __future__ import annotations

from .bench import Bench
from .failures import AdapterError, NotApplicable, Runaway, ScenarioFailed, message
from .fuse import LIMIT
from .protocols import ClientDriver
from .scenario import Result, Scenario
from .traffic import listening
from .trial import Trial

_PARTS = {
    "stored": "stored(client), what a restart would find",
    "write": "write(client), a call that creates one record",
    "prepare": "prepare(client), a unit of work to be done later",
    "several_apps": "several_apps = True, for an integration that serves several HubSpot apps at once",
    "concurrency": "concurrency, the way in which work may be called at the same time (threads or tasks)",
}


def assess(scenario: Scenario, driver: ClientDriver, bench: Bench) -> Result:
    """Run a scenario on the integration that a driver drives, and return how it went.

    Whatever is wrong with the integration is in the result; an error of the scenario itself is raised.
    """
    trial = Trial(scenario, driver, bench)
    outcome, reason, adapter_error = "passed", "", ""
    with driver.attached(trial.cut), listening(bench.server.app, trial.hear):
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
    if outcome == "passed" and raised is not None:
        outcome, reason = "failed", str(raised)
        adapter_error = raised.did if isinstance(raised, AdapterError) else ""
    findings = tuple(dict.fromkeys(finding.id for finding in bench.simulator.audit()))
    return Result(scenario, outcome, reason, findings, adapter_error)


def _check(scenario: Scenario, trial: Trial) -> None:
    trial.driver.check()
    for need in scenario.needs:
        if not trial.offers(need):
            raise NotApplicable(f"no {_PARTS[need]}")
    scenario.check(trial)
    for finding in trial.sim.audit():
        if finding.id in scenario.findings:
            trial.fail(f"{finding.problem}", finding.exchanges, should=finding.remedy)
