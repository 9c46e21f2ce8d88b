"""What a sweep costs: the 50 points of a 50-call test against 50 plain runs of it, in a real run of pytest."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import pytest

CALLS = 50
ROUNDS = 7
CLOCK = [perf_counter]  # in a list, where freezegun does not find it

TESTS = """
import time

import pytest
import requests

class Client:
    def __init__(self, sim, app, installed):
        self.url, self.app, self.installed = sim.url, app, installed
        self.session = requests.Session()
        self.session.trust_env = False
        self.token, self.expires_at = installed.access_token, installed.expires_at.timestamp()

    def refresh(self):
        form = dict(grant_type="refresh_token", refresh_token=self.installed.refresh_token,
                    client_id=self.app.client_id, client_secret=self.app.client_secret)
        answer = self.session.post(self.url + "/oauth/v3/token", data=form).json()
        self.token, self.expires_at = answer["access_token"], time.time() + answer["expires_in"]

    def call(self):
        if time.time() >= self.expires_at:
            self.refresh()
        answer = self.session.get(
            self.url + "/crm/v3/objects/contacts", headers={{"Authorization": "Bearer " + self.token}}
        )
        answer.raise_for_status()

@pytest.fixture
def client(hubspot_sim, hubspot_clock, hubspot_app, hubspot_installation):
    return Client(hubspot_sim, hubspot_app, hubspot_installation)

@pytest.mark.hubspot_sweep(calls={calls})
def test_swept(client):
    for _ in range({calls}):
        client.call()

@pytest.mark.parametrize("run", range({calls}))
def test_plain(client, run):
    for _ in range({calls}):
        client.call()
"""


class Stopwatch:
    """Has points and plain runs take turns, and measures each from set-up to teardown."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"test_swept": [], "test_plain": []}

    def pytest_collection_modifyitems(self, items):
        swept, plain = items[1 : CALLS + 1], items[CALLS + 1 :]  # without test_swept[plain]
        items[:] = [items[0], *(item for pair in zip(swept, plain, strict=True) for item in pair)]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        start = CLOCK[0]()
        try:
            return (yield)
        finally:
            if not item.name.endswith("[plain]"):
                self.seconds[item.originalname].append(CLOCK[0]() - start)


def main() -> None:
    ratios, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_sweep.py").write_text(TESTS.format(calls=CALLS))
        for _ in range(ROUNDS):
            stopwatch = Stopwatch()
            status = pytest.main(
                [folder, "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir", folder, "-c", "/dev/null"],
                plugins=[stopwatch],
            )
            assert status == 0
            swept, usual = (sum(stopwatch.seconds[name]) for name in ("test_swept", "test_plain"))
            ratios.append(swept / usual)
            plain.append(usual)
    ratio = f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"\n{CALLS} points of a test with {CALLS} calls, against {CALLS} plain runs, {ROUNDS} rounds: {ratio}")
    print(f"  the plain runs took {statistics.median(plain):.2f} s")


if __name__ == "__main__":
    main()
