"""The sweep finds in the examples what they are known for: in the buggy ones their bug, in the right ones nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hubspot_simulator.lab.conformance.bug_classes import BUG_CLASSES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SWEPT = """
import pytest
from held_api_object.sync import ContactPages, HeldContactPages
from never_refreshes.sync import ContactSync as NeverRefreshes
from refreshes.sync import ContactSync as Refreshes

pytestmark = pytest.mark.hubspot_sweep(calls=3)

@pytest.fixture
def known(hubspot_sim, hubspot_app, hubspot_installation):
    return {
        "tokens": hubspot_installation.token_response,
        "received_at": hubspot_installation.issued_at.timestamp(),
        "client_id": hubspot_app.client_id,
        "client_secret": hubspot_app.client_secret,
    }

def test_never_refreshes(hubspot_sim, known):
    sync = NeverRefreshes(known["tokens"], base_url=hubspot_sim.url)
    assert [sync.emails() for _ in range(3)] == [[], [], []]

def test_held_api_object(hubspot_sim, known):
    pages = HeldContactPages(host=hubspot_sim.url, **known)
    assert [pages.first().results for _ in range(3)] == [[], [], []]

def test_api_object_for_each_call(hubspot_sim, known):
    pages = ContactPages(host=hubspot_sim.url, **known)
    assert [pages.first().results for _ in range(3)] == [[], [], []]

def test_refreshes(hubspot_sim, known):
    sync = Refreshes(base_url=hubspot_sim.url, **known)
    assert [sync.emails() for _ in range(3)] == [[], [], []]
"""
BUGS = {"test_never_refreshes": 1, "test_held_api_object": 12}  # by the number of their class


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_the_buggy_ones_fail_at_every_point_with_the_finding_of_their_class(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(SWEPT)
    pytester.makeini(f"[pytest]\npythonpath = {EXAMPLES}")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-rfp", *workers)
    points = [f"expired-before-{call}" for call in (1, 2, 3)]
    failed = re.findall(r"^FAILED \S+::(\w+)\[(\S+)\]", result.stdout.str(), re.M)
    assert sorted(failed) == sorted((test, point) for test in BUGS for point in points)
    result.assert_outcomes(failed=6, passed=10)

    findings: dict[str, set[str]] = {}
    for report in re.split(r"^_{3,} (?=test_)", result.stdout.str(), flags=re.M)[1:]:
        findings.setdefault(report.partition("[")[0], set()).update(re.findall(r"^error: (\S+)", report, re.M))
    for test, number in BUGS.items():
        assert len(findings[test]) == 1
        assert findings[test] <= set(BUG_CLASSES[number].findings)
