"""Several processes of one run: nobody is accused of not using a token that another process had."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.run.conftest import Run


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows an exec, and who shares a socket")
JOB = """
import json, os, sys, time, urllib.parse, urllib.request
BASE = os.environ.get("BASE") or "https://api.hubapi.com"

def ask(request):
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)

def refresh(refresh_token=os.environ["HUBSPOT_REFRESH_TOKEN"]):
    client = {"client_id": os.environ["HUBSPOT_CLIENT_ID"], "client_secret": os.environ["HUBSPOT_CLIENT_SECRET"]}
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **client}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(form).encode()
    return ask(urllib.request.Request(BASE + "/oauth/v1/token", body, kind))["access_token"]

def call(token):
    ask(urllib.request.Request(BASE + "/crm/v3/objects/contacts", headers={"Authorization": "Bearer " + token}))
"""
TOGETHER = "import subprocess, sys, time, os\nfolder = os.path.dirname(__file__)\n"
FINDING = re.compile(r"^(?:error|warning): (\S+)$", re.MULTILINE)


Jobs = Callable[..., list[str]]


@pytest.fixture
def jobs(python: Run, tmp_path: Path) -> Jobs:
    """Run a job several times, each in a process of its own; return the ids of what the audit found."""

    def jobs(job: str, times: int = 3, pause: float = 0, *options: str) -> list[str]:
        (tmp_path / "job.py").write_text(JOB + job, encoding="utf-8")
        loop = (
            f"for _ in range({times}):\n"
            "    subprocess.run([sys.executable, os.path.join(folder, 'job.py')], check=True)\n"
            f"    time.sleep({pause})\n"
        )
        ran = python(TOGETHER + loop, *options)
        assert ran.status == 0, ran.report
        assert len(ran.exchanges) >= times
        return FINDING.findall(ran.report)

    return jobs


@pytest.mark.parametrize("base", ["", "BASE = os.environ['HUBSPOT_SIMULATOR_URL']\n"], ids=["hubapi.com", "its-url"])
def test_jobs_that_have_only_the_refresh_token_are_accused_of_nothing(jobs: Jobs, base: str) -> None:
    assert jobs(base + "call(refresh())") == []


def test_jobs_that_come_every_two_seconds_do_not_read_1800_as_milliseconds(jobs: Jobs) -> None:
    assert jobs("token = refresh(); call(token); call(token)", 3, 2.0) == []


def test_jobs_are_accused_of_nothing_where_refresh_tokens_rotate(jobs: Jobs) -> None:
    job = """
import re
kept = __file__ + ".kept"
given = open(kept).read() if os.path.exists(kept) else os.environ["HUBSPOT_REFRESH_TOKEN"]
form = {"grant_type": "refresh_token", "refresh_token": given, "client_id": os.environ["HUBSPOT_CLIENT_ID"],
        "client_secret": os.environ["HUBSPOT_CLIENT_SECRET"]}
answer = ask(urllib.request.Request(BASE + "/oauth/v1/token", urllib.parse.urlencode(form).encode()))
open(kept, "w").write(answer["refresh_token"])
call(answer["access_token"])
"""
    assert jobs(job, 3, 0, "--refresh-rotation", "true") == []


def test_a_tool_that_uses_the_token_and_one_that_starts_from_the_refresh_token(python: Run, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(JOB + "call(os.environ['HUBSPOT_ACCESS_TOKEN'])")
    (tmp_path / "two.py").write_text(JOB + "call(refresh())")
    start = "".join(
        f"subprocess.run([sys.executable, os.path.join(folder, {name!r})], check=True)\n"
        for name in ("one.py", "two.py", "one.py")
    )
    ran = python(TOGETHER + start)
    assert (ran.status, FINDING.findall(ran.report)) == (0, [])


@pytest.mark.parametrize("base", ["", "BASE = os.environ['HUBSPOT_SIMULATOR_URL']\n"], ids=["hubapi.com", "its-url"])
def test_one_process_that_refreshes_before_every_call_is_accused(jobs: Jobs, base: str) -> None:
    assert jobs(base + "for _ in range(3): call(refresh())", 1) == ["refresh-every-call"]


def test_one_process_that_reaches_the_proxy_is_told_as_well(jobs: Jobs) -> None:
    plain = """
import http.client, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTP_PROXY"])

def ask(request):
    connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=20)
    connection.request(request.get_method(), request.full_url.replace("https:", "http:"), request.data, request.headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return json.load(answer)
"""
    assert jobs(plain + "for _ in range(3): call(refresh())", 1) == ["refresh-every-call"]
    assert jobs(plain + "call(refresh())", 3) == []


@LINUX
def test_a_program_that_starts_itself_anew_by_exec_is_another_one(jobs: Jobs) -> None:
    again = """
call(refresh())
left = int(sys.argv[1]) if sys.argv[1:] else 2
if left:
    os.execv(sys.executable, [sys.executable, __file__, str(left - 1)])
"""
    assert jobs(again, 1) == []


@LINUX
def test_children_that_inherit_a_connection_are_not_taken_for_their_parent(jobs: Jobs) -> None:
    forks = """
import http.client, urllib.parse
simulator = urllib.parse.urlsplit(os.environ["HUBSPOT_SIMULATOR_URL"])
connection = http.client.HTTPConnection(simulator.hostname, simulator.port, timeout=20)

def ask(request):
    connection.request(request.get_method(), request.selector, request.data, request.headers)
    return json.load(connection.getresponse())

call(os.environ["HUBSPOT_ACCESS_TOKEN"])
for _ in range(3):
    child = os.fork()
    if not child:
        call(refresh())
        os._exit(0)
    os.waitpid(child, 0)
"""
    assert jobs(forks, 1) == []
