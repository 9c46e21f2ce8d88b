import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED = [tool for tool in ("sh", "curl", "sed", "grep", "mktemp") if not shutil.which(tool)]


@pytest.mark.skipif(bool(NEEDED), reason=f"not on this machine: {', '.join(NEEDED)}")
def test_the_script_shows_the_expiry_and_the_refresh():
    scripts = Path(sys.executable).parent  # hubspot-simulator is installed there
    done = subprocess.run(
        ["sh", str(Path(__file__).with_name("expire.sh"))],
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0:2] == ["At minute 0:", '{"results":[]} (200)']
    assert lines[2] == "At minute 35:"
    assert "The OAuth token used to make this call expired 5 minute(s) ago." in lines[3]
    assert lines[3].endswith("(401)")
    assert lines[4:] == ["After the refresh:", '{"results":[]} (200)']
