"""What set-up and teardown of the fixtures cost a test, in a real run of pytest."""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter

import pytest

ROUNDS = 60
CLOCK = [perf_counter]  # in a list, where freezegun does not find it

TESTS = """
import pytest
from freezegun import freeze_time

@pytest.fixture
def bare_freeze_time():
    with freeze_time():
        yield

@pytest.mark.parametrize("round", range({rounds}))
class Test:
    def test_nothing(self, round): pass
    def test_freeze_time(self, round, bare_freeze_time): pass
    def test_hubspot_sim(self, round, hubspot_sim): pass
    def test_hubspot_clock(self, round, hubspot_clock): pass
    def test_hubspot_intercept(self, round, hubspot_intercept): pass
"""


class Stopwatch:
    """Measures each test's set-up and teardown on a clock that no freeze touches."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._setup = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        start = CLOCK[0]()
        try:
            return (yield)
        finally:
            self._setup = CLOCK[0]() - start

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item):
        start = CLOCK[0]()
        try:
            return (yield)
        finally:
            self.seconds[item.originalname].append(self._setup + CLOCK[0]() - start)


def main() -> None:
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test_fixtures.py")
        path.write_text(TESTS.format(rounds=ROUNDS))
        # ordered by round, so that the kinds of test take turns
        pytest.main(
            [folder, "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir", folder, "-c", "/dev/null"],
            plugins=[stopwatch],
        )
    medians = {name: statistics.median(seconds[5:]) for name, seconds in stopwatch.seconds.items()}
    nothing = medians.pop("test_nothing")
    frozen = medians["test_freeze_time"] - nothing
    print(f"\nset-up and teardown beyond those of an empty test ({nothing * 1000:.2f} ms), median of {ROUNDS}:")
    for name, seconds in medians.items():
        cost = seconds - nothing
        print(f"  {name:<23} {cost * 1000:6.2f} ms   ratio to freeze_time {cost / frozen:5.2f}")


if __name__ == "__main__":
    main()
