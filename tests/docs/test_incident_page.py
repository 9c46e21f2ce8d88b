"""docs/incident.md: its test is red before its cure and green after it, and its output is real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "incident.md").read_text("utf-8")


def test_it_leads_from_red_to_green(pytester: pytest.Pytester) -> None:
    red, cure = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    pytester.makepyfile(
        test_red=red, test_green=red.replace("\ndef test_last_night", f"\n{cure}\n\ndef test_last_night")
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error", "test_red.py", "test_green.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_red.py::test_last_night - *401*"])


def test_its_line_and_its_output_are_real(tmp_path: Path) -> None:
    [line, output] = re.findall(r"^```text\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    _, cure = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    program = tmp_path / "sync.py"
    first, _, _ = PAGE.partition("\n\ndef test_last_night")
    sync = first.rpartition("```python\n")[2]
    program.write_text(
        f"{sync}\n{cure}\nimport os\nfrom types import SimpleNamespace\n"
        "env = {name.removeprefix('HUBSPOT_').lower(): value for name, value in os.environ.items()}\n"
        "print(Sync(SimpleNamespace(**env), env, 'https://api.hubapi.com').contacts())\n",
        "utf-8",
    )
    for text in (line, re.search(r'reproduce "(.+?)"', PAGE)[1]):
        done = subprocess.run(
            [sys.executable, "-m", "hubspot_simulator", "reproduce", text, "--", sys.executable, str(program)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
        assert done.stderr.splitlines()[-1] == output
