"""What a run or a sweep leaves behind: nothing, however it ends and wherever its program's children have gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hubspot_simulator.runner import process_tree
from hubspot_simulator.runner.output_tail import OutputTail
from hubspot_simulator.runner.watchdog import Watchdog

POSIX = pytest.mark.skipif(os.name != "posix", reason="terminals and kill -9 of POSIX")
SWEEP = [sys.executable, "-m", "hubspot_simulator", "sweep"]
RUN = [sys.executable, "-m", "hubspot_simulator", "run"]
SLEEP = "import time; [time.sleep(0.1) for _ in range(600)]"
ON_A_TERMINAL = """
import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execv(sys.executable, sys.argv[1:])
seen = b""
try:
    while block := os.read(terminal, 4096):
        seen += block
except OSError:
    pass
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
# Its token dead, it starts a stranger that calls for ever with it, and hangs. The stranger's id goes to a file.
STRANGER = """
import os, subprocess, sys, time, urllib.error, urllib.request

def call(path):
    headers = {"Authorization": "Bearer " + os.environ["HUBSPOT_ACCESS_TOKEN"]}
    request = urllib.request.Request("https://api.hubapi.com/crm/v3/objects/" + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except OSError as error:
        return getattr(error, "code", 0)

if sys.argv[1] == "stranger":
    for _ in range(600):
        call("stranger")
        time.sleep(0.02)
elif 401 in (call("contacts"), call("companies")) and not os.path.exists(sys.argv[1]):
    command = [sys.executable, __file__, "stranger"]
    if sys.argv[2] == "orphan":  # its parent is gone when it is looked for
        command = [sys.executable, "-c", f"import subprocess; print(subprocess.Popen({command}, **{sys.argv[3]}).pid)"]
        pid = int(subprocess.check_output(command))
    else:
        pid = subprocess.Popen(command, **eval(sys.argv[3])).pid
    with open(sys.argv[1], "w") as file:
        file.write(str(pid))
    if sys.argv[4] == "hang":
        time.sleep(60)
"""


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(*pids: int) -> bool:
    """Wait for processes to end; tell whether they did."""
    waiting = threading.Event()
    for _ in range(1500):
        if not any(map(lives, pids)):
            return True
        waiting.wait(0.02)
    return False


@POSIX
class TestSweep:
    @pytest.mark.parametrize(
        ("terminal", "how", "parent", "end"),
        [
            (True, {}, "child", "hang"),
            (True, {"start_new_session": True}, "orphan", "hang"),
            (False, {"start_new_session": True}, "child", "hang"),
            (True, {}, "orphan", "exit"),
            (True, {"start_new_session": True}, "child", "exit"),
            (False, {}, "child", "exit"),
            (False, {"start_new_session": True}, "orphan", "exit"),
        ],
    )
    def test_b4_no_process_of_a_point_calls_into_the_next(
        self, terminal: bool, how: dict[str, object], parent: str, end: str, tmp_path: Path
    ) -> None:
        script, pid = tmp_path / "program.py", tmp_path / "pid"
        script.write_text(STRANGER)
        apart = repr({**how, "stdout": subprocess.DEVNULL})
        command = [*SWEEP, "--timeout", "12" if end == "hang" else "60"]
        command += ["--", sys.executable, str(script), str(pid), parent, apart, end]
        done = subprocess.run(
            [sys.executable, "-c", ON_A_TERMINAL, *command] if terminal else command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        said = done.stdout + done.stderr
        assert gone(int(pid.read_text())), said
        assert "2 points to try" in said, said
        assert "2 of 2: expired-before-2: passed" in said, said
        assert "expired-before-2  GET /crm/v3/objects/companies  passed" in said, said


class TestOutput:
    def test_b8_the_end_is_kept_and_nothing_else(self) -> None:
        tail = OutputTail()
        script = "import sys\nfor _ in range(2000): sys.stdout.write('x' * 9999 + '\\n')\nprint('the end')"
        subprocess.run([sys.executable, "-c", script], stdout=tail.child_end, check=True)
        assert tail.text().endswith("x\nthe end\n" if os.name == "posix" else "the end\r\n")
        assert len(tail.text()) <= 64 * 1024

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from Linux")
    def test_b8_a_sweep_of_a_program_that_prints_a_lot_stays_small(self, tmp_path: Path) -> None:
        script = tmp_path / "program.py"
        prints = "for _ in range(150): sys.stdout.write('x' * 1_000_000)\n"
        ends = "call('contacts')\n" + prints + "sys.exit(call('deals') != 200)\n"
        script.write_text(STRANGER.partition("if sys.argv")[0] + ends)
        measured = (  # not ru_maxrss, which a process takes over from its parent
            "import re, sys; from hubspot_simulator.cli import main; main(sys.argv[1:]); "
            "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", measured, "sweep", "--", sys.executable, str(script)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=110,
        )
        *said, peak = done.stderr.splitlines()
        assert any("exit status 1" in line for line in said), said
        assert int(peak) < 140_000, peak  # KiB: 150 MB are printed at each point

    def test_who_outlives_the_child_does_not_hold_it_up(self) -> None:
        tail = OutputTail()
        with subprocess.Popen(
            [sys.executable, "-c", f"print('x', flush=True); {SLEEP}"], stdout=tail.child_end
        ) as held:
            try:
                for _ in range(1000):
                    if tail._tail:
                        break
                    threading.Event().wait(0.01)
                assert tail.text().strip() == "x"
            finally:
                held.kill()


@pytest.fixture
def marked() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", f"print(flush=True); {SLEEP}"],
        env={**os.environ, process_tree.MARK: "some-mark"},
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


class TestTree:
    def test_who_has_the_mark_is_found(self, marked: subprocess.Popen[bytes]) -> None:
        assert marked.pid in [process.pid for process in process_tree.find("some-mark")]
        assert process_tree.find("another-mark") == []

    def test_this_process_is_never_among_them(self) -> None:
        assert os.getpid() not in [process.pid for process in process_tree.find("none", os.getpid())]

    def test_it_ends_them_and_leaves_their_status_to_their_parent(self, marked: subprocess.Popen[bytes]) -> None:
        process_tree.end("some-mark")
        assert marked.wait(30) != 0
        process_tree.end("some-mark", marked.pid)  # nobody is left

    @POSIX
    def test_who_ignores_the_request_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process_tree, "_GRACE_SECONDS", 0.1)
        script = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); {SLEEP}"
        environment = {**os.environ, process_tree.MARK: "deaf"}
        with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process_tree.end("deaf")
            assert process.wait(30) == -signal.SIGKILL


class TestKilled:
    SCRIPT = f"""
        import os, subprocess, sys
        started = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=os.name == "posix")
        print(os.getpid(), started.pid, flush=True)
        {SLEEP}
    """

    @POSIX
    @pytest.mark.parametrize("command", [RUN, SWEEP])
    @pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
    def test_b10_after_kill_9_nothing_is_left(self, command: list[str], group: bool, tmp_path: Path) -> None:
        with subprocess.Popen(
            [*command, "--", sys.executable, "-c", textwrap.dedent(self.SCRIPT)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ) as process:
            try:
                assert process.stdout is not None
                pids = [int(word) for word in process.stdout.readline().split()]
                assert len(pids) == 2
                assert [path.name[:18] for path in tmp_path.iterdir()] == ["hubspot-simulator-"]
            finally:
                os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
            assert gone(*pids)
            waiting = threading.Event()
            for _ in range(1500):
                if not list(tmp_path.iterdir()):
                    break
                waiting.wait(0.02)
            assert list(tmp_path.iterdir()) == []

    def test_b10_the_watchdog_ends_with_the_run_and_touches_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with Watchdog(str(tmp_path), "a-mark") as watchdog:
            assert watchdog._process is not None
            watchdog.child(None)
            assert watchdog._process.poll() is None
        assert watchdog._process.poll() == 0
        assert (tmp_path / "file").exists()

    def test_b10_it_cleans_up_when_the_pipe_just_ends(self, tmp_path: Path, marked: subprocess.Popen[bytes]) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        watchdog = Watchdog(str(folder), "some-mark")
        with watchdog:
            process = watchdog._process
            assert process is not None
            assert process.stdin is not None
            watchdog.child(marked.pid)
            process.stdin.close()
            assert process.wait(60) == 0
        assert not folder.exists()
        assert marked.wait(30) != 0

    def test_a_watchdog_that_somebody_ended(self, tmp_path: Path) -> None:
        with Watchdog(str(tmp_path), "a-mark") as watchdog:
            assert watchdog._process is not None
            watchdog._process.kill()
            watchdog._process.wait()
            watchdog.child(1)

    def test_a_run_without_a_watchdog(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
        with Watchdog(str(tmp_path), "a-mark") as watchdog:
            watchdog.child(1)
        assert watchdog._process is None
