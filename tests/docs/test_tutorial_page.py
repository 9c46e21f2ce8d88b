"""docs/tutorial.md: a reader who follows it step by step gets the results that it shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
STEP = re.compile(r"(?<=<!-- )(file|append|output)(?:: (\S+))? -->\n```\w+\n(.*?)(?=```\n)", re.DOTALL)
UPDATE = "UPDATE_DOCS"


def normalised(text: str) -> str:
    """Return an output without what differs from run to run, and so where lines break."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>", text)
    text = re.sub(r"C[\w-]{3}…[\w-]{4}", "<token>", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "<address>", text)
    return " ".join(re.sub(r"in \d+\.\d+s", "in <duration>", text).split())


def shown(result: pytest.RunResult) -> str:
    """Return what the page shows of a run: of a failure the error and the plugin's sections, or else the last line."""
    lines = result.outlines
    errors = [line for line in lines if line.startswith("E ")]
    if not errors:
        return lines[-1].strip("= ") + "\n"
    start = next(index for index, line in enumerate(lines) if "- HubSpot simulator -" in line)
    end = next(index for index, line in enumerate(lines) if "= short test summary info =" in line)
    return "\n".join([errors[0], *lines[start:end]]) + "\n"


def test_each_step_gives_what_the_page_shows(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = PAGE.read_text("utf-8")
    outcomes = []
    for step in STEP.finditer(text):
        kind, name, content = step.groups()
        if kind == "file":
            Path(name).write_text(content, "utf-8")
        elif kind == "append":
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{content}")
        else:
            result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
            outcomes.append(result.parseoutcomes())
            if os.environ.get(UPDATE) and normalised(content) != normalised(shown(result)):
                text = text.replace(content, shown(result))
            else:
                assert normalised(content) == normalised(shown(result)), f"run pytest with {UPDATE}=1"
    if os.environ.get(UPDATE):
        PAGE.write_text(text, "utf-8")
    assert outcomes == [{"passed": 1}, {"passed": 1, "failed": 1}, {"passed": 2}, {"passed": 3}]


def test_the_last_test_fails_without_the_branch_that_the_page_tells_to_delete(pytester: pytest.Pytester) -> None:
    files: dict[str, str] = {}
    for kind, name, content in STEP.findall(PAGE.read_text("utf-8")):
        if kind == "file":
            files[name] = content
        elif kind == "append":
            files[name] += f"\n\n{content}"
    branch = re.compile(r"        if response\.status_code == 401:\n(            .*\n){2}")
    files["contacts.py"], count = branch.subn("", files["contacts.py"])
    assert count == 1
    for name, content in files.items():
        Path(name).write_text(content, "utf-8")
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_contacts.py::test_refreshes_after_a_401 - *401*"])
