"""D1: ``run`` and ``sweep`` with my app, and the calls of the simulator's own endpoints apart from HubSpot's."""

from __future__ import annotations

import os
import subprocess
import sys

APP = (
    "--client-id=my-id",
    "--client-secret=my-secret",
    "--redirect-uri=https://a.example.com/cb",
    "--redirect-uri=https://b.example.com/cb",
    "--scopes=oauth tickets",
)
ASKS = """
import os, urllib.request
def call(url, data=None, **headers):
    return urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30).read()
token = "Bearer " + os.environ["HUBSPOT_ACCESS_TOKEN"]
"""
REFRESHES = """
import urllib.parse
form = {"grant_type": "refresh_token", "client_id": "my-id", "client_secret": "my-secret"}
form["refresh_token"] = os.environ["HUBSPOT_REFRESH_TOKEN"]
call("https://api.hubapi.com/oauth/v1/token", urllib.parse.urlencode(form).encode())
"""


def test_d1_run_takes_my_app(python) -> None:
    names = ("HUBSPOT_CLIENT_ID", "HUBSPOT_CLIENT_SECRET", "HUBSPOT_REDIRECT_URI")
    ran = python(f"{ASKS}{REFRESHES}print(*(os.environ[name] for name in {names}))", *APP)
    assert (ran.status, ran.output) == (0, "my-id my-secret https://a.example.com/cb\n")
    assert ran.exchanges == [("POST", "/oauth/v1/token", 200)]


def test_d1_sweep_has_my_app_in_every_run(tmp_path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{ASKS}{REFRESHES}call('https://api.hubapi.com/crm/v3/objects/tickets', Authorization=token)")
    command = [sys.executable, "-m", "hubspot_simulator", "sweep", *APP, "--", sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, env=os.environ)
    assert "BAD_CLIENT_ID" not in done.stderr
    assert "1 authenticated call without a fault; 1 point to try" in done.stderr


def test_d1_the_report_lists_its_own_calls_apart(python) -> None:
    ran = python(
        ASKS + "own = os.environ['HUBSPOT_SIMULATOR_URL'] + '/_simulator/'\n"
        "call(own + 'health')\n"
        "call('https://api.hubapi.com/crm/v3/objects/contacts', Authorization=token)\n"
        "call(own + 'clock/advance', b'{\"minutes\": 1}')\n"
    )
    assert ran.status == 0
    hubspots, own = ran.report.split("Requests to the simulator's own control API, which HubSpot does not have:\n")
    assert "/crm/v3/objects/contacts 200" in hubspots
    assert "/_simulator/" not in hubspots
    assert "\n1 request, 0 refused\n" in hubspots
    assert [line.split()[2:4] for line in own.splitlines() if line.startswith("  #")] == [
        ["GET", "/_simulator/health"],
        ["POST", "/_simulator/clock/advance"],
    ]
    assert "/crm/" not in own


def test_d1_with_its_own_calls_alone_no_request_came(python) -> None:
    ran = python(ASKS + "call(os.environ['HUBSPOT_SIMULATOR_URL'] + '/_simulator/health')")
    assert "none: the program did not connect to HubSpot" in ran.report
    assert "\n0 requests, 0 refused\n" in ran.report


def test_d1_a_simulator_within_a_run_minds_only_its_settings(run) -> None:
    inner = [sys.executable, "-m", "hubspot_simulator", "run", "--", sys.executable, "-c", "print('inner')"]
    ran = run(inner, HUBSPOT_SIMULATOR_TOKEN_TTL="60")
    assert (ran.status, ran.output) == (0, "inner\n")
    assert "unknown setting" not in ran.report


def test_c1_a_run_reaches_hubspot_by_its_sockets_and_by_the_proxy(python) -> None:
    by_proxy = """
import ssl
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
import http.client
connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=30)
connection.set_tunnel("api.hubapi.com", 443)
connection.request("GET", "/crm/v3/objects/contacts", headers={"Authorization": token})
print(connection.getresponse().status)
"""
    ran = python(f"{ASKS}{REFRESHES}{by_proxy}", *APP[:2])
    assert (ran.status, ran.output) == (0, "200\n")
    assert ran.exchanges == [("POST", "/oauth/v1/token", 200), ("GET", "/crm/v3/objects/contacts", 200)]
