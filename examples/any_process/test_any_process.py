"""Run a program that has no code for tests against the simulator. It works for any language: see docs/run.md."""

import subprocess
import sys
from pathlib import Path


def test_the_sync_survives_an_expiry_between_two_calls():
    sync = Path(__file__).with_name("sync.py")
    simulator = [sys.executable, "-m", "hubspot_simulator", "run", "--expire-after", "2"]
    done = subprocess.run([*simulator, "--", sys.executable, sync], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "contacts", "0", "companies", "0", "deals"]
    report = " ".join(done.stderr.split())  # the report wraps its lines
    assert "expired 1" in report  # the report says why HubSpot refused a call
    assert "5 requests, 1 refused" in report
