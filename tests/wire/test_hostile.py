"""Whatever comes in, the answer is a refusal at worst: never a failure of the simulator."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug import Request
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.http.app import Application
from hubspot_simulator.http.routes import ROUTES

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AssertAnswer


LIST = "/crm/v3/objects/contacts"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 1024 * 1024
WANTED = {
    "{type}": "contacts",
    "{id}": "1",
    "{version}": "2026-03",
    "{oauth_version}": "2026-03",
    "{token}": "token",
    "{hub_id}": "1",
}


def fill(template: str) -> str:
    for placeholder, value in WANTED.items():
        template = template.replace(placeholder, value)
    return template


ENDPOINTS = [(route.method, fill(route.template)) for route in ROUTES if not route.template.startswith("/crm/objects/")]
BODIES = {
    "null bytes": b"\x00" * 100,
    "not UTF-8": b"\xff\xfe\xfd",
    "UTF-16": '{"properties": {"email": "a@b.co"}}'.encode("utf-16"),
    "UTF-32 cut short": '{"properties": {}}'.encode("utf-32")[:-1],
    "byte order mark": b'\xef\xbb\xbf{"properties": {}}',
    "deep array": b"[" * 200_000,
    "deep object": b'{"properties":' * 50_000,
    "deep and closed": b"[" * 200_000 + b"]" * 200_000,
    "deep value": b'{"properties": {"email": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "NaN": b'{"properties": {"email": NaN}, "minutes": NaN}',
    "infinity": b'{"properties": {"closedate": 1e999}, "minutes": -1e999}',
    "huge integer": b'{"properties": {"email": ' + b"9" * 4_000 + b'}, "minutes": ' + b"9" * 4_000 + b"}",
    "huger integer": b'{"minutes": ' + b"9" * 10_000 + b"}",
    "lone surrogates": b'{"properties": {"\\ud800": "\\udfff", "firstname": "\\udfff"}, "\\ud800": 1}',
    "surrogate values": b'{"properties": {"firstname": "\\ud800", "email": "\\ud800@b.co"}}',
    "null characters": b'{"properties": {"firstname": "\\u0000", "a\\u0000": "b"}}',
    "repeated members": b'{"properties": {"a": 1, "a": 2}, "properties": 5}',
    "many members": json.dumps({"properties": {f"p{n}": n for n in range(5_000)}}).encode(),
    "odd form": b"%&=&&a=%ff&client_id=%00&client_secret=\xff&grant_type[]=x&a;b",
    "odd token key": b'{"tokenKey": {"a": ["\\ud800", NaN]}}',
    "token key of surrogates": b'{"tokenKey": "\\ud800\\u0000"}',
    "multipart": b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--",
}


@pytest.fixture(autouse=True)
def _nothing_failed_inside(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The application logs what it did not expect."""
    with caplog.at_level(logging.ERROR, "hubspot_simulator"):
        yield
    assert not caplog.records


def send(client: Client, method: str, path: str, body: bytes = b"", query: str = "", **environ: Any) -> TestResponse:
    """Send a request as a server hands it over, with nothing checked or encoded on the way."""
    built = EnvironBuilder(path, method=method, content_length=len(body)).get_environ()
    environ = {**built, "QUERY_STRING": query, "wsgi.input": io.BytesIO(body), **environ}
    return TestResponse(*run_wsgi_app(client.application, environ), request=Request(environ))


def broken_endpoints(api: Api, body: bytes = b"", query: str = "", **environ: Any) -> dict[tuple[str, str], int]:
    """Send the same to every endpoint with an access token; return those that fail, or answer in two parts."""
    environ = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", **environ}
    answers = {endpoint: send(api.client, *endpoint, body, query, **environ) for endpoint in ENDPOINTS}
    return {
        endpoint: response.status_code
        for endpoint, response in answers.items()
        if response.status_code >= 500 or [value for _, value in response.headers if "\r" in value or "\n" in value]
    }


@pytest.mark.parametrize("content_type", ["application/json", FORM, "multipart/form-data; boundary=x", ""])
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_no_body_breaks_an_endpoint(api: Api, body: bytes, content_type: str) -> None:
    assert not broken_endpoints(api, body, CONTENT_TYPE=content_type)
    later = api("GET", LIST)
    assert later.status_code in (200, 401), "the clock may have moved"
    assert later.get_data().decode()


QUERIES = {
    "not UTF-8": "\xff",
    "not UTF-8, escaped": "limit=%ff&after=%fe&properties=%ff&idProperty=%ff&client_id=%ff",
    "null": "limit=%00&after=%00&archived=%00&idProperty=%00&state=%00",
    "lone percent": "%&limit=%&%zz=1",
    "separators": "&&&===;;;",
    "long": "properties=" + "a," * 50_000,
    "many": "&".join(f"p{n}={n}" for n in range(20_000)),
    "huge number": "limit=" + "9" * 10_000 + "&after=" + "9" * 10_000,
    "line breaks": "state=%0d%0aSet-Cookie:%20x&redirect_uri=%0d%0a&limit=%0d%0a1",
    "api key": "hapikey=%ff%00&hapikey=&hapikey[]=1",
    "odd challenge": "code_challenge=%ff%00&code_challenge_method=S256&optional_scope=%ff&scope=%00",
    "surrogates": "idProperty=%ed%a0%80&properties=%ed%a0%80&state=%ed%a0%80",
    "brackets": "limit[]=1&after[$gt]=&properties[0]=email",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_no_query_breaks_an_endpoint(api: Api, query: str) -> None:
    assert not broken_endpoints(api, query=query)


HEADERS = {
    "authorization not ASCII": {"HTTP_AUTHORIZATION": "Bearer \xff\xfe"},
    "authorization null": {"HTTP_AUTHORIZATION": "Bearer \x00"},
    "authorization long": {"HTTP_AUTHORIZATION": "Bearer " + "C" * 100_000},
    "authorization basic": {"HTTP_AUTHORIZATION": "Basic \xff"},
    "authorization basic, not UTF-8": {"HTTP_AUTHORIZATION": "Basic //86/w=="},
    "authorization basic, cut short": {"HTTP_AUTHORIZATION": "Basic YTp"},
    "authorization digest": {"HTTP_AUTHORIZATION": 'Digest username="\xff", realm='},
    "authorization scheme alone": {"HTTP_AUTHORIZATION": "Basic"},
    "accept": {"HTTP_ACCEPT": ";q=\xff,,;;q=x,application/;q=,*"},
    "accept empty": {"HTTP_ACCEPT": ""},
    "content type": {"CONTENT_TYPE": "\xff/;=;charset=\x00;boundary"},
    "content type long": {"CONTENT_TYPE": "a/b;" * 10_000},
    "content length negative": {"CONTENT_LENGTH": "-1"},
    "content length text": {"CONTENT_LENGTH": "ten"},
    "content length empty": {"CONTENT_LENGTH": ""},
    "content length not ASCII": {"CONTENT_LENGTH": "²"},
    "host empty": {"HTTP_HOST": ""},
    "host bracket": {"HTTP_HOST": "["},
    "host brackets": {"HTTP_HOST": "[::1"},
    "host with port": {"HTTP_HOST": "localhost:99999999"},
    "host with user": {"HTTP_HOST": "a@b:c"},
    "host not ASCII": {"HTTP_HOST": "\xe9.localhost"},
    "host with a path": {"HTTP_HOST": "localhost/../x?y#z"},
    "host full stop": {"HTTP_HOST": "..."},
    "origin": {"HTTP_ORIGIN": "\xff\x00"},
    "cookie": {"HTTP_COOKIE": "\xff=\xff;;;="},
    "range": {"HTTP_RANGE": "bytes=-"},
    "if none match": {"HTTP_IF_NONE_MATCH": "\xff", "HTTP_IF_MODIFIED_SINCE": "yesterday"},
    "forwarded": {"HTTP_X_FORWARDED_FOR": "\xff", "HTTP_X_FORWARDED_PROTO": "x", "HTTP_X_FORWARDED_HOST": "\xff"},
    "upgrade": {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
    "method": {"REQUEST_METHOD": "G\xcbT"},
    "method empty": {"REQUEST_METHOD": ""},
    "method override": {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=list(HEADERS))
def test_no_header_breaks_an_endpoint(api: Api, headers: dict[str, str]) -> None:
    for _ in range(2):
        api.create("contacts")
    assert not broken_endpoints(api, query="limit=1", **headers)


@pytest.mark.parametrize(
    "host",
    [
        *("[", "[::1", "localhost:99999", "localhost:x", "a@b", "a b", "a/b", "é", "a?b", "a,b", "a\x00"),
        *("[::1]x", "a.example.com[::1]", "::1", "[]", "[x]", "[::1]:1:2", "a:1:2", "[fe80::1%25eth0]"),
    ],
)
def test_what_is_no_host_is_refused(api: Api, assert_refused: AssertAnswer, host: str) -> None:
    for path in (LIST, "/oauth/authorize", "/_simulator/health", "/no/such/path"):
        assert_refused(send(api.client, "GET", path, HTTP_HOST=host), 400, "Invalid Host header")


@pytest.mark.parametrize("host", ["", "localhost", "api.hubapi.com:443", "my_container:8000", "[::1]:8000", "1.2.3.4"])
def test_any_host_is_answered(api: Api, host: str) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", "HTTP_HOST": host}
    assert send(api.client, "GET", LIST, **headers).status_code == 200


HOSTILE_PATHS = [
    "",
    "*",
    "no/slash",
    "/" * 10_000,
    "/" + "a" * 100_000,
    f"{LIST}/" + "9" * 100_000,
    f"{LIST}/\x00",
    f"{LIST}/\xff",
    f"{LIST}/\r\nSet-Cookie: x",
    f"{LIST}/../../../etc/passwd",
    "/crm/v3/objects/\xed\xa0\x80",
    "/crm/v3/objects/<script>alert(1)</script>",
    "/crm/v3/objects/p_\xff",
    "/oauth/v1/access-tokens/\x00",
    "/oauth/v1/access-tokens/" + "C" * 100_000,
    "/oauth/v1/refresh-tokens/" + "9" * 100_000,
    "/oauth/2026-03\x00/token",
    "/oauth/" + "9" * 5_000 + "/authorize",
    "/oauth/\xb2/authorize",
    "/oauth/-1/authorize",
    "/oauth/0x1/authorize",
    "/appinstalls/\xff/external-install",
    "/.well-known/\x00",
    "/_simulator/\x00",
    "http://evil.example.com/_simulator/reset",
]


def test_no_path_breaks_the_simulator(caplog: pytest.LogCaptureFixture) -> None:
    for path in HOSTILE_PATHS:
        for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS", "CONNECT"):
            client, token = hostile_client()
            response = send(client, method, "/", PATH_INFO=path, HTTP_AUTHORIZATION=f"Bearer {token}")
            case = f"{method} {path[:40]!r} was answered {response.status_code}"
            assert 400 <= response.status_code < 500 or (method, response.status_code) == ("DELETE", 204), case
            assert not caplog.records, case


class Repeated(io.RawIOBase):
    """A stream of so many bytes, none of which is kept."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left)
        buffer[:count] = b"a" * count
        self.left -= count
        return count


def upload(api: Api, path: str, size: int, **environ: Any) -> tuple[TestResponse, int]:
    body = Repeated(size)
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": body, "CONTENT_LENGTH": str(size), **environ}
    headers = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", "CONTENT_TYPE": "application/json"}
    return send(api.client, "POST", path, **{**headers, **environ}), body.left


UPLOADS = pytest.mark.parametrize("path", [LIST, "/oauth/v3/token", "/_simulator/clock/advance", "/no/such/path"])


@UPLOADS
def test_a_body_of_ten_mebibytes_is_read(api: Api, path: str) -> None:
    response, left = upload(api, path, 10 * MEBIBYTE)
    assert response.status_code in (400, 404, 415)
    assert left == 0


@UPLOADS
@pytest.mark.parametrize("size", [10 * MEBIBYTE + 1, 10**12])
def test_b7_a_larger_body_is_refused_unread(api: Api, assert_refused: AssertAnswer, path: str, size: int) -> None:
    response, left = upload(api, path, size)
    assert_refused(response, 413, "HTTP 413 Request Entity Too Large")
    assert left == size


@UPLOADS
def test_a_larger_body_in_chunks_is_refused(api: Api, assert_refused: AssertAnswer, path: str) -> None:
    response, _ = upload(api, path, 11 * MEBIBYTE, CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert_refused(response, 413, "HTTP 413 Request Entity Too Large")


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/v3/token/revoke", "/oauth/authorize"])
def test_b8_a_form_of_very_many_fields_is_refused_unparsed(
    sim: Simulator, api: Api, assert_refused: AssertAnswer, path: str
) -> None:
    for count in (1000, 1001, 2_000_000):
        form = b"&".join([b"a=b"] * count)
        response = api.client.post(path, data=form, content_type="application/x-www-form-urlencoded; charset=utf-8")
        if count > 1000:
            assert_refused(response, 413, "HTTP 413 Request Entity Too Large")
            assert "more than 1000 fields" in sim.journal.exchanges[-1].why
        else:
            assert response.status_code != 413


def test_a_body_in_chunks_is_read(api: Api) -> None:
    stream = io.BytesIO(b'{"properties": {"firstname": "Jane"}}')
    chunked = {"wsgi.input": stream, "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    headers = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", "CONTENT_TYPE": "application/json"}
    response = send(api.client, "POST", LIST, **headers, **chunked)
    assert response.json["properties"]["firstname"] == "Jane"


@UPLOADS
def test_a_body_that_is_shorter_than_promised_is_refused(api: Api, assert_refused: AssertAnswer, path: str) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", "CONTENT_TYPE": "application/json"}
    response = send(api.client, "POST", path, b'{"properties"', **headers, CONTENT_LENGTH="1000")
    assert_refused(response, 400, "Invalid request body")


def test_a_body_that_is_longer_than_promised_is_cut(api: Api) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {api.access_token}", "CONTENT_TYPE": "application/json"}
    response = send(api.client, "POST", LIST, b'{"properties": {}}garbage', **headers, CONTENT_LENGTH="18")
    assert response.status_code == 201


def test_what_came_is_in_the_journal_shortened(sim: Simulator, api: Api) -> None:
    upload(api, "/_simulator/clock/advance", MEBIBYTE)
    (exchange,) = sim.journal.exchanges
    assert len(exchange.request_body) == 64 * 1024
    send(api.client, "GET", "/\r\n\x1b[31m\xff", QUERY_STRING="access_token=\xff" + api.access_token)
    assert api.access_token not in str(sim.journal.exchanges[-1])


def test_requests_at_once_make_one_contact_for_one_email(api: Api) -> None:
    statuses = []
    barrier = threading.Barrier(8)

    def create() -> None:
        barrier.wait()
        response = api("POST", LIST, json={"properties": {"email": "jane@b.co"}})
        statuses.append(response.status_code)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7


latin_1 = st.text(st.characters(max_codepoint=255), max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=12,
)
property_names = st.sampled_from(
    ["email", "firstname", "closedate", "amount", "hs_object_id", "createdate", "lifecyclestage"]
)
bodies = (
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(property_names | st.text(max_size=8), json_values, max_size=4).map(
        lambda properties: json.dumps({"properties": properties}).encode()
    )
    | st.dictionaries(
        st.sampled_from(["seconds", "days", "weeks"]), st.floats() | st.integers(), min_size=1, max_size=2
    ).map(lambda body: json.dumps(body).encode())
    | st.dictionaries(st.just("tokenKey"), json_values).map(lambda body: json.dumps(body).encode())
)
parameters = st.sampled_from(["limit", "after", "archived", "properties", "idProperty", "client_id", "state", "scope"])
queries = latin_1 | st.lists(st.tuples(parameters, latin_1), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
segments = (
    st.sampled_from(["crm", "v3", "objects", "contacts", "0-1", "1", "oauth", "v1", "token", "_simulator"]) | latin_1
)
paths = st.sampled_from([path for _, path in ENDPOINTS]) | st.lists(segments, max_size=6).map(
    lambda parts: "/" + "/".join(parts)
)
thorough = settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def hostile_client() -> tuple[Client, str]:
    sim = Simulator(Settings(), clock=ManualClock(1_677_534_017_518))
    token = sim.installation.access_token
    client = Client(Application(sim))
    client.post(LIST, json={"properties": {"email": "jane@b.co"}}, headers={"Authorization": f"Bearer {token}"})
    return client, token


def assert_sound(client: Client, response: TestResponse) -> None:
    """The answer is no failure, and says its own length; the next one is as good."""
    assert response.status_code < 500
    assert not [name for name, value in response.headers if "\n" in f"{name}{value}" or "\r" in f"{name}{value}"]
    assert len(response.headers.getlist("X-HubSpot-Correlation-Id")) == 1
    if response.headers.get("Content-Type", "").startswith("application/json") and response.get_data():
        assert json.loads(response.get_data())
    assert client.get("/_simulator/health").status_code == 200


@thorough
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]) | latin_1,
    path=paths,
    query=queries,
    body=bodies,
    content_type=st.sampled_from(["application/json", FORM, "text/plain", ""]) | latin_1,
    accept=st.none() | st.sampled_from(["application/json", "text/html"]) | latin_1,
    authorization=st.none() | latin_1 | latin_1.map("Bearer {}".format),
    authenticated=st.booleans(),
)
@example("POST", "/_simulator/clock/advance", "", b'{"days": -19000.9}', "", None, None, False)
def test_no_request_breaks_the_simulator(
    method: str,
    path: str,
    query: str,
    body: bytes,
    content_type: str,
    accept: str | None,
    authorization: str | None,
    authenticated: bool,
) -> None:
    client, token = hostile_client()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}" if authenticated else authorization, "HTTP_ACCEPT": accept}
    environ = {name: value for name, value in headers.items() if value is not None}
    for _ in range(2):
        response = send(
            client, "GET", "/", body, query, REQUEST_METHOD=method, PATH_INFO=path, CONTENT_TYPE=content_type, **environ
        )
        assert_sound(client, response)


@thorough
@given(
    method=st.sampled_from(["POST", "PATCH"]),
    type_name=st.sampled_from(["contacts", "companies", "deals", "tickets"]),
    properties=st.dictionaries(property_names | st.from_regex("[a-z_]{1,8}", fullmatch=True), json_values, max_size=5),
)
@example("POST", "deals", {"closedate": "-99999999999999"})
@example("POST", "deals", {"closedate": "0001-01-01T00:00:00+14:00"})
def test_what_was_written_can_be_read(method: str, type_name: str, properties: dict[str, Any]) -> None:
    client, token = hostile_client()
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/crm/v3/objects/{type_name}"
    record_id = client.post(path, json={"properties": {}}, headers=headers).json["id"]
    target = path if method == "POST" else f"{path}/{record_id}"
    response = client.open(
        target,
        method=method,
        data=json.dumps({"properties": properties}),
        headers=headers,
        content_type="application/json",
    )
    assert_sound(client, response)
    listed = client.get(f"{path}?limit=100", headers=headers)
    assert listed.status_code == 200
    for record in listed.json["results"]:
        assert client.get(f"{path}/{record['id']}", headers=headers).json == record
        assert all(value is None or isinstance(value, str) for value in record["properties"].values())


@thorough
@given(
    token=st.binary(max_size=200).map(lambda data: __import__("base64").urlsafe_b64encode(data).decode().rstrip("="))
)
def test_any_bytes_as_a_token_are_refused(token: str) -> None:
    client, _ = hostile_client()
    response = client.get(LIST, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert response.json["category"] in ("INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION")
    if token:
        assert client.get(f"/oauth/v1/access-tokens/{token}").json["category"] == response.json["category"]


@thorough
@given(position=st.integers(0, 182), bit=st.integers(0, 7))
def test_no_change_of_one_bit_keeps_a_token_good(position: int, bit: int) -> None:
    client, token = hostile_client()
    changed = bytearray(token.encode())
    changed[position % len(changed)] ^= 1 << bit
    environ = {"HTTP_AUTHORIZATION": "Bearer " + changed.decode("latin-1")}
    assert send(client, "GET", LIST, **environ).status_code == 401


@thorough
@given(seconds=st.integers(0, 250_000_000_000))
def test_any_age_is_told(seconds: int) -> None:
    client, token = hostile_client()
    moved = client.post("/_simulator/clock/advance", json={"seconds": seconds})
    response = client.get(LIST, headers={"Authorization": f"Bearer {token}"})
    assert moved.status_code == 200
    assert response.status_code == (401 if seconds >= 1800 else 200)
    if seconds >= 1800:
        count, unit = response.json["message"].split(" expired ")[1].split(" ")[:2]
        length = {"second(s)": 1, "minute(s)": 60, "hour(s)": 3600, "day(s)": 86400}[unit]
        assert int(count) == (seconds - 1800) // length
        assert int(count) > 1 or unit == "second(s)"
