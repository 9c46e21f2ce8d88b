"""Programs that know nothing of the simulator: each calls HubSpot, meets the 401, refreshes, and goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hubspot_simulator.runner.connection_hints import connection_hints

CONTACTS = "/crm/v3/objects/contacts"
STORY = [("GET", CONTACTS, 200), ("GET", CONTACTS, 401), ("POST", "/oauth/v1/token", 200), ("GET", CONTACTS, 200)]


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not on this machine: {', '.join(missing)}")


def tells_the_story(ran) -> None:
    assert ran.status == 0, ran.report
    assert ran.exchanges == STORY
    assert "expired" in ran.whys[1]
    assert ran.whys[2].startswith("refreshed")
    assert ran.report.endswith("4 requests, 1 refused\n")


CURL = r"""
set -eu
token=$HUBSPOT_ACCESS_TOKEN
contacts() { curl -sS -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer $token" \
    https://api.hubapi.com/crm/v3/objects/contacts; }
contacts
contacts
token=$(curl -sS https://api.hubapi.com/oauth/v1/token -d grant_type=refresh_token \
    -d "client_id=$HUBSPOT_CLIENT_ID" -d "client_secret=$HUBSPOT_CLIENT_SECRET" \
    -d "refresh_token=$HUBSPOT_REFRESH_TOKEN" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
contacts
"""


@needs("sh", "curl", "sed")
def test_curl(run) -> None:
    ran = run(["sh", "-c", CURL], "--expire-after", "1")
    assert ran.output.split() == ["200", "401", "200"]
    tells_the_story(ran)


OFFICIAL = """
import os
from hubspot import HubSpot
from hubspot.crm.contacts import ApiException

env = os.environ
client = HubSpot(access_token=env["HUBSPOT_ACCESS_TOKEN"])
client.crm.contacts.basic_api.get_page()
try:
    client.crm.contacts.basic_api.get_page()
except ApiException as error:
    assert error.status == 401, error
    client.access_token = HubSpot().oauth.tokens_api.create(
        grant_type="refresh_token",
        client_id=env["HUBSPOT_CLIENT_ID"],
        client_secret=env["HUBSPOT_CLIENT_SECRET"],
        refresh_token=env["HUBSPOT_REFRESH_TOKEN"],
    ).access_token
print(client.crm.contacts.basic_api.get_page().results)
"""


def test_the_official_python_client(python) -> None:
    ran = python(OFFICIAL, "--expire-after", "1")
    assert ran.output == "[]\n"
    tells_the_story(ran)


PREPARED = """
import os
import requests

env = os.environ
with requests.Session() as session:
    def contacts(token):
        request = requests.Request("GET", "https://api.hubapi.com/crm/v3/objects/contacts")
        request.headers["Authorization"] = "Bearer " + token
        return session.send(request.prepare(), timeout=20)

    token = env["HUBSPOT_ACCESS_TOKEN"]
    assert contacts(token).status_code == 200
    assert contacts(token).json()["category"] == "EXPIRED_AUTHENTICATION"
    form = {"grant_type": "refresh_token", "refresh_token": env["HUBSPOT_REFRESH_TOKEN"]}
    form.update(client_id=env["HUBSPOT_CLIENT_ID"], client_secret=env["HUBSPOT_CLIENT_SECRET"])
    request = requests.Request("POST", "https://api.hubapi.com/oauth/v1/token", data=form)
    token = session.send(request.prepare(), timeout=20).json()["access_token"]
    print(contacts(token).status_code)
"""


def test_prepared_requests(python) -> None:
    ran = python(PREPARED, "--expire-after", "1", PYTHONWARNINGS="error")
    assert ran.output == "200\n"
    tells_the_story(ran)


BARE = """
import importlib.util, json, os
from http.client import HTTPSConnection
from urllib.parse import urlencode

env = os.environ
assert importlib.util.find_spec("hubspot_simulator") is None
connection = HTTPSConnection("api.hubapi.com", timeout=20)

def call(method, path, token=None, body=None):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if token:
        headers["Authorization"] = "Bearer " + token
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())

token = env["HUBSPOT_ACCESS_TOKEN"]
statuses = [call("GET", "/crm/v3/objects/contacts", token)[0] for _ in range(2)]
form = {"grant_type": "refresh_token", "refresh_token": env["HUBSPOT_REFRESH_TOKEN"]}
form.update(client_id=env["HUBSPOT_CLIENT_ID"], client_secret=env["HUBSPOT_CLIENT_SECRET"])
token = call("POST", "/oauth/v1/token", body=urlencode(form))[1]["access_token"]
print(statuses, call("GET", "/crm/v3/objects/contacts", token)[0])
connection.close()
"""


def other_pythons() -> list[str]:
    """Interpreters that do not have the package, from 3.8 on, each in another minor version than this one."""
    roots = [*Path.home().glob(".pyenv/versions/3.*/bin"), Path("/usr/bin")]
    names = [f"python3.{number}" for number in range(8, 20) if number != sys.version_info.minor]
    found = {name: str(root / name) for name in names for root in roots if (root / name).is_file()}
    return list(found.values())


@pytest.mark.parametrize("interpreter", other_pythons() or [None], ids=lambda path: path and Path(path).name)
def test_a_python_that_has_neither_the_package_nor_a_proxy(interpreter: str | None, python) -> None:
    if interpreter is None:
        pytest.skip("no other Python is on this machine")
    ran = python(BARE, "--expire-after", "1", interpreter=interpreter, PYTHONWARNINGS="error")
    assert ran.output == "[200, 401] 200\n", ran.report
    tells_the_story(ran)


IN_C = {
    "uvloop": """
        import asyncio, os, aiohttp, uvloop

        async def main():
            headers = {"Authorization": "Bearer " + os.environ["HUBSPOT_ACCESS_TOKEN"]}
            async with aiohttp.ClientSession() as session:
                async with session.get("https://api.hubapi.com/crm/v3/objects/contacts", headers=headers) as answer:
                    print(answer.status)
            reader, writer = await asyncio.open_connection("api.hubapi.com", 443, ssl=True)
            writer.write(b"GET /crm/v3/objects/contacts HTTP/1.1\\r\\nHost: api.hubapi.com\\r\\n\\r\\n")
            print((await reader.readline()).split()[1].decode())
            writer.transport.abort()

        uvloop.install() if not hasattr(uvloop, "run") else uvloop.run(main())
    """,
    "curl_cffi": """
        import os, curl_cffi

        for headers in {"Authorization": "Bearer " + os.environ["HUBSPOT_ACCESS_TOKEN"]}, {}:
            print(curl_cffi.get("https://api.hubapi.com/crm/v3/objects/contacts", headers=headers).status_code)
    """,
}


@pytest.mark.parametrize("name", IN_C)
def test_python_clients_with_sockets_of_their_own(name: str, python) -> None:
    pytest.importorskip(name)
    lines = IN_C[name].splitlines()
    ran = python("\n".join(line[8:] for line in lines))
    assert ran.output.split() == ["200", "401"], ran.report
    assert ran.exchanges == STORY[:2]


SPELLINGS = ("api.hubapi.com", "api.hubapi.com.", "API.HubAPI.com", "API.HUBAPI.COM.")

SPELLED_IN_PYTHON = """
import http.client, os, sys

for host in sys.stdin.read().split():
    connection = http.client.HTTPConnection(host, timeout=10)  # TLS takes no certificate for a dot
    connection.request("GET", "/oauth/v1/access-tokens/none")
    print(connection.getresponse().status)
    connection.close()
"""

SPELLED_IN_NODE = """
const https = require('node:https');
for (const host of process.argv.slice(2)) {
  https.get({ host, servername: 'api.hubapi.com', path: '/oauth/v1/access-tokens/none' }, (answer) => {
    console.log(answer.statusCode);
    answer.resume();
  });
}
"""


def test_spellings_of_the_host_in_python(python) -> None:
    ran = python(SPELLED_IN_PYTHON, stdin=" ".join(SPELLINGS))
    assert ran.output.split() == ["401"] * len(SPELLINGS), ran.report


@needs("node")
def test_spellings_of_the_host_in_node(run, tmp_path: Path) -> None:
    script = tmp_path / "spelled.js"
    script.write_text(SPELLED_IN_NODE)
    ran = run(["node", script, *SPELLINGS])
    assert ran.output.split() == ["401"] * len(SPELLINGS), ran.report


OFFICIAL_NODE = """
const { Client } = require('@hubspot/api-client');
const env = process.env;
(async () => {
  const client = new Client({ accessToken: env.HUBSPOT_ACCESS_TOKEN });
  const contacts = () => client.crm.contacts.basicApi.getPage(1);
  await contacts();
  try {
    await contacts();
  } catch (error) {
    if (error.code !== 401) throw error;
    const answer = await client.oauth.tokensApi.create(
      'refresh_token', undefined, undefined,
      env.HUBSPOT_CLIENT_ID, env.HUBSPOT_CLIENT_SECRET, env.HUBSPOT_REFRESH_TOKEN);
    client.setAccessToken(answer.accessToken);
  }
  console.log(JSON.stringify((await contacts()).results));
})();
"""

OTHER_NODE = """
const https = require('https');
const tls = require('tls');
const axios = require('axios');
const url = 'https://api.hubapi.com/crm/v3/objects/contacts';
const headers = { Authorization: `Bearer ${process.env.HUBSPOT_ACCESS_TOKEN}` };
(async () => {
  for (const email of ['a@example.com', 'b@example.com']) await axios.post(url, { properties: { email } }, { headers });
  const page = await axios.get(`${url}?limit=1`, { headers });
  console.log('axios', page.status, page.data.paging.next.link.split('&')[0]);
  console.log('fetch', (await fetch(url, { headers })).status);
  console.log('https', await new Promise((done) => https.get(url, { headers }, (a) => done(a.resume().statusCode))));
  for (const given of [[443, 'api.hubapi.com', {}], [{ host: 'API.hubapi.com.', port: 443 }]]) {
    const name = { servername: 'api.hubapi.com' };
    const socket = tls.connect(...given.map((one) => (typeof one === 'object' ? { ...one, ...name } : one)));
    await new Promise((done) => socket.on('secureConnect', done));
    console.log('tls', socket.authorized);
    socket.destroy();
  }
  console.log(await fetch('https://api.hubapi.com:8443/').catch((error) => error.cause.message));
  const socket = new (require('net').Socket)();
  socket.connect(443, 'api.hubapi.com', () => { console.log('net', socket.remoteAddress); socket.destroy(); });
})();
"""


def test_the_official_node_client(run, node_modules: Path) -> None:
    script = node_modules / "official.js"
    script.write_text(OFFICIAL_NODE)
    ran = run(["node", script], "--expire-after", "1")
    assert ran.output == "[]\n"
    tells_the_story(ran)


def test_other_node_clients(run, node_modules: Path) -> None:
    script = node_modules / "others.js"
    script.write_text(OTHER_NODE)
    ran = run(["node", script])
    assert ran.output.splitlines() == [
        f"axios 200 https://api.hubapi.com{CONTACTS}?limit=1",
        "fetch 200",
        "https 200",
        "tls true",
        "tls true",
        "the simulator serves HubSpot's hosts on ports 443 and 80 only, not on 8443",
        "net 127.0.0.1",
    ], ran.report


JAVA = """
import java.net.*;
import java.net.http.*;

class Child {
    public static void main(String[] arguments) throws Exception {
        URI contacts = URI.create("https://api.hubapi.com/crm/v3/objects/contacts");
        String bearer = "Bearer " + System.getenv("HUBSPOT_ACCESS_TOKEN");
        HttpRequest request = HttpRequest.newBuilder(contacts).header("Authorization", bearer).build();
        System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
        HttpURLConnection connection = (HttpURLConnection) contacts.toURL().openConnection();
        connection.setRequestProperty("Authorization", bearer);
        System.out.println(connection.getResponseCode());
    }
}
"""


@needs("java")
def test_java(run, tmp_path: Path) -> None:
    script = tmp_path / "Child.java"
    script.write_text(JAVA)
    if subprocess.run(["java", "--list-modules"], capture_output=True, text=True).stdout.find("jdk.compiler") < 0:
        pytest.skip("this Java has no compiler")
    ran = run(["java", script], "--expire-after", "1", timeout=100)
    assert ran.output.split() == ["200", "401"], ran.report
    assert ran.exchanges == STORY[:2]


PHP = """<?php
function contacts() {
    $curl = curl_init('https://api.hubapi.com/crm/v3/objects/contacts');
    $headers = ['Authorization: Bearer ' . getenv('HUBSPOT_ACCESS_TOKEN')];
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $headers]);
    curl_exec($curl);
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), curl_error($curl), "\n";
}
contacts();
contacts();
"""
PHP_STREAMS = """<?php
$http = ['header' => 'Authorization: Bearer ' . getenv('HUBSPOT_ACCESS_TOKEN'), 'ignore_errors' => true];
$http['proxy'] = str_replace('http://', 'tcp://', getenv('HTTPS_PROXY'));
$context = stream_context_create(['http' => $http]);
foreach ([1, 2] as $_) {
    file_get_contents('https://api.hubapi.com/crm/v3/objects/contacts', false, $context);
    echo explode(' ', $http_response_header[array_key_last(preg_grep('/^HTTP/', $http_response_header))])[1], "\n";
}
"""
RUBY = """
require "net/http"
2.times do
  uri = URI("https://api.hubapi.com/crm/v3/objects/contacts")
  request = Net::HTTP::Get.new(uri, "Authorization" => "Bearer " + ENV["HUBSPOT_ACCESS_TOKEN"])
  puts Net::HTTP.start(uri.host, uri.port, use_ssl: true) { |http| http.request(request) }.code
end
"""
GO = """
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	for i := 0; i < 2; i++ {
		request, _ := http.NewRequest("GET", "https://api.hubapi.com/crm/v3/objects/contacts", nil)
		request.Header.Set("Authorization", "Bearer "+os.Getenv("HUBSPOT_ACCESS_TOKEN"))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		answer.Body.Close()
		fmt.Println(answer.StatusCode)
	}
}
"""
FETCH = """
const token = globalThis.Deno ? Deno.env.get("HUBSPOT_ACCESS_TOKEN") : process.env.HUBSPOT_ACCESS_TOKEN;
for (const _ of [1, 2]) {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch("https://api.hubapi.com/crm/v3/objects/contacts", { headers });
  await answer.text();
  console.log(answer.status);
}
"""
DOTNET = """
using System.Net.Http.Headers;

using var client = new HttpClient();
var token = Environment.GetEnvironmentVariable("HUBSPOT_ACCESS_TOKEN");
client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
for (var i = 0; i < 2; i++)
    Console.WriteLine((int)(await client.GetAsync("https://api.hubapi.com/crm/v3/objects/contacts")).StatusCode);
"""
DOTNET_PROJECT = """
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net{version}</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
"""
IN_SCRIPTS = {
    "php": ("php", "child.php", PHP),
    "php-streams": ("php", "child.php", PHP_STREAMS),
    "ruby": ("ruby", "child.rb", RUBY),
    "deno": ("deno run --allow-all", "child.mjs", FETCH),
    "bun": ("bun run", "child.mjs", FETCH),
}


def expires_once(ran) -> None:
    assert ran.output.split() == ["200", "401"], ran
    assert ran.exchanges == STORY[:2]


@pytest.mark.parametrize("name", IN_SCRIPTS)
def test_d4_scripts_of_other_languages(name: str, run, tmp_path: Path) -> None:
    words, file, text = IN_SCRIPTS[name]
    command = words.split()
    if not shutil.which(command[0]):
        pytest.skip(f"not on this machine: {command[0]}")
    if name == "php" and "curl" not in subprocess.run(["php", "-m"], capture_output=True, text=True).stdout.split():
        pytest.skip("this PHP has no curl")
    script = tmp_path / file
    script.write_text(text, encoding="utf-8")
    expires_once(run([*command, script], "--expire-after", "1"))


@needs("go")
@pytest.mark.skipif(
    sys.platform != "linux", reason="Go reads SSL_CERT_FILE on Linux and other Unixes, not on macOS and Windows"
)
def test_d4_go(run, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(GO, encoding="utf-8")
    built = subprocess.run(["go", "build", "-o", "child", "main.go"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    expires_once(run([tmp_path / "child"], "--expire-after", "1"))


@needs("dotnet")
@pytest.mark.skipif(sys.platform != "linux", reason=".NET reads SSL_CERT_FILE on Linux")
def test_d4_dotnet(run, tmp_path: Path) -> None:
    sdk = subprocess.run(["dotnet", "--version"], capture_output=True, text=True).stdout.split(".")
    (tmp_path / "child.csproj").write_text(DOTNET_PROJECT.format(version=".".join(sdk[:2])), encoding="utf-8")
    (tmp_path / "Program.cs").write_text(DOTNET, encoding="utf-8")
    command = ["dotnet", "build", "--nologo", "--output", "built", "child.csproj"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout
    expires_once(run(["dotnet", tmp_path / "built" / "child.dll"], "--expire-after", "1"))


class TestConnectionHints:
    """D4: a program that did not connect gets a hint."""

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (["php", "sync.php"], "PHP's streams (file_get_contents, SoapClient) ignore the proxy variables"),
            (["sh", "-c", "cd x && /usr/bin/php8.2 sync.php"], "PHP's streams"),
            (["/usr/bin/python3.11", "-I", "sync.py"], "run cannot redirect Python with -I, -E or -S"),
            (["node", "sync.js"], "run cannot redirect Node without its NODE_OPTIONS"),
            (["./sync"], "run cannot redirect a program that ignores the proxy variables"),
        ],
    )
    def test_d4_by_what_was_run(self, command: list[str], said: str) -> None:
        [line] = connection_hints(command)
        assert line.startswith(said)
        assert "HUBSPOT_BASE_URL" in line

    def test_d4_in_the_report(self, run) -> None:
        ran = run([sys.executable, "-S", "-c", "pass"])
        assert "\n  none: the program did not connect to HubSpot" in ran.report
        assert "\n  run cannot redirect Python with -I, -E or -S" in ran.report


def test_d4_the_settings_of_php_that_were_there_stay(run) -> None:
    script = "import os; print(*os.environ['PHP_INI_SCAN_DIR'].split(os.pathsep)[:-1], sep='|')"
    assert run([sys.executable, "-c", script], PHP_INI_SCAN_DIR=os.pathsep.join(["", "there"])).output == "|there\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell")
def test_grandchildren_are_reached(run, tmp_path: Path) -> None:
    script = tmp_path / "grandchild.py"
    script.write_text(BARE.replace("assert importlib", "importlib"))
    ran = run(["sh", "-c", f"'{sys.executable}' '{script}'; true"], "--expire-after", "1")
    tells_the_story(ran)
