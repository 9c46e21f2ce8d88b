"""``hubspot-simulator sweep``: a program again for each of its calls."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from hubspot_simulator.runner.shared_clock import NoFakeClock, fake_clock

COMMAND = [sys.executable, "-m", "hubspot_simulator", "sweep"]
TWO_CALLS = """
import os, sys, urllib.error, urllib.request

def call(path):
    headers = {"Authorization": "Bearer " + os.environ["HUBSPOT_ACCESS_TOKEN"]}
    request = urllib.request.Request("https://api.hubapi.com/crm/v3/objects/" + path, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        print(path, answer.status)
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Sweep a program to its end, or a Python script."""

    def sweep(command: str | Sequence[object], *options: str) -> subprocess.CompletedProcess[str]:
        if isinstance(command, str):
            script = tmp_path / "child.py"
            script.write_text(textwrap.dedent(command), encoding="utf-8")
            command = [sys.executable, script]
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        done = subprocess.run(
            [*COMMAND, *options, "--", *map(str, command)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=110,
            env={**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary), "PYTHONIOENCODING": "utf-8"},
        )
        assert [path.name for path in temporary.iterdir() if path.name.startswith("hubspot-simulator-")] == []
        return done

    return sweep


def table(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """Return the call and the result of each point."""
    rows = re.findall(r"^([a-z0-9-]+-\d+) {2,}(\S+ \S+)? {2,}(\S.*)$", done.stderr, re.M)
    return {point: (call, result) for point, call, result in rows}


def failed(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [point for point, (_, result) in table(done).items() if result.startswith("FAILED")]


OFFICIAL_PYTHON = """
import os

from hubspot import HubSpot

CLIENT = HubSpot(access_token=os.environ["HUBSPOT_ACCESS_TOKEN"], **eval(os.environ.get("WHERE", "{}")))

def refreshing(call):
    try:
        return call()
    except Exception as error:
        if getattr(error, "status", None) != 401:
            raise
        tokens = CLIENT.oauth.tokens_api.create(
            grant_type="refresh_token", client_id=os.environ["HUBSPOT_CLIENT_ID"],
            client_secret=os.environ["HUBSPOT_CLIENT_SECRET"], refresh_token=os.environ["HUBSPOT_REFRESH_TOKEN"])
        CLIENT.access_token = tokens.access_token
        return call()

def main():
    refreshing(lambda: CLIENT.crm.contacts.basic_api.get_page(limit=1))
    CLIENT.crm.companies.basic_api.get_page(limit=1)  # the one that was forgotten
    refreshing(lambda: CLIENT.crm.deals.basic_api.get_page(limit=1))
"""
OFFICIAL_NODE = """
const { Client } = require('@hubspot/api-client');
const env = process.env;
const client = new Client({ accessToken: env.HUBSPOT_ACCESS_TOKEN });
const refreshing = async (call) => {
  try {
    return await call();
  } catch (error) {
    if (error.code !== 401) throw error;
    const answer = await client.oauth.tokensApi.create(
      'refresh_token', undefined, undefined,
      env.HUBSPOT_CLIENT_ID, env.HUBSPOT_CLIENT_SECRET, env.HUBSPOT_REFRESH_TOKEN);
    client.setAccessToken(answer.accessToken);
    return await call();
  }
};
(async () => {
  await refreshing(() => client.crm.contacts.basicApi.getPage(1));
  await client.crm.companies.basicApi.getPage(1); // the one that was forgotten
  await refreshing(() => client.crm.deals.basicApi.getPage(1));
})();
"""
RESULTS = {
    "expired-before-1": ("GET /crm/v3/objects/contacts", "passed"),
    "expired-before-2": ("GET /crm/v3/objects/companies", "FAILED: exit status 1; no-refresh-after-expiry"),
    "expired-before-3": ("GET /crm/v3/objects/deals", "passed"),
}


class TestPrograms:
    """One that forgets to refresh on its second path: found by the same names in any language, and in pytest."""

    def test_python(self, sweep) -> None:
        done = sweep(OFFICIAL_PYTHON + "\nmain()\n")
        assert (done.returncode, table(done)) == (1, RESULTS)

    def test_node(self, sweep, node_modules: Path) -> None:
        script = node_modules / "sweep.js"
        script.write_text(OFFICIAL_NODE, encoding="utf-8")
        done = sweep([shutil.which("node"), script])
        assert (done.returncode, table(done)) == (1, RESULTS)

    def test_pytest(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(script=OFFICIAL_PYTHON)
        pytester.makepyfile(
            """
            import sys
            import pytest

            @pytest.mark.hubspot_sweep(calls=3)
            def test_main(hubspot_sim, hubspot_app, hubspot_installation, monkeypatch):
                monkeypatch.setenv("WHERE", repr({"host": hubspot_sim.url}))
                monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_installation.access_token)
                monkeypatch.setenv("HUBSPOT_REFRESH_TOKEN", hubspot_installation.refresh_token)
                monkeypatch.setenv("HUBSPOT_CLIENT_ID", hubspot_app.client_id)
                monkeypatch.setenv("HUBSPOT_CLIENT_SECRET", hubspot_app.client_secret)
                sys.modules.pop("script", None)
                import script

                script.main()
            """
        )
        result = pytester.runpytest_subprocess("-p", "no:randomly")
        result.assert_outcomes(passed=3, failed=1)
        result.stdout.fnmatch_lines(
            ["*::test_main: fails when GET /crm/v3/objects/companies is hit (expired-before-2)"]
        )


class TestOutput:
    def test_everything_that_is_said(self, sweep) -> None:
        done = sweep(OFFICIAL_PYTHON + "\nmain()\nprint('done')\n")
        assert done.stdout == "done\n"  # of the run without a fault
        lines = done.stderr.splitlines()
        assert lines[:5] == [
            "sweep: 3 authenticated calls without a fault; 3 points to try",
            "sweep: 1 of 3: expired-before-1: passed",
            "sweep: 2 of 3: expired-before-2: FAILED: exit status 1; no-refresh-after-expiry",
            "sweep: 3 of 3: expired-before-3: passed",
            "",
        ]
        assert lines[5:10] == [
            "point             call                           result",
            "plain                                            passed, 3 authenticated calls",
            "expired-before-1  GET /crm/v3/objects/contacts   passed",
            "expired-before-2  GET /crm/v3/objects/companies  FAILED: exit status 1; no-refresh-after-expiry",
            "expired-before-3  GET /crm/v3/objects/deals      passed",
        ]
        assert lines[11] == (
            "expired-before-2: GET /crm/v3/objects/companies (call 2): the access token had expired: "
            "HubSpot's clock passed the expiry just before the response to call 1 was released."
        )
        assert "  error: no-refresh-after-expiry" in lines
        assert any(line.startswith("  | ") and "UnauthorizedException" in line for line in lines)
        assert lines[-1] == "2 of 3 points passed; failed: expired-before-2"

    def test_a_program_that_survives_everything(self, sweep) -> None:
        done = sweep(OFFICIAL_PYTHON.replace("    CLIENT.crm.companies", "    refreshing(CLIENT.crm.companies") + "\n")
        assert done.returncode == 1  # it never calls main()
        right = OFFICIAL_PYTHON.replace(
            "    CLIENT.crm.companies.basic_api.get_page(limit=1)",
            "    refreshing(lambda: CLIENT.crm.companies.basic_api.get_page(limit=1))",
        )
        done = sweep(right + "\nmain()\n", "--kind", "expiry", "--kind", "revoked", "--stride", "2")
        assert done.returncode == 0, done.stderr
        assert failed(done) == []
        assert list(table(done)) == ["expired-before-1", "expired-before-3", "revoked-before-1", "revoked-before-3"]
        assert done.stderr.endswith("4 of 4 points passed\n--stride 2: 1 of 3 calls not tried\n")

    def test_a_read_has_no_answer_to_lose(self, sweep) -> None:
        done = sweep(TWO_CALLS + "call('contacts')", "--kind", "answer_lost")
        assert (done.returncode, table(done)["answer-lost-of-1"][1]) == (
            0,
            "not applicable: call 1 (GET /crm/v3/objects/contacts) writes nothing: there is nothing to lose",
        )

    def test_findings_can_fail_a_point(self, sweep) -> None:
        script = TWO_CALLS + "try: call('contacts')\nexcept Exception as error: print(error)"
        done = sweep(script)
        assert (done.returncode, table(done)["expired-before-1"][1]) == (0, "passed; no-refresh-after-expiry")
        done = sweep(script, "--fail-on", "error")
        assert (done.returncode, table(done)["expired-before-1"][1]) == (1, "FAILED: no-refresh-after-expiry")


BY_THE_CLOCK = """
import json, os, sys, time, urllib.parse, urllib.request

tokens = {"access": os.environ["HUBSPOT_ACCESS_TOKEN"], "expires_at": int(os.environ["HUBSPOT_EXPIRES_AT"])}

def send(path, data=None):
    headers = {"Authorization": "Bearer " + tokens["access"]} if data is None else {}
    request = urllib.request.Request("https://api.hubapi.com" + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)

for kind in "contacts", "companies":
    if time.time() >= tokens["expires_at"]:
        names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")
        form = {name.lower(): os.environ["HUBSPOT_" + name] for name in names}
        answer = send("/oauth/v1/token", urllib.parse.urlencode({**form, "grant_type": "refresh_token"}).encode())
        tokens.update(access=answer["access_token"], expires_at=time.time() + answer["expires_in"])
    send("/crm/v3/objects/" + kind)
"""


class TestClock:
    def test_a7_one_that_looks_at_its_clock_passes_when_that_follows(self, sweep) -> None:
        try:
            fake_clock(timedelta(), {})
        except NoFakeClock as error:
            pytest.skip(str(error))
        done = sweep(BY_THE_CLOCK, "--child-clock", "follow", "--fail-on", "error")
        assert (done.returncode, failed(done)) == (0, []), done.stderr
        assert failed(sweep(BY_THE_CLOCK)) == ["expired-before-1", "expired-before-2"]


FETCHES_FIRST = """
import json, os, sys, urllib.error, urllib.parse, urllib.request

def fetch():
    names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")
    form = {name.lower(): os.environ["HUBSPOT_" + name] for name in names}
    data = urllib.parse.urlencode({**form, "grant_type": "refresh_token"}).encode()
    with urllib.request.urlopen("https://api.hubapi.com/oauth/v1/token", data, timeout=20) as answer:
        return json.load(answer)["access_token"]

def call(kind):
    global token
    for attempt in range(2):
        headers = {"Authorization": "Bearer " + token}
        request = urllib.request.Request("https://api.hubapi.com/crm/v3/objects/" + kind, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=20).close()
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code != 401 or attempt:
                raise
            token = fetch()

token = fetch()
call("contacts")
call("companies")
"""


class TestNothingHit:
    """A14: a point that hits nothing does not say that it passed."""

    def test_a14_a_program_that_fetches_its_own_token_first(self, sweep) -> None:
        done = sweep(FETCHES_FIRST)
        assert (done.returncode, table(done)) == (
            0,
            {
                "expired-before-1": (
                    "GET /crm/v3/objects/contacts",
                    "not applicable: a token is always fetched before call 1, so no token in use had expired; "
                    "the kind server_only hits the fetched token",
                ),
                "expired-before-2": ("GET /crm/v3/objects/companies", "passed"),
            },
        )
        assert done.stderr.splitlines()[-1] == "1 of 2 points passed; not applicable: 1"

    def test_a14_the_kind_that_is_named_hits_it(self, sweep) -> None:
        done = sweep(FETCHES_FIRST, "--kind", "server_only", "--kind", "in_flight", "--kind", "revoked")
        assert [result for _, result in table(done).values()] == ["passed"] * 6

    def test_a14_one_that_fetches_a_token_for_each_call(self, sweep) -> None:
        done = sweep(FETCHES_FIRST.replace('call("companies")', 'token = fetch(); call("companies")'))
        assert [result.partition(":")[0] for _, result in table(done).values()] == ["not applicable"] * 2

    def test_a14_one_that_fetches_a_token_because_of_the_expiry_passes(self, sweep) -> None:
        script = FETCHES_FIRST.replace("token = fetch()\ncall", 'token = os.environ["HUBSPOT_ACCESS_TOKEN"]\ncall')
        assert [result for _, result in table(sweep(script)).values()] == ["passed"] * 2


class TestJson:
    def test_d6_what_the_table_says_as_json(self, sweep, tmp_path: Path) -> None:
        file = tmp_path / "sweep.json"
        done = sweep(OFFICIAL_PYTHON + "\nmain()\n", "--json", str(file))
        found = json.loads(file.read_text("utf-8"))
        assert {name: found[name] for name in ("version", "command", "outcome", "totals", "calls")} == {
            "version": 1,
            "command": "sweep",
            "outcome": "failed",
            "totals": {"passed": 2, "failed": 1, "not_applicable": 0},
            "calls": 3,
        }
        assert [(point["point"], point["target"], point["outcome"]) for point in found["points"]] == [
            ("expired-before-1", "GET /crm/v3/objects/contacts", "passed"),
            ("expired-before-2", "GET /crm/v3/objects/companies", "failed"),
            ("expired-before-3", "GET /crm/v3/objects/deals", "passed"),
        ]
        point = found["points"][1]
        assert (point["kind"], point["call"], point["exit_status"]) == ("expiry", 2, 1)
        assert [finding["id"] for finding in point["findings"]] == ["no-refresh-after-expiry"]
        assert point["reason"] in done.stderr
        assert "UnauthorizedException" in point["output"]

    def test_d6_a_file_that_cannot_be_written(self, sweep, tmp_path: Path) -> None:
        done = sweep("", "--json", str(tmp_path / "none" / "sweep.json"))
        assert done.returncode == 2
        assert "sweep.json': expected a file in an existing folder" in done.stderr


class TestWrong:
    @pytest.mark.parametrize(
        ("script", "said"),
        [
            (
                "import sys; sys.exit(3)",
                "failed without a fault (exit status 3): nothing to sweep",
            ),
            ("print('nothing')", "the program made no authenticated calls: nothing to sweep"),
        ],
    )
    def test_nothing_to_sweep(self, sweep, script: str, said: str) -> None:
        done = sweep(script)
        assert done.returncode == 1
        assert said in done.stderr
        assert "none: the program did not connect to HubSpot (hubspot-simulator explain languages)" in done.stderr

    def test_no_such_program(self, sweep) -> None:
        done = sweep(["./no-such-program"])
        assert done.returncode == 127
        assert "cannot start ./no-such-program: No such file or directory" in done.stderr

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--kind", "expire", "--", "true"], "argument --kind: invalid choice: 'expire' (choose from "),
            (["--stride", "0", "--", "true"], "argument --stride: '0': expected a whole number, 1 or higher"),
            (["--timeout", "soon", "--", "true"], "argument --timeout: 'soon': expected a number of seconds above 0"),
            (["--timeout", "-1", "--", "true"], "argument --timeout: '-1': expected a number of seconds above 0"),
            (["true"], "put -- before the program: hubspot-simulator sweep [options] -- true"),
            (["--strid", "2", "--wat", "--", "true"], "unrecognized arguments: --wat"),
            ([], "sweep needs a program: hubspot-simulator sweep [options] -- PROGRAM [ARGUMENTS ...]"),
        ],
    )
    def test_options(self, options: list[str], said: str) -> None:
        done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert said in done.stderr

    def test_a_program_that_hangs_at_a_point(self, sweep) -> None:
        script = TWO_CALLS + "import time\ntry: call('contacts')\nexcept Exception: time.sleep(60)"
        done = sweep(script, "--timeout", "3")
        assert (done.returncode, table(done)["expired-before-1"][1].partition(";")[0]) == (
            1,
            "FAILED: timed out",
        )

    def test_a_program_that_hangs_by_itself(self, sweep) -> None:
        done = sweep("import time; time.sleep(60)", "--timeout", "1")
        assert done.returncode == 1
        assert "sweep: the program timed out after 1 s without a fault: nothing to sweep" in done.stderr

    @pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
    def test_a_signal_ends_the_sweep(self, tmp_path: Path) -> None:
        script = TWO_CALLS + (
            "import time\ntry: call('contacts')\nexcept Exception:\n"
            "    open(sys.argv[1], 'w').close()\n    for _ in range(600): time.sleep(0.1)\n"
        )
        mark = tmp_path / "mark"
        with subprocess.Popen(
            [*COMMAND, "--", sys.executable, "-c", script, str(mark)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                while not mark.exists():
                    assert process.poll() is None
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode == 128 + signal.SIGINT
        assert said.splitlines()[-1] == "sweep: stopped by signal SIGINT"
