"""What the command line says of a program and of strangers: no secret whole, and nothing that moves the cursor."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

COMMAND = [sys.executable, "-m", "hubspot_simulator"]
UTF8 = {**os.environ, "PYTHONIOENCODING": "utf-8"}
REAL = "pat-eu1-7d0f3a52-61c4-4b0e-9d2f-3c1a5b7e9f08"  # as of HubSpot, put in by mistake
TELLS = f"""
import base64, json, os, sys, urllib.parse, urllib.request

secrets = [os.environ["HUBSPOT_" + name] for name in ("ACCESS_TOKEN", "REFRESH_TOKEN", "CLIENT_SECRET")] + ["{REAL}"]
request = urllib.request.Request("https://api.hubapi.com/crm/v3/objects/contacts?hapikey=" + secrets[2])
request.add_header("Authorization", "Bearer " + secrets[0])
sys.stdout.reconfigure(encoding="utf-8")
for secret in secrets:
    print(secret, "x=" + secret, "/" + urllib.parse.quote(secret.replace("-", "%2D")), f"refreshToken: '{{secret}}'")
    print(base64.b64encode(f"id:{{secret}}".encode()).decode(), "".join(f"\\\\u{{ord(c):04x}}" for c in secret))
    print("\\x1b[31m\\u202e\\x9b" + secret, end="\\r\\n")
try:
    urllib.request.urlopen(request, timeout=20).close()
except OSError:
    sys.exit(3)
"""
HANDED_OVER = "HUBSPOT_REFRESH_TOKEN HUBSPOT_CLIENT_SECRET".split()  # the same every time, unlike an access token


def secrets(folder: Path) -> list[str]:
    """Return what every run with the default settings hands over."""
    code = f"import os; print(*(os.environ[name] for name in {HANDED_OVER}))"
    command = [*COMMAND, "run", "--", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=UTF8, cwd=folder)
    return [*done.stdout.split(), REAL]


def check(text: str, hidden: list[str]) -> None:
    """Fail if a secret can be read in a text, or if something in it would not just stand there."""
    flat = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text).replace("%252D", "-")
    assert [secret for secret in hidden if secret in flat] == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
    assert not re.search(r"[A-Za-z0-9+/_-]{60}", text)


def test_c3_sweep_quotes_a_program_without_its_secrets(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(TELLS, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "sweep", "--", sys.executable, str(script)], capture_output=True, timeout=110, env=UTF8
    )
    assert done.returncode == 1
    said = done.stderr.decode("utf-8")
    assert "  | " in said  # it is quoted
    assert "refreshToken: '" in said
    check(said.replace(f"{tmp_path}", ""), secrets(tmp_path))


def test_c3_run_passes_a_programs_streams_and_hides_secrets_in_its_report(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(TELLS, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "run", "--", sys.executable, str(script)], capture_output=True, timeout=60, env=UTF8
    )
    assert done.returncode == 0, done.stderr
    hidden = secrets(tmp_path)
    assert all(secret.encode() in done.stdout for secret in hidden)  # byte for byte: it is the program's own
    assert b"\x1b[31m" in done.stdout
    report = done.stderr.decode("utf-8")
    assert "GET /crm/v3/objects/contacts?hapikey=" in report
    check(report, hidden)


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", f"--access-token={REAL}"],
        ["serve", "--port", f"1\x1b[2J{REAL}"],
        ["sweep", f"--stride={REAL}", "--", "true"],
        ["run", REAL],
        ["run", "--", f"/no/such/{REAL}"],
    ],
)
def test_c3_a_wrong_argument_is_quoted_without_its_secret(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, env=UTF8)
    assert done.returncode != 0
    assert "hubspot-simulator" in done.stderr
    check(done.stderr, [REAL])


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_c2_c3_the_log_of_serve_cannot_be_forged_and_hides_secrets() -> None:
    process = subprocess.Popen([*COMMAND, "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=UTF8)
    try:
        assert process.stdout is not None
        banner = ""
        for line in process.stdout:
            banner += line.decode("utf-8")
            if "grant_type=refresh_token" in banner:
                break
        url = urlsplit(re.findall(r"simulator at (\S+)", banner)[0])
        token, refresh = (re.findall(rf"{name} +(\S+)", banner)[0] for name in ("access token", "refresh token"))
        for target in (
            f"/a%0A%237%202026-11-23T10:00:00Z%20GET%20/ok%20200:%20fine%1B[2J?acces%73_token={token}",
            f"/oauth/v1/access-tokens/{token}",
            f"/{refresh}/%E2%80%AE%C2%9B?hapikey={REAL}&refreshToken={refresh}",
            "/" + "%20" * 300 + "%238",
        ):
            with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as connection:
                head = f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {refresh}\r\n"
                connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
                while connection.recv(65536):
                    pass
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=30)
    log = output.decode("utf-8")
    assert [line[:3] for line in log.splitlines() if line.startswith("#")] == ["#1 ", "#2 ", "#3 ", "#4 "]
    check(log, [token, refresh, REAL])


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_d6_what_the_command_line_reports_fits_the_terminal(tmp_path: Path, command: str) -> None:
    script = tmp_path / "child.py"
    script.write_text(TELLS, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, command, *(["--expire-after=0"] if command == "run" else []), "--", sys.executable, str(script)],
        capture_output=True,
        timeout=110,
        env={**UTF8, "COLUMNS": "80"},
    )
    lines = done.stderr.decode("utf-8").splitlines()
    assert any("no-refresh-after-expiry" in line for line in lines)
    assert [line for line in lines if len(line) > 80 and not line.startswith("  | ")] == []
