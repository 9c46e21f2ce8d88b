"""The control API. Who may call it: test_trust.py."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.http.app import Application

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, Build


LIST = "/crm/v3/objects/contacts"
ADVANCE = "/_simulator/clock/advance"
CONTROLS = [
    ("GET", "/_simulator/health"),
    ("GET", "/_simulator/clock"),
    ("POST", ADVANCE),
    ("POST", "/_simulator/reset"),
    ("POST", "/_simulator/faults"),
    ("DELETE", "/_simulator/faults"),
    ("GET", "/_simulator/audit"),
]
BODIES = defaultdict(lambda: b'{"minutes": 1}', {"/_simulator/faults": b'{"name": "delay", "seconds": 1}'})
NOW_MS = 1_677_534_017_518


def test_health_counts_the_exchanges_so_far(client: Client) -> None:
    assert client.get("/_simulator/health").text == '{"status":"ok","exchanges":0}'
    client.get(LIST)
    assert client.get("/_simulator/health").json["exchanges"] == 2


def test_the_clock_is_told(client: Client) -> None:
    assert client.get("/_simulator/clock").text == (
        '{"now":"2023-02-27T21:40:17.518Z","now_ms":1677534017518,"offset_ms":0}'
    )


@pytest.mark.parametrize(
    ("body", "moved_ms"),
    [
        ({"minutes": 31}, 1_860_000),
        ({"milliseconds": 1}, 1),
        ({"seconds": 0.25}, 250),
        ({"seconds": -5}, -5_000),
        ({"hours": 1, "minutes": 1, "seconds": 1}, 3_661_000),
        ({"days": 1, "weeks": 1}, 691_200_000),
        ({"seconds": 0}, 0),
        ({"milliseconds": 1.9}, 1),
        ({"milliseconds": -NOW_MS}, -NOW_MS),
    ],
)
def test_the_clock_moves_by_what_is_given(sim: Simulator, client: Client, body: dict[str, Any], moved_ms: int) -> None:
    response = client.post(ADVANCE, json=body)
    assert response.status_code == 200
    assert response.json == client.get("/_simulator/clock").json
    assert list(response.json) == ["now", "now_ms", "offset_ms"]
    assert (response.json["now_ms"], response.json["offset_ms"]) == (NOW_MS + moved_ms, moved_ms)
    assert sim.clock.now_ms() == NOW_MS + moved_ms


def test_moves_add_up(client: Client) -> None:
    client.post(ADVANCE, json={"minutes": 31})
    assert client.post(ADVANCE, json={"minutes": 1}).json["offset_ms"] == 1_920_000


def test_a_token_expires_by_it(client: Client, api: Api) -> None:
    assert api("GET", LIST).status_code == 200
    client.post(ADVANCE, json={"minutes": 31})
    assert api("GET", LIST).json["message"] == "The OAuth token used to make this call expired 60 second(s) ago."


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "application/json", None])
def test_the_content_type_is_no_matter(client: Client, content_type: str | None) -> None:
    response = client.post(ADVANCE, data=b'{"minutes": 31}', content_type=content_type)
    assert response.json["offset_ms"] == 1_860_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "cannot advance by nothing: "),
        (b'{"minute": 1}', "cannot advance by 'minute': 1: "),
        (b'{"minutes": "31"}', "cannot advance by 'minutes': '31': "),
        (b'{"minutes": true}', "cannot advance by 'minutes': True: "),
        (b'{"minutes": null, "x": []}', "cannot advance by 'minutes': None, 'x': []: "),
        (b'{"minutes": 1, "years": 1}', "cannot advance by 'years': 1: "),
        (b'{"days": 1e6, "microseconds": 1}', "cannot advance by 'microseconds': 1: "),
        (b'{"weeks": 1000000}', "cannot advance by {'weeks': 1000000}: the clock runs from 1970 to 9999"),
        (b'{"seconds": 1e308}', "cannot advance by {'seconds': 1e+308}: the clock runs from 1970 to 9999"),
        (b'{"seconds": 1e400}', "cannot advance by {'seconds': inf}: the clock runs from 1970 to 9999"),
        (b'{"days": -30000}', "cannot advance by {'days': -30000}: the clock runs from 1970 to 9999"),
        (b'{"weeks": -1e9}', "cannot advance by {'weeks': -1000000000.0}: the clock runs from 1970 to 9999"),
        (b'{"seconds": 1' + b"0" * 400 + b"}", "cannot advance by {'seconds': 1000"),
        (b'{"seconds": NaN}', "Invalid input JSON on line 1, column 1: "),
        (b"minutes=31", "Invalid input JSON on line 1, column 1: "),
        (b"", "Invalid input JSON on line 1, column 1: "),
        (b"[31]", "Invalid input JSON on line 1, column 1: "),
        (b"[" * 100_000, "Invalid input JSON on line 1, column 1: "),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else "",
)
def test_a_wrong_move_is_refused_and_moves_nothing(sim: Simulator, client: Client, body: bytes, message: str) -> None:
    response = client.post(ADVANCE, data=body)
    assert response.status_code == 400
    assert response.json["message"].startswith(message)
    assert sim.clock.now_ms() == NOW_MS


@pytest.mark.parametrize("ttl", [1800, 86_400])
def test_b7_the_clock_stays_a_tokens_life_before_the_end_of_the_year_9999(build: Build, ttl: int) -> None:
    sim = build(token_ttl=ttl)
    client = Client(Application(sim))
    left_ms = 253_402_300_799_999 - ttl * 1000 - sim.clock.now_ms()
    response = client.post(ADVANCE, json={"milliseconds": left_ms + 1})
    assert response.status_code == 400
    assert "the clock runs from 1970 to 9999 (cannot move HubSpot's clock by " in response.json["message"]
    assert sim.clock.offset_ms == 0
    assert client.post(ADVANCE, json={"milliseconds": left_ms}).status_code == 200
    headers = {"Authorization": f"Bearer {sim.install().access_token}"}
    assert client.get(LIST, headers=headers).status_code == 200


def test_the_refusal_of_a_move_names_the_units_and_an_example(client: Client) -> None:
    message = client.post(ADVANCE, json={"minute": 1}).json["message"]
    assert message.endswith(
        'expected numbers of milliseconds, seconds, minutes, hours, days, weeks, as in {"minutes": 31}'
    )


def test_a_reset_forgets_everything_and_gives_the_same_credentials(
    sim: Simulator, client: Client, api: Api, refresh: Ask
) -> None:
    before = (sim.app, sim.portal, sim.installation.refresh_token)
    api.create("contacts", email="jane@b.co")
    client.post(ADVANCE, json={"minutes": 31})
    response = client.post("/_simulator/reset")
    assert response.json == {"now": "2023-02-27T21:40:17.518Z", "now_ms": NOW_MS, "offset_ms": 0}
    assert (sim.app, sim.portal, sim.installation.refresh_token) == before
    assert [exchange.path for exchange in sim.journal.exchanges] == ["/_simulator/reset"]
    assert api.get(LIST) == {"results": []}
    assert refresh().status_code == 200


@pytest.mark.parametrize(("method", "path"), CONTROLS)
def test_no_credentials_are_needed_and_none_matter(client: Client, method: str, path: str) -> None:
    headers = {"Authorization": "Bearer garbage"}
    assert client.open(path, method=method, data=BODIES[path], headers=headers).status_code in (200, 201, 204)


def test_after_a_reset_the_tokens_that_were_given_out_are_good(
    sim: Simulator, client: Client, api: Api, refresh: Ask
) -> None:
    assert api("GET", LIST).status_code == 200
    client.post("/_simulator/reset")
    assert api("GET", LIST).status_code == 200
    assert refresh().status_code == 200


class TestFaults:
    FAULTS = "/_simulator/faults"

    def test_one_is_injected_and_hits(self, client: Client, api: Api) -> None:
        response = client.post(self.FAULTS, json={"name": "INTERNAL_ERROR", "method": "GET", "nth": 2, "times": None})
        assert (response.status_code, response.text) == (
            201,
            '{"name":"INTERNAL_ERROR","for":"GET authenticated call"}',
        )
        assert [api("GET", LIST).status_code for _ in range(3)] == [200, 500, 500]

    def test_options_are_those_of_the_fault(self, client: Client, api: Api) -> None:
        client.post(self.FAULTS, json={"name": "EXPIRED_AUTHENTICATION", "seconds_ago": 300})
        assert api("GET", LIST).json["message"].endswith("expired 5 minute(s) ago.")

    def test_they_are_forgotten(self, client: Client, api: Api) -> None:
        client.post(self.FAULTS, json={"name": "INTERNAL_ERROR", "times": None})
        response = client.delete(self.FAULTS)
        assert (response.status_code, response.text) == (204, "")
        assert api("GET", LIST).status_code == 200

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, 'name=None: expected the name of a fault, as in {"name": "answer_lost"}'),
            ({"name": ["x"]}, "name=['x']: expected the name of a fault"),
            ({"name": "answer_los"}, "there is no fault 'answer_los' (did you mean 'answer_lost'?)"),
            ({"name": "answer_lost", "nth": 0}, "nth=0: expected the number of the call to hit, from 1"),
            ({"name": "answer_lost", "method": 3}, "method=3: expected the name of one, such as POST"),
            ({"name": "answer_lost", "paths": "/"}, "the fault 'answer_lost' has no option 'paths': it takes none"),
            (
                {"name": "delay", "real_seconds": 1e9},
                "real_seconds=1000000000.0: expected a number of seconds from 0 to",
            ),
            ({"name": "delay", "seconds": "12"}, "seconds='12': expected a number of seconds"),
            ({"name": "held_answer", "until": 3}, "until=3: expected a text"),
            (
                {"name": "held_answer", "real_seconds": -1},
                "real_seconds=-1: expected a number of seconds from 0 to 600",
            ),
            ({"name": "EXPIRED_AUTHENTICATION", "seconds_ago": "60"}, "seconds_ago='60': expected a number of seconds"),
            (
                {"name": "EXPIRED_AUTHENTICATION", "expire_time_ms": -1},
                "expire_time_ms=-1: expected an instant in epoch",
            ),
            ({"name": "EXPIRED_AUTHENTICATION", "message": 3}, "message=3: expected a text or None"),
            ({"name": "MISSING_SCOPES", "scopes": [3]}, "scopes=[3]: expected a list of names"),
            ({"name": "clock_skew", "minutes": 1e12}, "expected at most 366 days, ahead or behind"),
            ({"name": "clock_skew", "days": 1e30}, "expected at most 366 days, ahead or behind"),
            ({"name": "clock_skew", "minute": 5}, "{'minute': 5}: by how much?"),
            ({"name": "DAILY", "self": 5}, "multiple values for argument 'self'"),
            ({"name": "MISSING_SCOPES", "scopes": []}, "scopes=[]: expected a list of names"),
            ({"name": "clock_skew", "minutes": "31"}, "the fault 'clock_skew': "),
        ],
    )
    def test_what_cannot_be_injected_is_refused(
        self, client: Client, api: Api, body: dict[str, Any], message: str
    ) -> None:
        response = client.post(self.FAULTS, json=body)
        assert response.status_code == 400
        assert message in response.json["message"]
        assert api("GET", LIST).status_code == 200


class TestAudit:
    def test_nothing_to_find(self, client: Client, api: Api) -> None:
        api("GET", LIST)
        assert client.get("/_simulator/audit").json == {"findings": []}

    def test_a_finding(self, sim: Simulator, client: Client, api: Api) -> None:
        api("GET", LIST)
        sim.clock.advance(minutes=31)
        api("GET", LIST)
        (finding,) = client.get("/_simulator/audit").json["findings"]
        assert list(finding) == ["id", "severity", "problem", "remedy", "explain", "exchanges"]
        assert (finding["id"], finding["severity"]) == ("no-refresh-after-expiry", "error")
        assert finding["explain"] == "hubspot-simulator explain no-refresh-after-expiry"
        assert [text.split(" ")[2:5] for text in finding["exchanges"]] == [["GET", LIST, "401:"]]
