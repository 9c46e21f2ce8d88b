"""What the commands print: whoever does not read it, and whatever its encoding, the answers come."""

from __future__ import annotations

import http.client
import io
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from hubspot_simulator.cli import main
from hubspot_simulator.cli.output import LogHandler, Output

COMMAND = [sys.executable, "-m", "hubspot_simulator"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
HEALTH = "/_simulator/health"
ASCII = {"PYTHONIOENCODING": "ascii"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
POOR = pytest.mark.parametrize("environment", [ASCII, {"PYTHONIOENCODING": "ascii:strict"}, C_LOCALE])


def environment_with(extra: dict[str, str]) -> dict[str, str]:
    unwanted = ("PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONUTF8", "LC_ALL", "LANG")
    return {**{name: value for name, value in os.environ.items() if name not in unwanted}, **extra}


@contextmanager
def serving(**extra: str) -> Iterator[tuple[subprocess.Popen[bytes], http.client.HTTPConnection]]:
    """Start ``serve``; give the process, of whose output nothing is read but the first line, and a connection."""
    process = subprocess.Popen(
        [*COMMAND, "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment_with(extra)
    )
    try:
        assert process.stdout is not None
        found = re.search(rb"at http://([\d.]+):(\d+)", process.stdout.readline())
        assert found
        with closing(http.client.HTTPConnection(found[1].decode(), int(found[2]), timeout=30)) as connection:
            yield process, connection
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def get(connection: http.client.HTTPConnection, path: str = HEALTH, **headers: str) -> int:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


class Blocked(io.StringIO):
    """A stream whose reader has gone to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.awake = threading.Event()
        self.reached = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.awake.wait()
        return super().write(text)


@POSIX
def test_b1_serve_answers_though_nobody_reads_its_output() -> None:
    with serving() as (process, connection):
        for _ in range(1500):  # a pipe of 64 KiB is full after some 750 lines
            assert get(connection) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@POSIX
def test_b1_the_log_goes_on_when_somebody_reads_again_and_says_what_is_missing() -> None:
    with serving() as (process, connection):
        for _ in range(3000):
            assert get(connection) == 200
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.decode())
            if "dropped here" in lines[-1]:
                break
        assert re.fullmatch(r"\(\d+ lines were dropped here: the output was read too slowly\)\n", lines[-1])
        get(connection, "/later")
        assert b"/later" in process.stdout.readline()


def test_b1_a_log_record_waits_for_no_reader() -> None:
    stream = Blocked()
    output = Output(stream)
    logger = logging.Logger("test")
    logger.addHandler(LogHandler(output))
    for _ in range(2000):
        logger.error("x" * 100)
    stream.awake.set()
    output.close(30)
    assert "lines were dropped here" in stream.getvalue()


def test_b1_a_log_record_goes_through_the_output() -> None:
    stream = io.StringIO()
    output = Output(stream)
    logger = logging.Logger("test")
    logger.addHandler(LogHandler(output))
    logger.info("not this")
    logger.error("this %s", "one")
    logger.error("not %d", "formatted")
    output.close(30)
    assert stream.getvalue() == "hubspot-simulator: this one\n"


def test_b1_lines_are_dropped_and_counted() -> None:
    stream = Blocked()
    output = Output(stream, max_queued=2)
    output.say("1")
    assert stream.reached.wait(30)
    for number in range(2, 10):
        output.say(str(number))
    output.close(0.01)  # it does not wait for what is blocked
    stream.awake.set()
    output.close(30)
    assert stream.getvalue() == "1\n2\n3\n(6 lines were dropped here: the output was read too slowly)\n"


def test_b1_an_output_that_is_gone_is_forgotten() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    output = Output(Gone())
    output.say("1")
    output.close(30)
    output.say("2")


def test_b1_no_output_at_all() -> None:
    output = Output(None)
    output.say("1")
    output.close(30)


def test_b1_a_stream_that_does_not_block_is_waited_for() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with open(reader, "rb") as source, open(writer, "w", encoding="utf-8") as stream:
        output = Output(stream)
        text = "x" * 1_000_000  # more than a pipe takes
        output.say(text)
        assert source.read(len(text) + 1) == text.encode() + b"\n"
        output.close(30)


@POOR
def test_b5_serve_keeps_its_log_whatever_the_encoding(environment: dict[str, str]) -> None:
    with serving(**environment) as (process, connection):
        for _ in range(3):
            get(connection, "/crm/v3/objects/contacts", Authorization="Bearer " + "C" * 40)  # shown as CCCC…CCCC
        get(connection, "/%F0%9F%98%80")
        assert get(connection, "/the/last") == 404
        assert process.stdout is not None
        for line in process.stdout:
            if b"/the/last" in line:
                break
            assert b"dropped" not in line
        else:
            pytest.fail("the log ended")


@POOR
def test_b5_demo_tells_its_story_whatever_the_encoding(environment: dict[str, str]) -> None:
    done = subprocess.run([*COMMAND, "demo"], capture_output=True, timeout=60, env=environment_with(environment))
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Does your integration do step 5 on every path?" in done.stdout
    assert b"\\u2026" in done.stdout


@POOR
@pytest.mark.parametrize("command", ["run", "sweep"])
def test_b5_a_report_is_whole_whatever_the_encoding(command: str, environment: dict[str, str]) -> None:
    program = "import os; os.write(1, 'caf\\u00e9\\n'.encode()); os._exit(3)"
    done = subprocess.run(
        [*COMMAND, command, "--", sys.executable, "-c", program, "\u00e9\U0001f600"],
        capture_output=True,
        timeout=60,
        env=environment_with(environment),
    )
    assert done.returncode == (3 if command == "run" else 1)
    assert b"Traceback" not in done.stderr
    assert "café".encode() in done.stdout


@POOR
@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["serve", "--wire", "\u2026"]])
def test_b5_help_and_refusals_are_printed_whatever_the_encoding(
    arguments: list[str], environment: dict[str, str]
) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=60, env=environment_with(environment))
    assert b"Traceback" not in done.stderr
    assert b"usage:" in done.stdout + done.stderr


def test_b5_a_start_that_fails_is_said_in_the_poorest_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["serve", "--host", "…"]) == 1
    stream.flush()
    assert b"cannot listen on \\u2026" in stream.buffer.getvalue()  # type: ignore[attr-defined]
