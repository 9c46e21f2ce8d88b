"""``hubspot-simulator reproduce``: a program meets a refusal that a log tells of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "hubspot_simulator", "reproduce"]
EXPIRED = "The OAuth token used to make this call expired 5 minute(s) ago."
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os, sys, urllib.error, urllib.parse, urllib.request

token = os.environ["HUBSPOT_ACCESS_TOKEN"]

def refresh():
    names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")
    form = {name.lower(): os.environ["HUBSPOT_" + name] for name in names}
    data = urllib.parse.urlencode({**form, "grant_type": "refresh_token"}).encode()
    with urllib.request.urlopen("https://api.hubapi.com/oauth/v1/token", data, timeout=20) as answer:
        return json.load(answer)["access_token"]

def call(path):
    request = urllib.request.Request("https://api.hubapi.com" + path, headers={"Authorization": "Bearer " + token})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)

def right(path):
    global token
    try:
        return call(path)
    except urllib.error.HTTPError as refused:
        with refused:
            print(refused.code, json.load(refused)["message"])
        if refused.code != 401:
            raise
        token = refresh()
        return call(path)
"""
Reproduce = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def reproduce(tmp_path: Path) -> Reproduce:
    """Run a script so that it meets what a text tells of."""
    (tmp_path / "temporary").mkdir()

    def reproduce(text: str, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "program.py"
        program.write_text(PROGRAM + textwrap.dedent(script), encoding="utf-8")
        done = run([text, *options, "--", sys.executable, str(program)], tmp_path / "temporary")
        assert list((tmp_path / "temporary").iterdir()) == []
        return done

    return reproduce


def run(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=60, env=environment
    )


def test_d3_a_program_that_refreshes_comes_through(reproduce: Reproduce) -> None:
    done = reproduce(f"2026-11-23 ERROR 401: {EXPIRED}", "right('/crm/v3/objects/contacts')")
    assert (done.returncode, done.stdout) == (0, f"401 {EXPIRED}\n"), done.stderr
    assert done.stderr.splitlines()[-1] == (
        "reproduced in #1: EXPIRED_AUTHENTICATION at authenticated call 1: the call's access token had expired at "
        "HubSpot 5 minute(s) ago. The program then succeeded (exit status 0)"
    )


def test_d3_a_program_that_does_not_refresh_fails(reproduce: Reproduce) -> None:
    done = reproduce(EXPIRED, "call('/crm/v3/objects/contacts')")
    assert done.returncode == 1
    assert done.stderr.endswith(". The program then failed (exit status 1)\n")


def test_d3_a_program_that_swallows_the_refusal_fails_by_the_audit(reproduce: Reproduce) -> None:
    script = """
        for _ in range(2):
            try: call('/crm/v3/objects/contacts')
            except OSError as refused: refused.close()
    """
    done = reproduce(EXPIRED, script)
    assert done.returncode == 1, done.stderr
    assert "error: no-refresh-after-expiry" in done.stderr
    assert reproduce(EXPIRED, script, "--fail-on", "off").returncode == 0


def test_d3_a_dead_refresh_token(reproduce: Reproduce) -> None:
    done = reproduce('{"status":"BAD_REFRESH_TOKEN","error":"invalid_grant"}', "right('/crm/v3/objects/contacts')")
    assert done.returncode == 1
    assert "reproduced in #2: BAD_REFRESH_TOKEN at call 1 to /oauth/*/token: the refresh token is dead" in done.stderr


def test_d3_a_later_call(reproduce: Reproduce) -> None:
    script = "right('/crm/v3/objects/contacts'); right('/crm/v3/objects/deals')"
    done = reproduce(EXPIRED, script, "--at", "2")
    assert (done.returncode, done.stdout) == (0, f"401 {EXPIRED}\n"), done.stderr
    assert "\nreproduced in #2: " in done.stderr


def test_d3_a_program_that_does_not_get_there_shows_nothing(reproduce: Reproduce) -> None:
    done = reproduce(EXPIRED, "right('/crm/v3/objects/contacts')", "--at", "7")
    assert done.returncode == 1
    assert "\nnot reproduced: EXPIRED_AUTHENTICATION at authenticated call 7: " in done.stderr
    assert done.stderr.endswith(". The program made no such call\n")


def test_d6_as_json(reproduce: Reproduce, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    done = reproduce(EXPIRED, "right('/crm/v3/objects/contacts')", "--json", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text("utf-8"))
    assert (found["version"], found["command"], found["outcome"], found["exit_status"]) == (1, "reproduce", "passed", 0)
    assert found["reproduced"] == {
        "name": "EXPIRED_AUTHENTICATION",
        "state": "the call's access token had expired at HubSpot 5 minute(s) ago",
        "at": 1,
        "met": [1],
    }
    assert [(one["method"], one["target"], one["status"]) for one in found["exchanges"]] == [
        ("GET", "/crm/v3/objects/contacts", 401),
        ("POST", "/oauth/v1/token", 200),
        ("GET", "/crm/v3/objects/contacts", 200),
    ]
    assert (found["totals"], found["findings"]) == ({"requests": 3, "refused": 1}, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["everything is fine", "--", "true"], "'everything is fine' is not an error that the simulator knows"),
        ([EXPIRED, "--at", "0", "--", "true"], "argument --at: '0': expected the number of a call, 1 or higher"),
        ([EXPIRED, "true"], "put -- before the program: hubspot-simulator reproduce [options] -- true"),
        ([EXPIRED], "reproduce needs a program"),
        (["--", "true"], "the following arguments are required: TEXT"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = run(arguments, tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
