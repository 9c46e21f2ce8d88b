"""``hubspot-simulator run``: what surrounds the program."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hubspot_simulator.cli import main
from hubspot_simulator.cli.run import add_options
from hubspot_simulator.runner import child_process, clock_schedule, environment, shared_clock

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, terminals and file modes of POSIX")
COMMAND = [sys.executable, "-m", "hubspot_simulator", "run"]
ROOT = Path(__file__).resolve().parents[2]
CALL = """
import os, sys, urllib.error, urllib.request

def call(token=os.environ["HUBSPOT_ACCESS_TOKEN"], path="/crm/v3/objects/contacts", host="https://api.hubapi.com"):
    request = urllib.request.Request(host + path, headers={"Authorization": "Bearer " + token})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
"""


CONTACTS = "/crm/v3/objects/contacts"
BY_THE_CLOCK = """
import json, os, time, urllib.parse, urllib.request

class tokens:
    access = os.environ["HUBSPOT_ACCESS_TOKEN"]
    expires_at = int(os.environ["HUBSPOT_EXPIRES_AT"])

def send(path, data=None):
    headers = {"Authorization": "Bearer " + tokens.access} if data is None else {}
    request = urllib.request.Request("https://api.hubapi.com" + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)

def call_in_time():
    if time.time() >= tokens.expires_at:
        names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")
        form = {name.lower(): os.environ["HUBSPOT_" + name] for name in names}
        form = urllib.parse.urlencode({**form, "grant_type": "refresh_token"})
        answer = send("/oauth/v1/token", form.encode())
        tokens.access, tokens.expires_at = answer["access_token"], time.time() + answer["expires_in"]
    send("/crm/v3/objects/contacts")

"""


def needs_libfaketime() -> None:
    try:
        shared_clock.fake_clock(clock_schedule.read_duration("31m"), {})
    except shared_clock.NoFakeClock as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("status", [0, 3, 255])
def test_the_status_is_the_programs(python, status: int) -> None:
    ran = python(f"import sys; sys.exit({status})")
    assert (ran.status, ran.output) == (status, "")
    assert "none: the program did not connect to HubSpot" in ran.report


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--fail-on", "error"), 1), (("--fail-on", "off"), 0)])
def test_the_audit_speaks_at_the_end_and_may_decide(python, options: tuple[str, ...], status: int) -> None:
    ran = python(CALL + "print(call(), call())", "--expire-after", "1", *options)
    assert (ran.status, ran.output) == (status, "200 401\n")
    assert "2 requests, 1 refused\n\nerror: no-refresh-after-expiry\n" in ran.report
    assert ran.report.endswith("  More: hubspot-simulator explain no-refresh-after-expiry\n")


def test_a_program_that_fails_keeps_its_status(python) -> None:
    ran = python(CALL + "call(); call(); sys.exit(3)", "--expire-after", "1", "--fail-on", "error")
    assert ran.status == 3


@POSIX
def test_a_signals_status_is_as_in_a_shell(python) -> None:
    assert python("import os; os.kill(os.getpid(), 9)").status == 128 + 9


@pytest.mark.parametrize("program", ["no-such-program", os.curdir])
def test_a_program_that_cannot_be_started(run, program: str) -> None:
    ran = run([program])
    assert (ran.status, ran.output) == (127, "")
    assert re.fullmatch(rf"hubspot-simulator: cannot start {re.escape(program)}: \S.*\n", ran.report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "run needs a program: hubspot-simulator run [options] -- PROGRAM [ARGUMENTS ...]"),
        (["--token-ttl", "5", "--"], "run needs a program"),
        (["--token-ttl", "soon", "--", "true"], "expected an integer from 1"),
        (["--expire-after", "-1", "--", "true"], "expected"),
        (["--expire-after", "often", "--", "true"], "'often': expected a number of calls"),
        (["--advance-after", "31m", "--", "true"], "expected a number of calls and a duration, as in 3:31m"),
        (["--advance-after", "3:soon", "--", "true"], "'soon' is not a duration"),
        (["--child-clock", "1y", "--", "true"], "'1y' is not a duration"),
        (["true"], "put -- before the program: hubspot-simulator run [options] -- true"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("PYTEST_HUBSPOT_", "HUBSPOT_SIMULATOR_")):
            monkeypatch.delenv(name)
    with pytest.raises(SystemExit) as end:
        main(["run", *arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_the_programs_options_are_its_own(python) -> None:
    ran = python("import sys; print(sys.argv[1:])")
    assert ran.output == "[]\n"


def test_its_streams_are_its_own(python) -> None:
    script = "import sys; print(sys.stdin.read().upper()); print('said', file=sys.stderr)"
    ran = python(script, stdin="asked")
    assert ran.output == "ASKED\n"
    assert ran.report.startswith("said\n\nRequests to HubSpot and its responses:")


def test_the_report_says_what_was_asked_and_keeps_the_secrets(python) -> None:
    secret = ("ACCESS_TOKEN", "REFRESH_TOKEN", "CLIENT_SECRET")
    ran = python(
        CALL
        + "token = os.environ['HUBSPOT_REFRESH_TOKEN']\n"
        + "call(); call(path='/oauth/v1/refresh-tokens/' + token)\n"
        + "call('x'); call(path='/nowhere?access_token=' + token)\n"
        + f"print(*[os.environ['HUBSPOT_' + name] for name in {secret}])"
    )
    values = ran.output.split()
    assert len(values) == 3
    assert [value for value in values if value in ran.report] == []
    assert [status for *_, status in ran.exchanges] == [200, 200, 401, 404]
    assert "4 requests, 2 refused\n\nerror: not-an-access-token\n" in ran.report


def test_d6_what_the_report_says_as_json(python, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    script = (
        CALL
        + "call(); call(); call(host='http://example.com'); call(path='/x?access_token=' + 'CKP9' * 9)\nsys.exit(3)"
    )
    ran = python(script, "--expire-after", "1", "--json", str(file))
    assert ran.status == 3
    found = json.loads(file.read_text("utf-8"))
    assert {
        name: found[name] for name in ("version", "command", "outcome", "exit_status", "totals", "not_let_out")
    } == {
        "version": 1,
        "command": "run",
        "outcome": "failed",
        "exit_status": 3,
        "totals": {"requests": 3, "refused": 2},
        "not_let_out": {"example.com:80": 1},
    }
    assert found["program"][0] == sys.executable
    assert [(one["number"], one["method"], one["status"]) for one in found["exchanges"]] == [
        (1, "GET", 200),
        (2, "GET", 401),
        (3, "GET", 404),
    ]
    assert [finding["id"] for finding in found["findings"]] == ["no-refresh-after-expiry"]
    assert found["clock_moves"][0]["after"] == 1
    assert found["connections_without_a_request"] == []
    assert "CKP9" * 9 not in file.read_text("utf-8")


def test_d6_a_file_that_cannot_be_written_is_named(python, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ran = python(f"import os; os.rmdir({str(folder)!r})", "--json", str(folder / "run.json"))
    assert ran.status == 1
    assert "cannot write " in ran.report
    assert "run.json: No such file or directory" in ran.report


def test_a_host_that_is_not_hubspots_is_not_let_out(python) -> None:
    ran = python(CALL + "call()\nprint(call(host='http://example.com'))")
    assert ran.output == "403\n"
    assert "blocked: example.com:80, 1 time; allow it with --allow example.com" in ran.report
    assert ran.exchanges == [("GET", "/crm/v3/objects/contacts", 200)]


def test_https_to_such_a_host_neither(python) -> None:
    ran = python(CALL + "try:\n    call(host='https://example.com')\nexcept OSError as error:\n    print(error)")
    assert "403" in ran.output
    assert "blocked: example.com:443, 1 time" in ran.report


def test_the_base_url_works_too(python) -> None:
    ran = python(
        CALL
        + "url = os.environ['HUBSPOT_SIMULATOR_URL']\n"
        + "assert url == os.environ['HUBSPOT_BASE_URL'] == os.environ['HUB_SPOT_BASE_URL']\nprint(call(host=url))"
    )
    assert ran.output == "200\n"


class TestTime:
    def statuses(self, python, count: int, *options: str) -> tuple[list[str], str]:
        ran = python(CALL + f"print(*[call() for _ in range({count})])", *options)
        return ran.output.split(), ran.report

    def test_the_token_expires_after_so_many_calls(self, python) -> None:
        statuses, report = self.statuses(python, 4, "--expire-after", "2", "--token-ttl", "5")
        assert statuses == ["200", "200", "401", "401"]
        assert "  -- after 2 authenticated calls, the token expired: the simulator's clock moved by 0:00:0" in report

    def test_it_may_be_dead_from_the_start(self, python) -> None:
        assert self.statuses(python, 1, "--expire-after", "0")[0] == ["401"]

    def test_the_clock_moves_after_so_many_calls(self, python) -> None:
        options = ("--advance-after", "1:29m", "--advance-after", "2:2m")
        statuses, report = self.statuses(python, 3, *options)
        assert statuses == ["200", "200", "401"]
        assert "  -- after 1 authenticated call, the simulator's clock moved by 0:29:00" in report

    def test_a_life_of_its_own(self, python) -> None:
        ran = python(CALL + "import time\nprint(call()); time.sleep(1.1); print(call())", "--token-ttl", "1")
        assert ran.output.split()[1] == "401"

    def test_a_token_that_does_not_expire(self) -> None:
        from hubspot_simulator import Simulator

        simulator = Simulator()
        schedule = clock_schedule.Schedule(simulator, [0], [])
        before = simulator.clock.offset_ms
        schedule._calls = 0
        schedule._move(7, "pat-na1-1")
        assert schedule.notes[7] == [
            "after 0 authenticated calls, the token of this call never expires, so the simulator's clock was not moved"
        ]
        assert simulator.clock.offset_ms == before

    @pytest.mark.parametrize(
        ("text", "seconds"), [("31m", 1860), ("+31m", 1860), ("-90s", -90), ("1.5h", 5400), ("2d", 172800), ("7", 7)]
    )
    def test_durations(self, text: str, seconds: float) -> None:
        assert clock_schedule.read_duration(text).total_seconds() == seconds

    @pytest.mark.parametrize("text", ["", "m", "31 m", "1w", "-", "1e3", "10001d", "9" * 30 + "d"])
    def test_no_durations(self, text: str) -> None:
        with pytest.raises(ValueError, match="duration"):
            clock_schedule.read_duration(text)

    @POSIX
    def test_the_programs_own_clock(self, python) -> None:
        needs_libfaketime()
        ran = python("import time; time.sleep(0.01); print(time.time())", "--child-clock", "+31m")
        assert 1800 < float(ran.output) - time.time() < 1920

    @POSIX
    def test_a7_a_program_that_computes_the_expiry_refreshes_by_its_own_clock(self, python) -> None:
        needs_libfaketime()
        ran = python(BY_THE_CLOCK + "call_in_time()", "--child-clock", "+31m")
        assert [exchange[1:] for exchange in ran.exchanges] == [("/oauth/v1/token", 200), (CONTACTS, 200)], ran

    @POSIX
    @pytest.mark.parametrize("move", [("--advance-after", "1:31m"), ("--expire-after", "1")])
    def test_a7_both_clocks_move_at_a_call(self, move: tuple[str, str], python) -> None:
        needs_libfaketime()
        script = (
            BY_THE_CLOCK + "call_in_time(); time.sleep(0.01); call_in_time(); print(time.time() - time.monotonic())"
        )
        ran = python(script, *move, "--child-clock", "follow", "--fail-on", "error")
        assert ran.status == 0, ran.report
        assert [exchange[1:] for exchange in ran.exchanges] == [
            (CONTACTS, 200),
            ("/oauth/v1/token", 200),
            (CONTACTS, 200),
        ], ran
        assert "both clocks moved by 0:3" in ran.report
        assert float(ran.output) > time.time() - time.monotonic() + 1500

    def test_a7_what_the_environment_says_of_the_token(self, python) -> None:
        ran = python(
            "import os, time\n"
            "issued, expires = (int(os.environ['HUBSPOT_' + name]) for name in ('TOKEN_ISSUED_AT', 'EXPIRES_AT'))\n"
            "print(expires - issued, 0 <= time.time() - issued < 60)",
            "--token-ttl",
            "77",
        )
        assert ran.output == "77 True\n"

    def test_a7_without_a_lifetime_there_is_no_expiry(self, python) -> None:
        script = "import os; print(*sorted(name for name in os.environ if name.startswith('HUBSPOT_EXPIRES')))"
        assert python(script, "--expires-in", "absent").output == "\n"

    @POSIX
    def test_without_libfaketime_the_package_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(shared_clock, "_PREFIXES", ())
        assert main(["run", "--child-clock", "+31m", "--", "true"]) == 1
        assert "install the package faketime (Debian, Ubuntu)" in capsys.readouterr().err

    @POSIX
    def test_where_libfaketime_is_looked_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "faketime").touch(0o755)
        library = tmp_path / "lib" / "x86_64-linux-gnu" / "faketime" / "libfaketimeMT.so.1"
        library.parent.mkdir(parents=True)
        library.touch()
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setattr(sys, "platform", "linux")
        variables = shared_clock.fake_clock(clock_schedule.read_duration("-5m"), {"LD_PRELOAD": "other.so"})
        assert variables["LD_PRELOAD"] == f"{library}:other.so"
        assert variables["FAKETIME"] == "-300.000"

    def test_windows_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        with pytest.raises(shared_clock.NoFakeClock, match="Windows"):
            shared_clock.fake_clock(clock_schedule.read_duration("1m"), {})


class TestEnvironment:
    def test_certificates_are_for_this_user_only(self, python) -> None:
        ran = python(
            "import os, stat\n"
            "path = os.environ['SSL_CERT_FILE']\n"
            "names = 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'\n"
            "assert all(os.environ[name] == path for name in names)\n"
            "folder = os.path.dirname(path)\n"
            "mode = lambda path: oct(stat.S_IMODE(os.stat(path).st_mode))\n"
            "print(*{mode(os.path.join(folder, name)) for name in os.listdir(folder) if name != 'php'}, mode(folder))\n"
            "assert os.name != 'posix' or mode(os.path.join(folder, 'php')) == '0o700'\n"
            "import certifi, ssl\n"
            "assert certifi.where() == path and certifi.contents() == open(path, errors='replace').read()\n"
            "ssl.create_default_context(cafile=path)\n"
        )
        assert ran.status == 0, ran.report
        if os.name == "posix":
            assert ran.output.split() == ["0o600", "0o700"]

    def test_what_was_there_is_kept(self, python, tmp_path: Path) -> None:
        hidden = tmp_path / "hidden"
        hidden.mkdir()
        (hidden / "sitecustomize.py").write_text("import builtins; builtins.hidden = 'found'")
        extra = tmp_path / "extra.pem"
        extra.write_text("# extra\n")
        ran = python(
            "import os, sys, sitecustomize\n"
            "print(hidden, sitecustomize.__file__)\n"
            "print([entry for entry in sys.path if 'child' in os.path.basename(os.path.dirname(entry))])\n"
            "print(open(os.environ['NODE_EXTRA_CA_CERTS']).read().startswith('# extra'))\n"
            "print(os.environ['NODE_OPTIONS'].endswith(' --no-warnings'), 'ALL_PROXY' in os.environ)\n",
            PYTHONPATH=str(hidden),
            NODE_EXTRA_CA_CERTS=str(extra),
            NODE_OPTIONS="--no-warnings",
            ALL_PROXY="http://127.0.0.1:1",
        )
        assert ran.output.splitlines() == [f"found {hidden / 'sitecustomize.py'}", "[]", "True", "True False"]

    def test_a_program_without_the_network_loads_next_to_nothing(self, python) -> None:
        ran = python(
            "import os, subprocess, sys\n"
            "command = [sys.executable, '-c', 'import sys; print(*sys.modules)']\n"
            "plain = {name: value for name, value in os.environ.items() if name != 'HUBSPOT_SIMULATOR_CHILD'}\n"
            "loaded = [set(subprocess.check_output(command, env=e, text=True).split()) for e in (plain, os.environ)]\n"
            "print(*loaded[1] - loaded[0] if 'socket' not in loaded[0] else ())"  # coverage loads it
        )
        assert {name.partition(".")[0] for name in ran.output.split()} <= {"importlib", "warnings", "__future__"}

    def test_the_machines_certificates_without_certifi(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "certifi", None)
        named = tmp_path / "named.pem"
        named.write_text("# named")
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile=str(tmp_path / "none")))
        assert environment._machine_certificates({"SSL_CERT_FILE": str(named), "CURL_CA_BUNDLE": str(tmp_path)}) == [
            "# named"
        ]

    def test_it_does_not_fail_a_program_when_it_fails(self, python) -> None:
        ran = python(
            "import os, subprocess, sys\n"
            "env = {**os.environ, 'HUBSPOT_SIMULATOR_CHILD': '{}'}\n"
            "print(subprocess.run([sys.executable, '-c', 'print(1)'], env=env).returncode)\n"
            "print(subprocess.run([sys.executable, '-c', 'import socket'], env=env, capture_output=True).returncode)"
        )
        assert ran.output.split() == ["1", "0", "0"]

    def test_every_variable_is_documented(self, python) -> None:
        ran = python(
            "import os, json, sys\nprint(json.dumps(sorted(n for n in os.environ if os.environ[n] != 'as before')))",
            **dict.fromkeys(VARIABLES, "as before"),
        )
        guide = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
        for name in VARIABLES:
            assert f'"{name}"' in ran.output
            assert f"`{name}`" in guide


def test_every_option_is_documented() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    guide = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    assert [option for option in options if f"`{option}" not in guide] == ["--help"]


VARIABLES = (
    "HUBSPOT_CLIENT_ID",
    "HUBSPOT_CLIENT_SECRET",
    "HUBSPOT_REDIRECT_URI",
    "HUBSPOT_ACCESS_TOKEN",
    "HUBSPOT_REFRESH_TOKEN",
    "HUBSPOT_PORTAL_ID",
    "HUBSPOT_EXPIRES_IN",
    "HUBSPOT_TOKEN_ISSUED_AT",
    "HUBSPOT_EXPIRES_AT",
    "HUBSPOT_SIMULATOR_URL",
    "HUBSPOT_BASE_URL",
    "HUB_SPOT_BASE_URL",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "JAVA_TOOL_OPTIONS",
    "DENO_CERT",
    "PHP_INI_SCAN_DIR",
)


@POSIX
class TestSignals:
    SCRIPT = """
        import signal, subprocess, sys, time
        end = lambda number, frame: sys.exit(number)
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), end)
        print("ready", flush=True)
        for _ in range(600):
            time.sleep(0.1)  # a signal that comes between two lines of C is seen after it
    """

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_they_go_to_the_program(self, name: str, tmp_path: Path) -> None:
        number = getattr(signal, name)
        status, output, report = self.signalled(textwrap.dedent(self.SCRIPT), number, tmp_path)
        assert (status, output) == (number, "ready\n")
        assert "0 requests, 0 refused" in report

    def test_a_program_that_they_end(self, tmp_path: Path) -> None:
        script = "print('ready', flush=True)\nimport time\ntime.sleep(60)"
        status, _, report = self.signalled(script, signal.SIGTERM, tmp_path)
        assert status == 128 + signal.SIGTERM
        assert "0 requests, 0 refused" in report

    def test_they_go_to_what_it_started(self, tmp_path: Path) -> None:
        script = """
            import signal, subprocess, sys
            signal.signal(signal.SIGINT, lambda *_: None)
            sleep = "import time; print('ready', flush=True); [time.sleep(0.1) for _ in range(600)]"
            started = subprocess.Popen([sys.executable, "-c", sleep], stdout=subprocess.PIPE)
            started.stdout.readline()
            print("ready", flush=True)
            print(started.wait() != 0)
        """
        status, output, _ = self.signalled(textwrap.dedent(script), signal.SIGINT, tmp_path)
        assert (status, output) == (0, "ready\nTrue\n")

    def test_one_that_comes_while_the_program_starts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        start = child_process._start

        def slowly(*arguments):
            os.kill(os.getpid(), signal.SIGTERM)
            return start(*arguments)

        monkeypatch.setattr(child_process, "_start", slowly)
        before = signal.getsignal(signal.SIGTERM)
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        assert child_process.run(command, os.environ) == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is before

    def test_in_the_foreground_group_the_terminal_has_sent_ctrl_c(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
            child_process._send(child, signal.SIGINT, own_group=False)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.2)
            child_process._send(child, signal.SIGTERM, own_group=False)
            assert child.wait(30) == -signal.SIGTERM
            child_process._send(child, signal.SIGTERM, own_group=False)  # it is gone

    def test_without_a_standard_input_there_is_no_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        assert not child_process._on_terminal()

    def signalled(self, script: str, number: int, folder: Path) -> tuple[int, str, str]:
        """Run a script, send a signal once it says that it is ready, return its status, output and report."""
        with subprocess.Popen(
            [*COMMAND, "--", sys.executable, "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
        ) as process:
            try:
                assert process.stdout is not None
                first = process.stdout.readline()
                process.send_signal(number)
                output, report = process.communicate(timeout=30)
            finally:
                process.kill()
        assert list(folder.iterdir()) == []
        return process.returncode, first + output, report

    def test_on_a_terminal_it_can_be_typed_to_and_interrupted(self, tmp_path: Path) -> None:
        """The driver is a process of its own: a fork of this one, with its threads, would be unsafe."""
        driver = """
            import os, pty, sys
            pid, terminal = pty.fork()
            if not pid:
                os.execv(sys.executable, sys.argv[1:])
            seen, sent = b"", set()
            try:
                while True:
                    seen += os.read(terminal, 4096)
                    for mark, text in (b"name?", b"Ada\\n"), (b"hello Ada", b"\\x03"):
                        if mark in seen and mark not in sent:
                            sent.add(mark)
                            os.write(terminal, text)
            except OSError:
                pass
            print(seen.decode())
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """
        script = """
            import sys, time
            name = input("name?")
            try:
                print("hello", name, flush=True)
                for _ in range(600):
                    time.sleep(0.1)  # a signal that comes between two lines of C is seen after it
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                time.sleep(0.3)
                sys.exit(5)
        """
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent(driver),
                *COMMAND,
                "--",
                sys.executable,
                "-c",
                textwrap.dedent(script),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        assert done.returncode == 5, done
        assert "hello Ada" in done.stdout
        assert done.stdout.count("interrupted") == 1
        assert "0 requests, 0 refused" in done.stdout
        assert list(tmp_path.iterdir()) == []
