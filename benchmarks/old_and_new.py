"""Compares the working tree with an older revision: `python benchmarks/old_and_new.py REVISION`.

Each revision has a process of its own. They take turns, so that a slow moment of the machine hits both. Printed are the
medians of ten ratios, new to old.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 10

# Only names that every revision has.
WORKER = """
import sys
from http.client import HTTPConnection
from time import perf_counter

import requests

from hubspot_simulator import Simulator, SimulatorServer
from pytest_hubspot_auth import HubspotResponses

PATH = "/crm/v3/objects/contacts"
simulator = Simulator()
with SimulatorServer(simulator) as server:
    headers = {"Authorization": f"Bearer {simulator.installation.access_token}"}
    address = server.url.removeprefix("http://")
    kept = HTTPConnection(address)
    session = requests.Session()

    def call(connection):
        connection.request("GET", PATH, headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200

    def on_a_new_connection():
        connection = HTTPConnection(address)
        call(connection)
        connection.close()

    def by_requests():
        assert session.get(server.url + PATH, headers=headers).status_code == 200

    def in_process():
        bridge = HubspotResponses(server)
        bridge.start()
        for _ in range(50):
            assert session.get("https://api.hubapi.com" + PATH, headers=headers).status_code == 200
        bridge.stop()

    subjects = {
        "a call, kept alive, http.client": (lambda: call(kept), 400),
        "a call on a new connection, http.client": (on_a_new_connection, 100),
        "a call, kept alive, requests": (by_requests, 150),
        "50 calls of requests in process": (in_process, 3),
        "Simulator()": (Simulator, 200),
    }
    print(*subjects, sep="|", flush=True)
    for line in sys.stdin:
        subject, times = subjects[line.strip()]
        start = perf_counter()
        for _ in range(times):
            subject()
        print((perf_counter() - start) / times, flush=True)
"""


class Revision:
    """One revision of the code, with a process that measures it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "simulator")])}
        self.folder = folder
        worker = [sys.executable, "-c", WORKER]
        self._worker = stack.enter_context(
            subprocess.Popen(
                worker, env=self.environment, cwd="/", text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        )
        self.subjects = self._read().split("|")

    def _read(self) -> str:
        assert self._worker.stdout is not None
        return self._worker.stdout.readline().strip()

    def seconds(self, subject: str) -> float:
        """Return how long a subject takes, in seconds."""
        assert self._worker.stdin is not None
        print(subject, file=self._worker.stdin, flush=True)
        return float(self._read())

    def fixtures(self) -> dict[str, float]:
        """Return what each fixture costs a test, in seconds: benchmarks/fixtures.py."""
        code = (
            "import json, statistics, tempfile, pathlib, pytest, runpy; "
            "m = runpy.run_path('benchmarks/fixtures.py'); w = m['Stopwatch'](); "
            "f = tempfile.mkdtemp(); p = pathlib.Path(f, 'test_fixtures.py'); "
            "p.write_text(m['TESTS'].format(rounds=m['ROUNDS'])); "
            "pytest.main([f, '-q', '-p', 'no:randomly', '-p', 'no:cacheprovider', '--rootdir', f, '-c', '/dev/null'], "
            "plugins=[w]); "
            "print(json.dumps({n: statistics.median(s[5:]) for n, s in w.seconds.items()}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment,
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=True,
        )
        return dict(json.loads(done.stdout.splitlines()[-1]))


def show(title: str, old: list[float], new: list[float]) -> None:
    """Print the medians and the median ratio of one subject."""
    ratios = [mine / theirs for mine, theirs in zip(new, old, strict=True)]
    print(
        f"  {title:<42} old {statistics.median(old) * 1e6:8.0f} µs   new {statistics.median(new) * 1e6:8.0f} µs   "
        f"ratio {statistics.median(ratios):5.3f}   ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main(revision: str) -> None:
    """Measure a revision and the working tree in turn."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()), "old")
        subprocess.run(["git", "worktree", "add", "--detach", folder, revision], cwd=ROOT, check=True)
        stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)
        old, new = Revision(folder, stack), Revision(ROOT, stack)
        print(f"{revision} and the working tree in turn, {ROUNDS} rounds:")
        for subject in new.subjects:
            old.seconds(subject), new.seconds(subject)  # the first round warms up
            pairs = [(old.seconds(subject), new.seconds(subject)) for _ in range(ROUNDS)]
            show(subject, [first for first, _ in pairs], [second for _, second in pairs])
        tests = [(old.fixtures(), new.fixtures()) for _ in range(ROUNDS)]
        for name in tests[0][0]:
            show(name, [first[name] for first, _ in tests], [second[name] for _, second in tests])


if __name__ == "__main__":
    main(sys.argv[1])
