"""C1: who may call the simulator through its socket. One rule holds for every route; in process nothing is checked."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.redaction import shown
from hubspot_simulator.http.app import Application
from hubspot_simulator.http.routes import ROUTES

LIST = "/crm/v3/objects/contacts"
FILLED = {"{token}": "t", "{type}": "contacts", "{id}": "1", "{hub_id}": "1", "{version}": "2026-03"}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
OWN = "http://localhost:8000"


def path_of(template: str) -> str:
    for placeholder, value in FILLED.items():
        template = template.replace(placeholder, value)
    return template.replace("{oauth_version}", "v3")


EVERY_ROUTE = [(route.method, path_of(route.template)) for route in ROUTES]
EVERY_ROUTE += [("HEAD", LIST), ("OPTIONS", "/oauth/v1/token"), ("PUT", LIST), ("GET", "/no/such/path"), ("GET", "//")]


class Socket:
    """Sends requests as they come through a socket."""

    def __init__(self, sim: Simulator, bound: str = "127.0.0.1") -> None:
        self.sim = sim
        self.client = Client(Application(sim).served_on(bound))

    def __call__(self, method: str, path: str, headers: dict[str, str], **kwargs: object) -> int:
        """Return the status of the answer; what is refused must say so by a 403 that changed nothing."""
        named = {"Host": "localhost:8000", **headers}
        response = self.client.open(path, method=method, headers=named, **kwargs)
        self.text = response.get_data(as_text=True)
        self.why = self.sim.journal.exchanges[-1].why
        if "does not answer" in self.why:
            assert response.status_code == 403
        return response.status_code

    def is_refused(self, method: str, path: str, headers: dict[str, str]) -> bool:
        self(method, path, headers)
        return "does not answer" in self.why


@pytest.fixture
def by_socket(sim):
    return Socket(sim)


TRUSTED = [
    "localhost",
    "localhost:8000",
    "LOCALHOST",
    "localhost.",
    "localhost.:8000",
    "127.0.0.1:8000",
    "127.1",
    "2130706433",
    "0x7f.1",
    "192.168.1.2",
    "[::1]:8000",
    "[fe80::1]",
    "hubspot:8000",  # a service of a compose file
    "HubSpot-Simulator",
    "sim.localhost:8000",
    "a.b.LocalHost.",
    "api.hubapi.com",
    "API.hubapi.com.:443",
    "api-eu1.hubapi.com",
    "app.hubspot.com",
]
UNTRUSTED = [
    "evil.example.com",
    "evil.example.com:8000",
    "EVIL.example.com.",
    "127.0.0.1.evil.com",
    "127.0.0.1.nip.io",
    "localhost.evil.com:8000",
    "localhost.localdomain",
    "xlocalhost.com",
    "x.y",
    "1.2.3.4a",
    "api.hubapi.com.evil.com",
    "evilapi.hubapi.com",
    "simulator.default.svc",
    "host.docker.internal:8000",
]


@pytest.mark.parametrize("host", TRUSTED)
def test_c1_addresses_plain_names_localhost_and_hubspots_hosts_are_answered(by_socket, host):
    assert [route for route in EVERY_ROUTE if by_socket.is_refused(*route, {"Host": host})] == []


@pytest.mark.parametrize("host", UNTRUSTED)
def test_c1_other_names_are_refused_on_every_route(by_socket, host):
    assert [route for route in EVERY_ROUTE if not by_socket.is_refused(*route, {"Host": host})] == []


def test_c1_the_403_names_the_setting_and_changes_nothing(sim, by_socket):
    before = sim.clock.now_ms()
    headers = {"Host": "Simulator.default.svc.:8000"}
    assert by_socket("POST", "/_simulator/clock/advance", headers, data=b'{"minutes": 31}') == 403
    assert by_socket.why == (
        "the simulator does not answer to the host name 'simulator.default.svc': call it as localhost, by its address, "
        "by a name without a dot, or add the name to the setting trusted_hosts (--trusted-hosts simulator.default.svc)"
    )
    assert by_socket.why in by_socket.text
    assert sim.clock.now_ms() == before
    assert sim.journal.unserved == []


@pytest.mark.parametrize(
    ("settings", "bound", "host"),
    [
        ({"trusted_hosts": "a.example.com Simulator.Default.svc"}, "0.0.0.0", "simulator.default.svc:8000"),
        ({"trusted_hosts": "host.docker.internal."}, "0.0.0.0", "host.docker.internal"),
        ({"hosts": "crm.example.com"}, "127.0.0.1", "CRM.example.com"),
        ({"host": "sim.example.com"}, "127.0.0.1", "sim.example.com:8000"),
        ({}, "sim.example.com", "sim.example.com:8000"),
    ],
)
def test_c1_names_that_a_setting_gives_are_answered(build, settings, bound, host):
    by_socket = Socket(build(**settings), bound)
    assert not by_socket.is_refused("POST", "/_simulator/reset", {"Host": host})
    assert by_socket.is_refused("POST", "/_simulator/reset", {"Host": f"x{host}"})


def test_c1_a_trusted_name_is_not_hubspots(build):
    from hubspot_simulator.hosts import matcher

    sim = build(trusted_hosts="simulator.default.svc")
    assert not matcher(sim.settings.hosts)("simulator.default.svc")


@pytest.mark.parametrize("value", ["https://sim.example.com", "sim.example.com:8000", "*.example.com", "a/b", "ü.de"])
def test_c1_a_setting_of_host_names_takes_nothing_else(value):
    for name in ("trusted_hosts", "hosts"):
        with pytest.raises(ValueError, match=f"{name}=.*expected host names separated by spaces"):
            Settings(**{name: value})


ORIGINS = [
    "https://evil.example.com",
    "null",
    "",
    "http://localhost",
    "http://localhost:8001",
    "https://localhost:8000",
    "http://127.0.0.1:8000",
    "https://app.hubspot.com",
    "chrome-extension://abcdef",
    "file://",
    "http://[",
    "http://localhost:8000:99999",
    "http://localhost:99999",
    "\x1b[31m" + "x" * 5000,
]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("site", [None, "cross-site", "same-origin"])
def test_c1_what_a_page_of_another_origin_sends_is_refused_on_every_route(by_socket, origin, site):
    headers = {"Origin": origin, **({"Sec-Fetch-Site": site} if site else {})}
    assert [route for route in EVERY_ROUTE if not by_socket.is_refused(*route, headers)] == []
    assert shown(repr(origin[:100])) in by_socket.why
    assert len(by_socket.why) < 500


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "unheard-of"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Dest": "document"},
    ],
)
def test_c1_so_it_is_by_sec_fetch_site_alone(by_socket, site, how):
    headers = {"Sec-Fetch-Site": site, **how}
    assert [route for route in EVERY_ROUTE if not by_socket.is_refused(*route, headers)] == []


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender", 'Prefetch;anonymous-client-ip="x"'])
@pytest.mark.parametrize("site", ["none", "cross-site", "same-site"])
def test_c1_what_a_browser_fetches_ahead_of_need_is_refused(by_socket, site, purpose):
    headers = {"Sec-Fetch-Site": site, "Sec-Purpose": purpose, **NAVIGATION}
    assert [route for route in EVERY_ROUTE if not by_socket.is_refused(*route, headers)] == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_c1_a_link_from_another_site_leads_here_and_a_form_does_not(by_socket, site):
    headers = {"Sec-Fetch-Site": site, **NAVIGATION}
    for method, path in EVERY_ROUTE:
        assert by_socket.is_refused(method, path, headers) == (method not in ("GET", "HEAD"))


def test_c1_a_link_to_a_rebound_name_does_not_pass(by_socket):
    headers = {"Host": "evil.example.com:8000", "Sec-Fetch-Site": "cross-site", **NAVIGATION}
    assert by_socket.is_refused("GET", "/oauth/authorize", headers)
    own = {"Host": "evil.example.com:8000", "Origin": "http://evil.example.com:8000", "Sec-Fetch-Site": "same-origin"}
    assert by_socket.is_refused("POST", "/oauth/v1/token", own)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", **NAVIGATION},
        {"Host": "localhost", "Origin": "http://localhost"},
        {"Host": "localhost:80", "Origin": "http://localhost"},
        {"Host": "LOCALHOST:8000", "Origin": OWN},
        {"Sec-Fetch-Mode": "cors"},  # what Node's fetch sends
        {"Referer": "https://evil.example.com/"},
    ],
)
def test_c1_its_own_pages_and_programs_are_answered(by_socket, headers):
    assert [route for route in EVERY_ROUTE if by_socket.is_refused(*route, headers)] == []


def test_c1_tls_may_end_in_front_of_a_trusted_name(build):
    by_socket = Socket(build(trusted_hosts="sim.example.com"))
    headers = {"Host": "sim.example.com", "Origin": "https://sim.example.com"}
    assert not by_socket.is_refused("POST", "/oauth/authorize", headers)
    assert by_socket.is_refused("POST", "/oauth/authorize", {**headers, "Origin": "https://sim.example.com:444"})
    assert by_socket.is_refused("POST", "/oauth/authorize", {**headers, "Origin": "https://other.example.com"})


def test_c1_http_1_0_without_host_is_answered(sim):
    environ = EnvironBuilder("/_simulator/health").get_environ()
    del environ["HTTP_HOST"]
    environ["SERVER_PROTOCOL"] = "HTTP/1.0"
    statuses: list[str] = []
    Application(sim).served_on("127.0.0.1")(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["200 OK"]


def test_c1_in_process_nothing_is_checked(client):
    headers = {"Host": "evil.example.com", "Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert client.get("/_simulator/health", headers=headers).status_code == 200


def test_c1_what_is_refused_meets_no_fault_and_counts_against_no_limit(sim, by_socket):
    injected = sim.inject("INTERNAL_ERROR", path="*", times=None)
    token = {"Authorization": f"Bearer {sim.installation.access_token}"}
    assert by_socket("GET", LIST, {**token, "Origin": "null"}) == 403
    assert injected.hits == []
    assert by_socket("GET", LIST, token) == 500


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(
    st.lists(LABEL, min_size=1, max_size=4), st.sampled_from(["", "."]), st.sampled_from(["", ":8000"]), st.booleans()
)
@example(["1", "2", "3", "4"], "", "", False)
def test_c1_no_name_that_public_dns_can_hold_is_answered_unasked(labels, dot, port, upper):
    name = ".".join(labels)
    text = (name.upper() if upper else name) + dot + port
    by_socket = Socket(Simulator())
    public = "." in name and re.fullmatch(r"(?!0x)[a-z0-9-]*[a-z-][a-z0-9-]*", labels[-1]) and labels[-1] != "localhost"
    if public:
        assert by_socket.is_refused("GET", "/_simulator/health", {"Host": text})
    elif "." not in name:
        assert not by_socket.is_refused("GET", "/_simulator/health", {"Host": text})
    assert not Socket(Simulator(Settings(trusted_hosts=name))).is_refused("GET", LIST, {"Host": text})
    assert urlsplit(f"//{text}").hostname is not None


class TestConsentForm:
    """C1: the form carries a token."""

    @pytest.fixture
    def form(self, build):
        sim = build(consent="page")
        by_socket = Socket(sim)
        query = {
            "client_id": sim.app.client_id,
            "redirect_uri": sim.app.redirect_uri,
            "scope": " ".join(sim.app.scopes),
        }
        assert by_socket("GET", "/oauth/authorize", {}, query_string=query) == 200
        token = re.search(r'name="form_token" value="(\w+)"', by_socket.text)
        assert token
        return by_socket, {**query, "portal": str(sim.portal.hub_id), "decision": "connect", "form_token": token[1]}

    def test_c1_the_form_of_the_page_is_taken(self, form):
        by_socket, fields = form
        assert (
            by_socket("POST", "/oauth/authorize", {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, data=fields) == 302
        )

    @pytest.mark.parametrize("token", [None, "", "0" * 64, "ü"])
    @pytest.mark.parametrize("decision", ["connect", "cancel"])
    def test_c1_another_is_refused_with_a_page_and_connects_nothing(self, form, token, decision):
        by_socket, fields = form
        fields = {
            name: value
            for name, value in {**fields, "decision": decision, "form_token": token}.items()
            if value is not None
        }
        assert by_socket("POST", "/oauth/authorize", {}, data=fields) == 403
        assert "Open the link again" in by_socket.text
        assert "form_token is " in by_socket.why
        assert by_socket.sim.store.codes == {}

    def test_c1_the_token_is_that_of_the_random_seed(self):
        tokens = {Simulator(Settings(random_seed=seed)).ids.form_token for seed in ("a", "b", "b")}
        assert len(tokens) == 2

    def test_c1_a_parameter_of_the_same_name_does_not_take_its_place(self, form):
        by_socket, fields = form
        assert by_socket("GET", "/oauth/authorize", {}, query_string={**fields, "form_token": "mine"}) == 200
        assert f'name="form_token" value="{fields["form_token"]}"' in by_socket.text


class TestAnotherSeed:
    """C1: the why of a credential of another seed says so."""

    SEED = "of a simulator whose random seed differs"

    @pytest.mark.parametrize("minutes", [0, 31])
    def test_c1_an_access_token(self, sim, client, build, minutes):
        token = build(random_seed="other").installation.access_token
        sim.clock.advance(minutes=minutes)
        assert client.get(LIST, headers={"Authorization": f"Bearer {token}"}).status_code == 401
        assert self.SEED in sim.journal.exchanges[-1].why

    def test_c1_a_refresh_token(self, sim, refresh, build):
        refresh(refresh_token=build(random_seed="other").installation.refresh_token)
        assert self.SEED in sim.journal.exchanges[-1].why

    def test_c1_a_client_id(self, sim, client, refresh, build):
        other = build(random_seed="other").app.client_id
        refresh(client_id=other)
        assert self.SEED in sim.journal.exchanges[-1].why
        client.get("/oauth/authorize", query_string={"client_id": other})
        assert self.SEED in sim.journal.exchanges[-1].why
