"""No secret stands whole in what people read, wherever a client, a program or a person has put it (C3).

Generated: a secret of each kind, in each place of a request, in each encoding. Then everything that is said about the
request is searched for the secret, also behind percent-encoding, JSON, base64 and hexadecimal digits.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import random
import re
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote

import pytest
from werkzeug.test import Client, EnvironBuilder

from hubspot_simulator import Simulator
from hubspot_simulator.core import redaction
from hubspot_simulator.core.known_secrets import KnownSecrets
from hubspot_simulator.core.redaction import EXEMPT, redact, shown, shown_lines
from hubspot_simulator.http.app import Application
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.settings import Settings

random_source = random.Random(8)


def letters(count: int, alphabet: str) -> str:
    return "".join(random_source.choice(alphabet) for _ in range(count))


def uuid() -> str:
    return "-".join(letters(count, "0123456789abcdef") for count in (8, 4, 4, 4, 12))


URL_SAFE = string.ascii_letters + string.digits + "-_"
SIMULATOR = Simulator(Settings(random_seed="a seed that makes all credentials"), name="redaction")
CONFIGURED = SIMULATOR.add_app(client_secret="Tr0ub4dor&3 is my secret")
KNOWN = {
    "access token": SIMULATOR.installation.access_token,
    "refresh token": SIMULATOR.installation.refresh_token,
    "code": SIMULATOR.authorize(),
    "client secret": SIMULATOR.app.client_secret,
    "configured client secret": CONFIGURED.client_secret,
    "private app's token": SIMULATOR.add_private_app().access_token,
    "random seed": SIMULATOR.settings.random_seed,
}
NEVER_SEEN = {  # what HubSpot itself gives out, put in by mistake
    "refresh token": f"eu1-{uuid()}",
    "private app's token": f"pat-na1-{uuid()}",
    "access token": "C" + letters(190, URL_SAFE),
    "key of a command line": base64.b64encode(random_source.randbytes(110)).decode(),
    "JWT": f"eyJhbGciOiJIUzI1NiJ9.{letters(80, URL_SAFE)}.{letters(43, URL_SAFE)}",
}
NAMED_ONLY = {"hapikey": uuid(), "password": "hunter2-Hunter2"}  # which nothing but its name gives away
ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "every character percent": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    "percent twice": lambda text: quote("".join(f"%{octet:02X}" for octet in text.encode()), safe=""),
    "JSON": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "JSON in JSON": lambda text: json.dumps("".join(f"\\u{ord(char):04X}" for char in text))[1:-1],
    "Python": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
    "HTML": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "HTTP Basic": lambda text: "Basic " + base64.b64encode(f"client-id:{text}".encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "upper case": str.upper,
}
NAMES = """access_token refresh_token client_secret code token code_verifier hapikey apikey api_key accessToken
    refreshToken clientSecret access-token X-Api-Key x-hubspot-token private_app_token HUBSPOT_ACCESS_TOKEN
    hubspot.client.secret id_token csrf_token password db_password tokenKey Authorization acces%73_token
    client%5Fsecret""".split()
FORMS = [
    "{name}={value}",
    "{name}={value}&x=1",
    "x=1&{name}={value}",
    "{name}%3D{value}%26x",
    "{name}: '{value}'",
    '{name}: "{value}",',
    '{{"{name}": "{value}"}}',
    '{{\\"{name}\\": \\"{value}\\"}}',
    '{{"{name}":["{value}"]}}',
    "{{'{name}': b'{value}'}}",
    "('{name}', '{value}')",
    "{name}[]={value}",
    "--{name} {value}",
    "--{name}={value}",
    "<{name}>{value}</{name}>",
    "{name} => '{value}'",
    "{name} = {value}",
    "{name}: {value}",
    '; name="{name}"\r\n\r\n{value}\r\n--x',
]


@pytest.fixture(autouse=True)
def _known() -> None:
    """Have the secrets known anew: other tests give out thousands, and the first of them are forgotten."""
    redaction.remember(*KNOWN.values())


def stands_in(secret: str, text: str) -> bool:
    """Tell whether a secret can be read in a text, whatever it has to be decoded from."""
    readings, secret = {text}, secret.lower()
    for _ in range(3):
        for reading in sorted(readings):
            readings.add(unquote(reading))
            readings.add(html.unescape(reading))
            readings.add(re.sub(r"\\+(?:u|x)([0-9a-fA-F]{4}|[0-9a-fA-F]{2})", lambda f: chr(int(f[1], 16)), reading))
            readings.update(decoded for run in re.findall(r"[\w+/-]{12,}", reading) for decoded in meant(run))
    return any(secret in reading.lower() for reading in readings)


def meant(run: str) -> Iterator[str]:
    plain = run.replace("-", "+").replace("_", "/")
    for decode in (bytes.fromhex, lambda text: base64.b64decode(text + "=" * (-len(text) % 4))):
        try:
            yield decode(plain).decode("ascii")
        except ValueError:
            continue


@pytest.mark.parametrize("kind", KNOWN)
def test_c3_what_this_process_gave_out_is_known_wherever_it_stands(kind: str) -> None:
    secret = KNOWN[kind]
    for encode in ENCODINGS.values():
        for around in (
            "{}",
            "see {} there",
            "/x/{}/y?z",
            "x={}",
            "'{}'",
            "\n{}\n",
            "({})",
            "a,{},b",
            "id:{}",
            "{}.",
            "_{}",
        ):
            said = redact(around.format(encode(secret)))
            assert not stands_in(secret, said), said
            assert around.partition("{}")[0] in said


@pytest.mark.parametrize("kind", NEVER_SEEN)
def test_c3_what_hubspot_gave_out_is_told_by_its_shape(kind: str) -> None:
    secret = NEVER_SEEN[kind]
    for encoding, encode in ENCODINGS.items():
        if encoding != "upper case":
            for around in ("{}", "see {} there", "/x/{}/y?z", "x={}", "'{}'", "({})", "id:{}"):
                said = redact(around.format(encode(secret)))
                assert not stands_in(secret, said), said


@pytest.mark.parametrize("form", FORMS)
def test_c3_a_name_gives_a_secret_away(form: str) -> None:
    for name in NAMES:
        for secret in NAMED_ONLY.values():
            text = form.format(name=name, value=secret)
            once = redact(text)
            assert not stands_in(secret, once), once
            assert redact(once) == once  # an exchange stands in a finding, and a finding in a report


@pytest.mark.parametrize(
    "text",
    [
        "GET /crm/v3/objects/contacts?limit=5&properties=email,firstname",
        "the Authorization header is not 'Bearer <token>'",
        "BAD_CLIENT_SECRET: missing or invalid client secret",
        "grant_type is missing: expected authorization_code or refresh_token",
        "#3 2026-11-23T19:41:14.979Z POST /oauth/v1/token 200: refreshed: a new token of 1800 s",
        "POST /oauth/2026-09/token/introspect 200: the token is unknown, revoked or another app's",
        "CN12…ab34 expired 300 s ago on the simulator's clock; no newer token was issued",
        "tests/test_a.py::TestMyIntegrationWithHubSpotV3Client::test_the_client_refreshes_after_thirty_minutes",
        "/tmp/pytest-of-root/pytest-12/test_the_client0/HubSpotV3/Report2.txt",
        "hubspot-simulator explain token-of-another-portal",
        "token_ttl=60, rate_limit_token=5, status code: 401",
        "correlationId 01917c2e-7d3b-7a4e-8c51-aabbccddeeff, client_id 0c4fbde1-a1a1-442e-99d0-5e4f128fb6b9",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "token = self.tokens['access_token'] if token is None else token",
    ],
)
def test_c3_what_is_no_secret_stays(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in ("_lasting", "_passing"):  # other tests make secrets of all kinds known
        monkeypatch.setattr(redaction, known, KnownSecrets(10))
    assert shown(text) == text


PLACES = ["path", "query", "query name", "header", "scheme", "cookie", "form", "json", "basic", "method", "host"]


def requests(secret: str, place: str) -> EnvironBuilder:
    """Return a request with a secret in one place."""
    values: dict[str, object] = {"path": "/crm/v3/objects/contacts", "method": "GET", "headers": {}}
    name = random_source.choice(["access_token", "refreshToken", "hapikey", "x"])
    if place == "path":
        values["path"] = f"/oauth/v1/access-tokens/{quote(secret, safe='')}"
    elif place == "query":
        values["query_string"] = f"{name}={quote(secret, safe='')}&limit=1"
    elif place == "query name":
        values["query_string"] = f"{quote(secret)}=1"
    elif place == "header":
        values["headers"] = {"Authorization": f"Bearer {secret}"}
    elif place == "scheme":
        values["headers"] = {"Authorization": f"{secret} Bearer"}
    elif place == "cookie":
        values["headers"] = {"Cookie": f"session={secret}"}
    elif place == "form":
        grant = random_source.choice(["refresh_token", secret])
        form = {"grant_type": grant, "client_id": secret, "client_secret": secret, "refresh_token": secret}
        values |= {"path": "/oauth/v3/token", "method": "POST", "data": form | {"scope": secret, "code": secret}}
    elif place == "json":
        values |= {"method": "POST", "json": {secret: secret, "properties": {secret: secret}}}
        values["headers"] = {"Authorization": f"Bearer {SIMULATOR.installation.access_token}"}
    elif place == "basic":
        basic = base64.b64encode(f"{secret}:{secret}".encode()).decode()
        values |= {"path": "/oauth/v3/token", "method": "POST", "headers": {"Authorization": f"Basic {basic}"}}
    elif place == "method":
        values["method"] = secret
    elif place == "host":
        values["headers"] = {"Host": f"{secret[:60]}.example"}
    return EnvironBuilder(**values)


def everything_said(simulator: Simulator, app: Application) -> Iterator[tuple[str, str]]:
    """Yield each text that this package would show somebody, with its name."""
    for exchange in simulator.journal:
        yield "exchange", str(exchange)
        yield "repr", repr(exchange)
        yield "why", exchange.why
    for finding in simulator.audit():
        yield "finding", f"{finding} {finding!r} {finding.problem}"
    audited = Client(app).get("/_simulator/audit", headers={"Host": "localhost"})
    yield "control API", audited.get_data(as_text=True)
    for one in (simulator, simulator.journal, simulator.settings, simulator.app, simulator.portal, CONFIGURED):
        yield f"repr of {type(one).__name__}", repr(one)
    yield "repr of installation", repr(simulator.installation)
    yield "repr of server", repr(SimulatorServer(simulator))
    with pytest.raises(AssertionError) as raised:
        simulator.journal.assert_called("GET", "/oauth/v1/access-tokens/nowhere", times=99)
    yield "assert_called", str(raised.value)


@pytest.mark.parametrize("place", PLACES)
def test_c3_a_secret_in_any_place_of_a_request_is_shown_nowhere(place: str) -> None:
    app = Application(SIMULATOR)
    every = [*KNOWN.values(), *NEVER_SEEN.values()]
    for secret in every:
        app.respond(requests(secret, place).get_environ())
    for name, said in everything_said(SIMULATOR, app):
        for secret in every:
            assert not stands_in(secret, said), (name, said)


def test_c3_logs_hide_secrets_in_messages_and_tracebacks(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Application(SIMULATOR)
    secret = KNOWN["client secret"]

    def fails(call: object) -> None:
        raise RuntimeError(f"it came with {secret}\x1b[2J and access_token={NEVER_SEEN['refresh token']}")

    monkeypatch.setattr("hubspot_simulator.http.dispatch.authenticate", fails)
    app.respond(EnvironBuilder("/crm/v3/objects/" + secret).get_environ())
    (record,) = caplog.records
    said = logging.Formatter().format(record) + repr(record.exc_info) + repr(record.args)
    assert "RuntimeError: it came with" in said
    assert "Traceback" in said
    assert "\x1b" not in said
    for hidden in (secret, NEVER_SEEN["refresh token"]):
        assert hidden not in said
        assert hidden not in caplog.text


def test_c3_what_the_registry_keeps_is_bounded_and_keeps_no_simulator_alive() -> None:
    from hubspot_simulator.core.known_secrets import KnownSecrets

    known = KnownSecrets(most=50)
    secrets = [f"secret-number-{number:06}" for number in range(500)]
    for secret in secrets:
        known.add(secret)
        known.add(secret)
    assert len(known) <= 50
    assert [*known.find(f"x {secrets[-1].upper()} y")] == [(2, 2 + len(secrets[-1]))]
    assert [*known.find(secrets[0])] == []
    assert len(known._index) <= 50


def test_c3_redaction_takes_linear_time() -> None:
    texts = ["\\", "%25", "token=", "token='", "bearer ", "eyJaaaaa.", "://a:", "tokens/", "a1-", "na1-12345678-", "&#"]
    for text in [*texts, "QUJD", "--token ", "a.b-", "'", "/", "A1b", "token:      ", "\x1b", "\u202e"]:
        shown_lines(text * (200_000 // len(text)))  # pytest's timeout is the judge


def test_c3_what_is_exempt_is_listed_by_name() -> None:
    assert set(EXEMPT) >= {"the banner of serve", "the environment of a child", "the streams of a child under run"}


SECRET = uuid()
SURROUNDED = {
    "colour before it": "client_secret=\x1b[33m{}\x1b[0m",
    "colours": '\x1b[32m"client_secret"\x1b[0m: \x1b[33m"{}"\x1b[0m',
    "escaped colours": r"client_secret=\u001b[33m{}\u001b[0m",
    "no width": "client_secret\u200b=\u2060{}",
    "backticks": "clientSecret: `{}`",
    "Markdown": "**client_secret**: `{}`",
    "table": "| client_secret | {} |",
    "CSV": "client_secret,{}",
    "Go": 'clientSecret := "{}"',
    "arrow": "client_secret -> {}",
    "full width": "client_secret\uff1a{}",
    "csh": "setenv HUBSPOT_CLIENT_SECRET {}",
    "fish": "set -gx HUBSPOT_CLIENT_SECRET {}",
    "one dash": "-client-secret {}",
    "HAR": '{{"name":"client_secret","value":"{}"}}',
    "Kubernetes": "- name: CLIENT_SECRET\n  value: {}",
    "XML": '<add key="client_secret" value="{}"/>',
    "var_dump": 'array(1) {{\n  ["client_secret"]=>\n  string(36) "{}"\n}}',
    "serialize": 's:13:"client_secret";s:36:"{}";',
    "curl": "curl -u client:{} https://api.hubapi.com",
    "cookie": "Cookie: lang=en; hubspotutk={}",
    "set-cookie": "Set-Cookie: __cf_bm={}; Path=/; Domain=.hubapi.com; HttpOnly",
    "prose": "the client secret is {}",
    "PowerShell": "ClientSecret                {}",
    "SQL": "INSERT INTO tokens (refresh_token) VALUES ('{}')",
}


@pytest.mark.parametrize("where", SURROUNDED)
def test_c3_what_only_its_name_gives_away_in_other_surroundings(where: str) -> None:
    for secret in (SECRET, SECRET.upper()):
        said = shown_lines(SURROUNDED[where].format(secret))
        assert secret[4:-4] not in said
        assert "…" in said


@pytest.mark.parametrize("width", [20, 40, 72, 80])
@pytest.mark.parametrize("break_", ["\n", "\r\n", "\n    ", "\n| "])
def test_c3_what_the_session_knows_is_hidden_where_a_line_is_wrapped(width: int, break_: str) -> None:
    for secret in KNOWN.values():
        text = json.dumps({"before": "x" * 30, "it": secret, "after": "y"})
        said = shown_lines(break_.join(text[start : start + width] for start in range(0, len(text), width)))
        assert secret[4:-4] not in re.sub(r"[\s|]", "", said)
        assert "y" in said


@pytest.mark.parametrize(
    "text",
    [
        "status_code=401 code=ECONNRESET",
        '"code":"ERR_BAD_REQUEST"',
        "code: 'ECONNREFUSED'",
        "code=E11000",
        '{"code":"23505"}',
        "Set-Cookie: a=b; Path=/some/long/path; Domain=.hubapi.com; Expires=Wed",
        "the token is refreshed | the secret is kept",
        "name: CONTACTS\nvalue: 12",
        "docker run -u 1000:1000 image",
    ],
)
def test_c3_codes_of_errors_and_the_like_stay(text: str) -> None:
    assert shown_lines(text) == text
