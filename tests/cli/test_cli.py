"""``hubspot-simulator`` as a process."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from hubspot_simulator import __version__, links
from hubspot_simulator.cli import main

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "hubspot_simulator"]
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )


class Serving:
    """A running ``serve`` and what it printed first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.banner = ""
        for line in process.stdout:
            self.banner += line
            if "grant_type=refresh_token" in line:
                break
        found = re.search(r"HubSpot simulator at (\S+)", self.banner)
        assert found, self.banner
        self.url = found[1]

    def field(self, name: str) -> str:
        found = re.search(rf"^  {name} +(\S+)", self.banner, re.MULTILINE)
        assert found
        return found[1]

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit status and what was printed since the banner."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


@contextmanager
def serving(*arguments: str, before: tuple[str, ...] = (), **environment: str) -> Iterator[Serving]:
    process = subprocess.Popen(
        [*before, *COMMAND, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**BUFFERED, "PYTHONIOENCODING": "utf-8", **environment},
    )
    try:
        yield Serving(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def call(url: str, token: str | None = None, data: bytes | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.loads(answer.read())


class TestServe:
    @POSIX
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_signal_ends_it_cleanly(self, name: str) -> None:
        with serving() as server:
            assert call(f"{server.url}/_simulator/health")[1]["status"] == "ok"
            status, output = server.end(getattr(signal, name))
        assert status == 0
        assert re.fullmatch(r"#1 \S+ GET /_simulator/health 200: \S.*\nstopped after 1 requests?\n", output)

    @POSIX
    def test_a_killed_terminal_ends_it(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # or it inherits the nohup of a run of the tests
        with ExitStack() as stack:
            stack.callback(signal.signal, signal.SIGHUP, before)
            server = stack.enter_context(serving())
            assert server.process.stdout is not None
            server.process.stdout.close()  # nobody reads any more
            assert call(f"{server.url}/_simulator/health")[0] == 200
            server.process.send_signal(signal.SIGHUP)
            assert server.process.wait(timeout=30) == 0

    @POSIX
    def test_nohup_keeps_it(self) -> None:
        command = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")  # what nohup does, but for the output
        with serving(before=command) as server:
            server.process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):  # it would end at once
                server.process.wait(timeout=2)
            assert call(f"{server.url}/_simulator/health")[0] == 200
            status, output = server.end(signal.SIGTERM)
        assert status == 0
        assert output.endswith("stopped after 1 request\n")

    def test_the_credentials_work_and_the_log_says_why(self) -> None:
        with serving("--clock", "standing") as server:
            token = server.field("access token")
            contacts = f"{server.url}/crm/v3/objects/contacts"
            assert call(contacts, token) == (200, {"results": []})
            moved = call(f"{server.url}/_simulator/clock/advance", data=b'{"minutes": 31}')[1]
            assert moved["offset_ms"] == 31 * 60_000
            status, body = call(contacts, token)
            assert (status, body["message"]) == (
                401,
                "The OAuth token used to make this call expired 60 second(s) ago.",
            )
            assert server.process.stdout is not None
            lines = [server.process.stdout.readline() for _ in range(4)]  # the first ends the banner
            assert "expired 60 s ago on the simulator's clock; no newer token was issued" in lines[3]
            assert token not in "".join(lines)

    @pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
    def test_the_curl_lines_work_when_pasted(self) -> None:
        with serving() as server:
            lines = [line.strip() for line in server.banner.splitlines() if line.startswith("  curl ")]
            assert len(lines) == 3
            answers = [
                json.loads(subprocess.run(shlex.split(line), capture_output=True, timeout=30).stdout) for line in lines
            ]
        assert answers[0] == {"results": []}
        assert answers[1]["offset_ms"] == 31 * 60_000
        assert answers[2]["expires_in"] == 1800

    def test_the_settings_reach_the_simulator(self) -> None:
        with serving("--token-ttl", "60", "--wire", "short", "--random-seed", "a", "--clock", "standing") as server:
            first = server.field("client id")
            token = server.field("access token")
            call(f"{server.url}/_simulator/clock/advance", data=b'{"seconds": 61}')
            assert list(call(f"{server.url}/crm/v3/objects/deals", token)[1]) == ["status", "message", "category"]
        with serving(HUBSPOT_SIMULATOR_RANDOM_SEED="a") as server:
            assert server.field("client id") == first
            assert "--random-seed" not in server.banner

    def test_c1_two_serves_have_different_credentials_and_the_printed_option_makes_them_last(self) -> None:
        names = ("client id", "client secret", "refresh token", "access token")
        with serving("--clock", "standing") as server:
            first = [server.field(name) for name in names]
            command = re.search(r"^  hubspot-simulator (serve --random-seed \S+)$", server.banner, re.MULTILINE)
            assert command
        with serving("--clock", "standing") as server:
            assert not {server.field(name) for name in names} & set(first)
        with serving(*command[1].split()[1:]) as server:
            assert [server.field(name) for name in names[:3]] == first[:3]

    def test_c1_an_old_refresh_token_is_said_to_be_of_another_seed(self) -> None:
        app = ("--client-id", "my-id", "--client-secret", "my-secret")
        with serving(*app) as server:
            old = server.field("refresh token")
        with serving(*app) as server:
            form = f"grant_type=refresh_token&client_id=my-id&client_secret=my-secret&refresh_token={old}"
            assert call(f"{server.url}/oauth/v1/token", data=form.encode())[1]["status"] == "BAD_REFRESH_TOKEN"
            assert server.process.stdout is not None
            lines = [server.process.stdout.readline() for _ in range(2)]
        assert "random seed differs (serve draws a new one at each start unless --random-seed is given)" in lines[1]

    @pytest.mark.parametrize(
        ("host", "said"),
        [
            ("0.0.0.0", "Anyone on this machine's networks can call it"),
            ("127.0.0.1", None),
            ("127.0.0.2", None),
            ("localhost", None),
        ],
    )
    def test_c1_the_banner_says_who_can_reach_it(self, host: str, said: str | None) -> None:
        if host == "127.0.0.2" and sys.platform == "darwin":
            pytest.skip("macOS has 127.0.0.1 alone")
        with serving("--host", host) as server:
            assert ("Anyone" in server.banner) == (said is not None)
            assert said is None or said in server.banner
            assert call(f"{server.url}/_simulator/health")[0] == 200

    @pytest.mark.parametrize(
        ("host", "who"),
        [
            ("::", "on this machine's networks"),
            ("192.0.2.7", "who can reach 192.0.2.7"),
            ("devbox", "who can reach devbox"),
            ("::1", ""),
        ],
    )
    def test_c1_who_can_reach_each_kind_of_address(self, host: str, who: str) -> None:
        from hubspot_simulator.cli.banner import network_warning

        assert network_warning(host).startswith(f"Anyone {who}" if who else "")
        assert bool(network_warning(host)) == bool(who)

    def test_d1_my_app_is_the_one_that_is_served(self) -> None:
        app = ("--client-id", "my-id", "--client-secret", "my-secret", "--scopes", "oauth,tickets")
        uris = ("--redirect-uri", "https://a.example.com/cb", "--redirect-uri", "https://b.example.com/cb")
        with serving(*app, *uris, "--optional-scopes", "files", "--consent", "auto") as server:
            assert (server.field("client id"), server.field("client secret")) == ("my-id", "my-secret")
            for uri in uris[1::2]:
                assert uri in server.banner
                query = f"client_id=my-id&redirect_uri={uri}&scope=oauth%20tickets&optional_scope=files"
                host, port = server.url.removeprefix("http://").split(":")
                for _ in range(2):
                    connection = HTTPConnection(host, int(port), timeout=30)
                    connection.request("GET", f"/oauth/authorize?{query}")
                    answer = connection.getresponse()
                    assert (answer.status, (answer.headers["Location"] or "").partition("?")[0]) == (302, uri)
                    connection.close()
                    call(f"{server.url}/_simulator/reset", data=b"")

    def test_it_listens_on_loopback_only_unless_told(self) -> None:
        with serving() as server:
            assert server.url.startswith("http://127.0.0.1:")

    def test_a_taken_port_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("serve", "--port", str(port))
        assert done.returncode == 1
        assert done.stdout == ""
        assert re.fullmatch(rf"hubspot-simulator: .*{port}.*in use.*0 for a free one.*\n", done.stderr)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ["serve", "--token-ttl", "soon"],
                "argument --token-ttl: token_ttl='soon': expected an integer from 1",
            ),
            (["serve", "--wire", "long"], "argument --wire: wire='long': expected one of: recorded, short"),
            (["serve", "--port", "99999"], "port='99999': expected an integer from 0 to 65535"),
            (["serve", "--clock", "stopped"], "argument --clock: invalid choice: 'stopped'"),
            (["serve", "--tokenttl", "5"], "unrecognized arguments: --tokenttl 5"),
            (["sevre"], "invalid choice: 'sevre'"),
            ([], "the following arguments are required: COMMAND"),
        ],
    )
    def test_a_wrong_argument_is_named(self, arguments: list[str], message: str) -> None:
        done = run(*arguments)
        assert done.returncode == 2
        assert message in done.stderr

    def test_it_prints_its_version(self) -> None:
        done = run("--version")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"hubspot-simulator {__version__}\n", "")

    @pytest.mark.parametrize("url", ["", "https://code.example/project"])
    def test_the_help_ends_with_a_link_only_if_there_is_an_address(
        self, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(links, "PROJECT_URL", url)
        with pytest.raises(SystemExit):
            main(["--help"])
        assert ("Project: " in capsys.readouterr().out) == bool(url)

    def test_a_wrong_environment_variable_is_named(self) -> None:
        done = run("serve", HUBSPOT_SIMULATOR_TOKN_TTL="5")
        assert done.returncode == 2
        assert (
            "environment variable HUBSPOT_SIMULATOR_TOKN_TTL: unknown setting 'tokn_ttl' (did you mean" in done.stderr
        )
        assert done.stderr.endswith("; the nearest variable is HUBSPOT_SIMULATOR_TOKEN_TTL\n")

    def test_d6_a_misspelt_option_is_refused_with_the_nearest(self) -> None:
        for given, meant in (("--tokenttl=5", "--token-ttl"), ("--expire-aftr", "--expire-after")):
            done = run("run", given, "1", "--", "true")
            assert done.returncode == 2
            assert done.stderr.rstrip().endswith(f"(did you mean {meant}?)")

    def test_d1_a_variable_about_tests_is_refused(self) -> None:
        for name in ("STRICT", "GUARD"):
            done = run("serve", **{f"HUBSPOT_SIMULATOR_{name}": "true"})
            assert done.returncode == 2
            assert f"applies to pytest only: set PYTEST_HUBSPOT_{name}" in done.stderr

    @pytest.mark.parametrize("command", [["demo"], ["run", "--", sys.executable, "-c", ""]])
    def test_d1_variables_of_pytest_have_no_effect_and_the_command_line_says_so(self, command: list[str]) -> None:
        done = run(
            *command, PYTEST_HUBSPOT_TOKEN_TTL="garbage", HUBSPOT_SIMULATOR_WIRE="short", PYTEST_HUBSPOT_WIRE="x"
        )
        assert done.returncode == 0
        said = [line for line in done.stderr.splitlines() if "is for pytest" in line]
        assert said == [
            "hubspot-simulator: PYTEST_HUBSPOT_TOKEN_TTL is for pytest and has no effect here: "
            "set HUBSPOT_SIMULATOR_TOKEN_TTL"
        ]

    @pytest.mark.parametrize("command", ["serve", "run", "sweep", "reproduce", "demo"])
    def test_the_help_begins_with_what_the_command_does(self, command: str) -> None:
        _, what, *_ = run(command, "--help", COLUMNS="80").stdout.split("\n\n")
        assert re.match(r"(Serve|Run|Show) ", what)
        assert what.count("hubspot-simulator") == (command in ("run", "sweep", "reproduce"))

    @pytest.mark.parametrize("command", ["serve", "run", "sweep"])
    def test_d6_the_help_lists_the_valid_values_of_every_setting_in_groups(self, command: str) -> None:
        from hubspot_simulator.settings import GROUPS, SETTINGS

        text = run(command, "--help", COLUMNS="100").stdout
        left_out = {"strict", "guard"} | ({"fail_on"} if command == "serve" else set())
        flat = " ".join(text.split())
        titles = [title for title, names in GROUPS.items() if set(names) - left_out]
        assert [line[:-1] for line in text.splitlines() if line.endswith(":") and line[:-1] in GROUPS] == titles
        for name, setting in SETTINGS.items():
            assert (f"--{name.replace('_', '-')} VALUE" in flat) == (name not in left_out)
            if name not in left_out:
                assert f"{setting.help} (values: {setting.valid}; default: " in flat
        seed = "random at each start" if command == "serve" else "0"
        assert f"seed from which ids and tokens are derived (values: non-empty text; default: {seed})" in flat


class TestDemo:
    def test_it_tells_the_story(self) -> None:
        done = run("demo")
        assert (done.returncode, done.stderr) == (0, "")
        story = done.stdout
        for expected in (
            "POST /oauth/v1/token -> 200, an access token for 1800 seconds",
            "35 minutes pass.",
            "HTTP/1.1 401 Unauthorized",
            '{"status":"error","message":"The OAuth token used to make this call expired 5 minute(s) ago.",'
            '"correlationId":"',
            '{"status": "error", "message": "The OAuth token used to make this call expired 5 minute(s) ago.", '
            '"category": "EXPIRED_AUTHENTICATION"}',
            "6. The call works again.\n   GET /crm/v3/objects/contacts -> 200",
            "expired 300 s ago on the simulator's clock; no newer token was issued",
        ):
            assert expected in story

    def test_from_a_bare_checkout(self) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "simulator"), "--help"], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0
        assert "demo" in done.stdout
