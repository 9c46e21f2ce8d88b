"""What the kit makes of each animal, and the page of the documentation that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hubspot_simulator.lab.conformance.bug_classes import BUG_CLASSES
from hubspot_simulator.lab.conformance.scenario import Result
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS
from hubspot_simulator.serving.server import SimulatorServer
from pytest_hubspot_auth.conformance.bench import assess_alone

from .adapters import suite
from .clients import ZooClient

_HEAD = """\
# Bug classes

This page lists what integrations get wrong about access tokens that expire: {classes} classes of bugs. For each
class it gives public evidence, and shows what detects the bug.

The tests of this package (`tests/zoo`) check the detection with small clients. Every class has at least one wrong
client, which has just this bug. There are also right clients: sequential, with threads and with asyncio tasks, some of
which check the clock and some of which do not. The conformance suite must fail each wrong client in a scenario of its
class, or the audit must report it. Neither may report anything about a right client.

A wrong client differs from a right one in a single way. There is one exception: a refresh after a 401 would hide most
mistakes about time, so clients with such a mistake do not refresh after a 401.

A test writes this page: `UPDATE_DOCS=1 pytest tests/zoo`.

## Wrong clients

{wrong_count}

The scenarios are those of the [conformance suite](conformance.md). The findings are those of the [audit](findings.md)
over the same requests.

| # | Client | What is wrong | Seen in | Scenario that fails | Finding |
|---|---|---|---|---|---|
"""
_MIDDLE = """
## Right clients

{right_count}

| Client | What it does | Passed | Not applicable | Failed | Findings |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Tried:
    """How an animal did in the scenarios that it was put to."""

    client: ZooClient
    results: tuple[Result, ...]

    def names(self, outcome: str) -> list[str]:
        """Return the names of the scenarios that ended so."""
        return [result.scenario.name for result in self.results if result.outcome == outcome]

    @property
    def reasons(self) -> str:
        """Why scenarios failed, for people."""
        return "\n\n".join(result.reason for result in self.results if result.outcome == "failed")

    @property
    def findings(self) -> list[str]:
        """The ids of what the audit found, in the order of the first time."""
        return list(dict.fromkeys(finding for result in self.results for finding in result.findings))

    @property
    def caught(self) -> bool:
        """Whether it failed in one of these scenarios, or the audit found what stands for its class."""
        return bool(self.names("failed") or set(self.findings) & set(BUG_CLASSES[self.client.bug].findings))


@lru_cache
def tried(client: ZooClient, server: SimulatorServer) -> Tried:
    """Put a wrong client to the scenarios of its own class, a right one to all."""
    own = [scenario for scenario in SCENARIOS.values() if not client.bug or client.bug in scenario.classes]
    adapter = suite(client)
    return Tried(client, tuple(assess_alone(scenario, adapter(), server, client.name) for scenario in own))


def page(wrong: Sequence[Tried], right: Sequence[Tried]) -> str:
    """Return the page of the documentation."""
    head = _HEAD.format(classes=len(BUG_CLASSES), wrong_count=count_wrong(wrong))
    middle = _MIDDLE.format(right_count=count_right(right))
    lines = [*_lines(head, map(_wrong, wrong)), *_lines(middle, map(_right, right)), *_blind()]
    return "\n".join(lines) + "\n"


def count_wrong(wrong: Sequence[Tried]) -> str:
    """Return in a sentence how many wrong clients were caught by what."""
    classes = {one.client.bug for one in wrong if one.caught}
    by_scenario = sum(bool(one.names("failed")) for one in wrong)
    by_finding = sum(bool(one.findings) for one in wrong)
    return (
        f"{sum(one.caught for one in wrong)} of {len(wrong)} wrong clients are caught, in {len(classes)} of "
        f"{len(BUG_CLASSES)} classes: {by_scenario} fail a scenario of their own class, and the audit has a finding "
        f"for {by_finding}. {len(failing(wrong))} of the {len(SCENARIOS)} scenarios catch at least one wrong client."
    )


def failing(wrong: Sequence[Tried]) -> set[str]:
    """Return the names of the scenarios that wrong clients failed."""
    return {name for one in wrong for name in one.names("failed")}


def count_right(right: Sequence[Tried]) -> str:
    """Return in a sentence how the right clients did."""
    failed = sum(len(one.names("failed")) for one in right)
    findings = sum(len(one.findings) for one in right)
    return f"{len(right)} right clients in {len(SCENARIOS)} scenarios each: {failed} failed, {findings} findings."


def _lines(head: str, rows: Iterable[str]) -> Iterator[str]:
    yield from head.splitlines()
    yield from rows


def _wrong(one: Tried) -> str:
    client = one.client
    scenarios = ", ".join(f"[{name}](conformance.md#{name})" for name in one.names("failed"))
    findings = ", ".join(f"[{name}](findings.md#{name})" for name in one.findings)
    columns = [client.bug, client.name, client.wrong + ".", client.evidence, scenarios or "none", findings or "none"]
    return f"| {' | '.join(map(str, columns))} |"


def _right(one: Tried) -> str:
    counts = [len(one.names(outcome)) for outcome in ("passed", "not applicable", "failed")]
    columns = [one.client.name, one.client.wrong + ".", *counts, len(one.findings)]
    return f"| {' | '.join(map(str, columns))} |"


def _blind() -> Iterator[str]:
    notes = [f"- {number}, {known.title}: {known.blind}." for number, known in BUG_CLASSES.items() if known.blind]
    if notes:
        yield from ("", "## What cannot be seen from outside", "", *notes)
