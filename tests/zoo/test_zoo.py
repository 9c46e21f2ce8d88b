"""The zoo: each wrong client is caught on its own bug class, and no right client is accused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zoo.clients import RIGHT_ONES, WRONG_ONES, ZooClient
from zoo.table import count_right, count_wrong, failing, page, tried

from hubspot_simulator.lab.conformance.bug_classes import BUG_CLASSES
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS
from pytest_hubspot_auth import SimulatorServer

PAGE = Path(__file__).parents[2] / "docs" / "bug-classes.md"


@pytest.mark.parametrize("client", RIGHT_ONES, ids=lambda client: client.name)
def test_a_right_client_passes_and_is_accused_of_nothing(client: ZooClient, hubspot_server: SimulatorServer) -> None:
    one = tried(client, hubspot_server)
    assert not one.names("failed"), one.reasons
    assert one.findings == []
    not_applicable = {need for name in one.names("not applicable") for need in SCENARIOS[name].needs}
    assert not_applicable == (set() if client.client.concurrency else {"concurrency"})
    assert len(one.results) == len(SCENARIOS)


@pytest.mark.parametrize("client", WRONG_ONES, ids=lambda client: client.name)
def test_a_wrong_client_is_caught_on_its_own_class(client: ZooClient, hubspot_server: SimulatorServer) -> None:
    one = tried(client, hubspot_server)
    assert one.caught, f"class {client.bug}: passed {one.names('passed')}, findings {one.findings}"


def test_the_table(hubspot_server: SimulatorServer) -> None:
    wrong = [tried(client, hubspot_server) for client in WRONG_ONES]
    right = [tried(client, hubspot_server) for client in RIGHT_ONES]
    text = page(wrong, right)
    print(text)
    print(count_wrong(wrong), count_right(right), sep="\n")

    caught = {one.client.bug for one in wrong if one.caught}
    assert len(caught) >= 33
    assert [number for number, known in BUG_CLASSES.items() if number not in caught and not known.blind] == []
    assert sorted(SCENARIOS.keys() - failing(wrong)) == [], (
        "scenarios that no wrong client fails: do they detect anything?"
    )

    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "docs/bug-classes.md is not up to date: run with UPDATE_DOCS=1"
