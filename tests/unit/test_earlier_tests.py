"""What is kept of tests that are over, to tell their tokens: issue A5."""

from __future__ import annotations

import pytest

from hubspot_simulator import Simulator
from hubspot_simulator.core import earlier_tests
from hubspot_simulator.core.earlier_tests import EarlierTests


def over(name: str, kept: EarlierTests) -> Simulator:
    simulator = Simulator(name=name)
    simulator.installation  # noqa: B018
    kept.remember(simulator.name, simulator.ids.signing_key, simulator.store.refresh_tokens)
    return simulator


def test_it_tells_the_tokens_of_each() -> None:
    kept = EarlierTests()
    for simulator in [over("a", kept), over("b", kept)]:
        assert kept.name_of(simulator.installation.access_token) == simulator.name
        assert kept.name_of(simulator.installation.refresh_token) == simulator.name
    unknown = Simulator(name="c").installation
    for text in (unknown.access_token, unknown.refresh_token, "", "no.token", "bm8"):
        assert kept.name_of(text) == ""


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_tests, "_NAMES", 3)
    monkeypatch.setattr(earlier_tests, "_OPAQUE", 2)
    kept = EarlierTests()
    simulators = [over(str(number), kept) for number in range(6)]
    assert [kept.name_of(one.installation.access_token) for one in simulators] == ["", "", "", "3", "4", "5"]
    assert [kept.name_of(one.installation.refresh_token) for one in simulators] == ["", "", "", "", "4", "5"]
