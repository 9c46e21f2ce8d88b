"""Which calls an injected fault hits, and what inject() has to say about mistakes."""

from __future__ import annotations

import re
import threading
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.errors import TOKEN_ERRORS
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.core.glob import is_path
from hubspot_simulator.core.wire_response import WireResponse
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.faults.injection import Arrival, Fault, FaultTarget, InjectedFault

NOW_MS = 1_790_000_000_000
CONTACTS = "/crm/v3/objects/contacts"
TOKEN = "/oauth/v3/token"
ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "faults.md"
BEHAVIOURS = {
    "connection_reset",
    "answer_lost",
    "truncated_body",
    "delay",
    "held_answer",
    "old_token",
    "without_members",
    "clock_skew",
    "expiry",
    "in_flight",
    "server_only",
    "revoked",
}
REFUSALS = {
    "EXPIRED_AUTHENTICATION",
    "INVALID_AUTHENTICATION",
    "MISSING_SCOPES",
    "TEN_SECONDLY_ROLLING",
    "DAILY",
    "INTERNAL_ERROR",
    "BAD_GATEWAY",
    "SERVICE_UNAVAILABLE",
    "GATEWAY_TIMEOUT",
    "LOCKED",
    "MIGRATION",
    *TOKEN_ERRORS,
}


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(clock=ManualClock(NOW_MS))


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(Application(simulator))


def call(simulator: Simulator, client: Client, method: str = "GET", path: str = CONTACTS) -> int:
    """Make a call with the default installation's token; return the status."""
    headers = {"Authorization": f"Bearer {simulator.installation.access_token}"}
    return client.open(path, method=method, headers=headers).status_code


def refresh(simulator: Simulator, client: Client, path: str = TOKEN) -> int:
    app = simulator.app
    form = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "refresh_token"}
    return client.post(path, data={**form, "refresh_token": simulator.installation.refresh_token}).status_code


def statuses(simulator: Simulator, client: Client, count: int) -> list[int]:
    return [call(simulator, client) for _ in range(count)]


def test_the_catalogue_is_what_it_is_said_to_be(simulator: Simulator) -> None:
    assert set(simulator.faults.catalogue) == BEHAVIOURS | REFUSALS


class TestPaths:
    @pytest.mark.parametrize(
        ("pattern", "path", "route"),
        [
            (CONTACTS, CONTACTS, "/crm/v3/objects/{type}"),
            (CONTACTS + "/", CONTACTS, None),
            (CONTACTS, CONTACTS + "/", None),
            ("/crm/v3/objects/{type}", "/crm/v3/objects/deals", "/crm/v3/objects/{type}"),
            ("/crm/v3/objects/{type}/", "/crm/v3/objects/deals", "/crm/v3/objects/{type}"),
            ("/crm/*", CONTACTS, None),
            ("*", CONTACTS, None),
            ("*/contacts", CONTACTS, None),
            ("/crm/*/objects/*", CONTACTS, None),
            ("/oauth/*/token", "/oauth/v1/token", "/oauth/v1/token"),
            ("/oauth/*/token", "/oauth/2026-09/token/", None),
        ],
    )
    def test_a_pattern_stands_for_a_path(self, pattern: str, path: str, route: str | None) -> None:
        assert is_path(pattern, path, route)

    @pytest.mark.parametrize(
        ("pattern", "path", "route"),
        [
            (CONTACTS, CONTACTS + "/1", "/crm/v3/objects/{type}/{id}"),
            ("/crm/v3/objects/{type}", CONTACTS + "/1", "/crm/v3/objects/{type}/{id}"),
            ("/crm/v3/objects/{kind}", CONTACTS, "/crm/v3/objects/{type}"),
            ("/oauth/*/token", "/oauth/v3/token/introspect", None),
            ("/crm/v3/objects/contact.", CONTACTS, None),
            ("*/contact.", CONTACTS, None),
            ("/crm", CONTACTS, None),
        ],
    )
    def test_and_not_for_another(self, pattern: str, path: str, route: str | None) -> None:
        assert not is_path(pattern, path, route)


class TestTargets:
    def test_without_a_path_authenticated_calls_alone_are_hit(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", times=None)
        metadata = f"/oauth/v1/access-tokens/{simulator.installation.access_token}"
        others = [
            refresh(simulator, client),
            client.get("/.well-known/oauth-authorization-server").status_code,
            client.get("/_simulator/health").status_code,
            call(simulator, client, path=metadata),
        ]
        assert others == [200] * 4
        assert call(simulator, client) == 500
        assert call(simulator, client, path="/integrations/v1/me") == 500
        assert [hit.path for hit in fault.hits] == [CONTACTS, "/integrations/v1/me"]

    @pytest.mark.parametrize("name", [*TOKEN_ERRORS, "old_token", "without_members"])
    def test_a_fault_about_tokens_hits_the_token_endpoint_alone(
        self, simulator: Simulator, client: Client, name: str
    ) -> None:
        options = {"members": ["refresh_token"]} if name == "without_members" else {}
        fault = simulator.inject(name, times=None, **options)
        assert call(simulator, client) == 200
        for path in ("/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"):
            refresh(simulator, client, path)
        introspection = client.post("/oauth/v3/token/introspect", data={"token": "x"})
        assert introspection.status_code == 400
        assert [hit.path for hit in fault.hits] == ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"]

    def test_a_path_can_be_named_for_any_fault(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("SERVICE_UNAVAILABLE", path="/oauth/*/token")
        simulator.inject("BAD_REFRESH_TOKEN", path=CONTACTS)
        assert refresh(simulator, client) == 503
        assert call(simulator, client) == 400
        assert (refresh(simulator, client), call(simulator, client)) == (200, 200)

    @pytest.mark.parametrize("method", ["POST", "post"])
    def test_a_method_can_be_named(self, simulator: Simulator, client: Client, method: str) -> None:
        fault = simulator.inject("INTERNAL_ERROR", method=method)
        assert call(simulator, client) == 200
        assert call(simulator, client, "POST") == 500
        assert [hit.method for hit in fault.hits] == ["POST"]

    def test_the_control_api_is_out_of_reach(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("connection_reset", path="*", times=None)
        assert client.get("/_simulator/clock").status_code == 200
        assert client.post("/_simulator/clock/advance", json={"minutes": 1}).status_code == 200
        assert fault.hits == []

    def test_what_is_not_served_is_not_hit(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", path="*", times=None)
        assert call(simulator, client, path="/crm/v4/associations") == 404
        assert call(simulator, client, "POST", "/oauth/v1/access-tokens/x") == 405
        assert fault.hits == []

    def test_a_target_says_what_it_is(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR")
        assert repr(fault) == "<fault INTERNAL_ERROR for any authenticated call: hit 0 calls>"
        call(simulator, client)
        assert repr(fault) == "<fault INTERNAL_ERROR for any authenticated call: hit 1 call>"
        named = simulator.inject("LOCKED", method="get", path="/crm/*", after_accepting=True)
        assert repr(named) == "<fault LOCKED:after_accepting for GET /crm/*: hit 0 calls>"


class TestCounting:
    def test_once_unless_told_otherwise(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("INTERNAL_ERROR")
        assert statuses(simulator, client, 3) == [500, 200, 200]

    def test_times(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", times=2)
        assert statuses(simulator, client, 4) == [500, 500, 200, 200]
        assert [hit.number for hit in fault.hits] == [1, 2]

    def test_none_is_always(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("INTERNAL_ERROR", times=None)
        assert statuses(simulator, client, 5) == [500] * 5

    @pytest.mark.parametrize(
        ("times", "expected"),
        [(1, [200, 200, 500, 200, 200]), (2, [200, 200, 500, 500, 200]), (None, [200, 200, 500, 500, 500])],
    )
    def test_nth(self, simulator: Simulator, client: Client, times: int | None, expected: list[int]) -> None:
        simulator.inject("INTERNAL_ERROR", nth=3, times=times)
        assert statuses(simulator, client, 5) == expected

    def test_nth_counts_from_now_on_and_matching_calls_alone(self, simulator: Simulator, client: Client) -> None:
        assert statuses(simulator, client, 2) == [200, 200]
        simulator.inject("INTERNAL_ERROR", nth=2, method="GET", path="/crm/v3/objects/{type}")
        assert call(simulator, client) == 200
        assert call(simulator, client, path="/crm/v3/objects/contacts/1") == 404
        assert call(simulator, client, "POST") == 400
        assert refresh(simulator, client) == 200
        assert statuses(simulator, client, 2) == [500, 200]

    def test_removed(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", times=None)
        assert statuses(simulator, client, 1) == [500]
        fault.remove()
        fault.remove()
        assert statuses(simulator, client, 2) == [200, 200]
        assert len(fault.hits) == 1

    def test_removed_while_a_call_is_counted(self) -> None:
        class Removing(FaultTarget):
            def matches(self, arrival: Arrival) -> bool:
                injected.remove()  # as by another thread, between the look and the count
                return True

        arrival = Arrival("GET", CONTACTS, None, True, "", NOW_MS)
        injected = InjectedFault("x", Fault(), Removing(None, None))
        assert injected.takes(arrival)
        assert not injected.takes(arrival)
        assert not injected.takes(arrival)

    def test_a_reset_forgets_faults(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", times=None)
        assert statuses(simulator, client, 1) == [500]
        simulator.reset()
        assert statuses(simulator, client, 2) == [200, 200]
        assert len(fault.hits) == 1

    def test_two_hit_the_calls_that_each_is_for(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("INTERNAL_ERROR", nth=2)
        simulator.inject("BAD_GATEWAY", nth=3)
        assert statuses(simulator, client, 4) == [200, 500, 502, 200]

    @pytest.mark.parametrize("times", [1, 5])
    def test_of_sixteen_calls_at_once_exactly_so_many_are_hit(self, simulator: Simulator, times: int) -> None:
        class Slow(FaultTarget):
            def matches(self, arrival: Arrival) -> bool:
                threading.Event().wait(0.001)  # long enough for another thread to look, too
                return True

        refusal = simulator.faults.make("INTERNAL_ERROR")
        fault = simulator.faults.add(InjectedFault("INTERNAL_ERROR", refusal, Slow(None, None), times=times))
        application = Application(simulator)
        assert simulator.installation.access_token
        together = threading.Barrier(16)
        seen: list[int] = []

        def work() -> None:
            together.wait()
            seen.append(call(simulator, Client(application)))

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == [200] * (16 - times) + [500] * times
        assert len(fault.hits) == times


class TestProbability:
    def pattern(self, *, seed: str = "0", name: str = "", probability: float = 0.5, **options: Any) -> list[int]:
        simulator = Simulator(Settings(random_seed=seed), clock=ManualClock(NOW_MS), name=name)
        client = Client(Application(simulator))
        simulator.inject("INTERNAL_ERROR", times=None, probability=probability, **options)
        return statuses(simulator, client, 60)

    def test_the_random_seed_and_the_name_decide(self) -> None:
        assert self.pattern() == self.pattern()
        assert set(self.pattern()) == {200, 500}
        assert len({str(self.pattern(seed=seed, name=name)) for seed, name in (("0", ""), ("1", ""), ("0", "x"))}) == 3

    def test_a_reset_repeats_it(self) -> None:
        simulator = Simulator(clock=ManualClock(NOW_MS))
        client = Client(Application(simulator))

        def hits() -> list[int]:
            simulator.reset()
            simulator.inject("INTERNAL_ERROR", times=None, probability=0.5)
            return statuses(simulator, client, 60)

        assert hits() == hits()

    def test_never_and_always(self) -> None:
        assert self.pattern(probability=0) == [200] * 60
        assert self.pattern(probability=1) == [500] * 60

    def test_nth_is_the_first_that_may_be_hit(self) -> None:
        assert self.pattern(nth=31)[:30] == [200] * 30
        assert 500 in self.pattern(nth=31)[30:]

    def test_times_bounds_it(self, simulator: Simulator, client: Client) -> None:
        fault = simulator.inject("INTERNAL_ERROR", times=3, probability=0.5)
        assert sorted(statuses(simulator, client, 60))[-4:] == [200, 500, 500, 500]
        assert len(fault.hits) == 3

    def test_without_one_the_stream_does_not_move(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("LOCKED", times=None, method="DELETE")
        simulator.inject("INTERNAL_ERROR", times=None, probability=0.5)
        assert statuses(simulator, client, 60) == self.pattern()


class TestMistakes:
    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("INTERNAL_EROR", "INTERNAL_ERROR"),
            ("conection_reset", "connection_reset"),
            ("BAD_REFRESH_TOKENS", "BAD_REFRESH_TOKEN"),
            ("answer-lost", "answer_lost"),
            ("bad_gateway", "BAD_GATEWAY"),
            ("AnswerLost", "answer_lost"),
        ],
    )
    def test_a_name_that_does_not_exist(self, simulator: Simulator, name: str, near: str) -> None:
        with pytest.raises(ValueError, match=f"^there is no fault '{name}' \\(did you mean '{near}'\\?\\)") as error:
            simulator.inject(name)
        assert all(known in str(error.value) for known in BEHAVIOURS | REFUSALS)

    def test_a_name_that_is_like_none(self, simulator: Simulator) -> None:
        with pytest.raises(ValueError, match=r"^there is no fault 'zzz'; there are: "):
            simulator.inject("zzz")

    @pytest.mark.parametrize(
        ("name", "option", "takes"),
        [
            ("connection_reset", "seconds", "none"),
            ("delay", "minutes", "seconds, real_seconds"),
            ("held_answer", "seconds", "until, real_seconds"),
            ("INTERNAL_ERROR", "after", "after_accepting"),
            ("BAD_REFRESH_TOKEN", "status", "after_accepting"),
            ("EXPIRED_AUTHENTICATION", "minutes_ago", "seconds_ago, expire_time_ms, message, after_accepting"),
            ("expiry", "seconds", "none"),
        ],
    )
    def test_an_option_that_does_not_exist(self, simulator: Simulator, name: str, option: str, takes: str) -> None:
        with pytest.raises(ValueError, match=f"^the fault '{name}' has no option '{option}': it takes {takes}$"):
            simulator.inject(name, **{option: 1})

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("delay", {}, "by how much"),
            ("delay", {"seconds": -1}, "seconds=-1: expected a number of seconds from 0 to 3.16224e"),
            ("delay", {"real_seconds": -0.1}, "real_seconds=-0.1: expected a number of seconds from 0 to 600"),
            ("delay", {"seconds": "12"}, "seconds='12': expected a number of seconds"),
            ("delay", {"seconds": True}, "seconds=True: expected a number of seconds"),
            ("clock_skew", {}, "by how much"),
            ("clock_skew", {"minuets": 5}, "by how much"),
            ("without_members", {}, "expected a list of names"),
            ("without_members", {"members": []}, "expected a list of names"),
            ("without_members", {"members": "refresh_token"}, "expected a list of names"),
            ("MISSING_SCOPES", {"scopes": "tickets"}, "expected a list of names"),
        ],
    )
    def test_an_option_that_is_wrong(
        self, simulator: Simulator, name: str, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^the fault '{name}': .*{message}"):
            simulator.inject(name, **options)

    @pytest.mark.parametrize("name", ["nth", "times"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, "3", True])
    def test_a_count_that_is_none(self, simulator: Simulator, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"^{name}={re.escape(repr(value))}: expected "):
            simulator.inject("INTERNAL_ERROR", **{name: value})

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5"])
    def test_a_probability_that_is_none(self, simulator: Simulator, value: Any) -> None:
        with pytest.raises(ValueError, match=r"^probability=.*: expected a number from 0 to 1$"):
            simulator.inject("INTERNAL_ERROR", probability=value)

    @pytest.mark.parametrize("path", ["crm/v3", "", CONTACTS + "?limit=1", "https://api.hubapi.com/crm", 3])
    def test_a_path_that_is_none(self, simulator: Simulator, path: Any) -> None:
        with pytest.raises(ValueError, match=r"^path=.*: expected a path without its query, a route template, or"):
            simulator.inject("INTERNAL_ERROR", path=path)

    def test_nothing_is_injected_by_a_mistake(self, simulator: Simulator, client: Client) -> None:
        with pytest.raises(ValueError, match="nth"):
            simulator.inject("INTERNAL_ERROR", nth=0)
        assert simulator.store.faults == []
        assert call(simulator, client) == 200


class Broken(Fault):
    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        raise OverflowError("too much")


class TestJournal:
    def last(self, simulator: Simulator) -> Exchange:
        return simulator.journal.exchanges[-1]

    def test_it_names_what_was_injected_in_order(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("clock_skew", seconds=1)
        simulator.inject("LOCKED", after_accepting=True)
        call(simulator, client)
        assert self.last(simulator).faults == ("clock_skew", "LOCKED:after_accepting")
        call(simulator, client)
        assert self.last(simulator).faults == ()

    def test_what_is_not_to_be_shown_is_not(self, simulator: Simulator, client: Client) -> None:
        hidden = simulator.faults.add(
            InjectedFault("counted", Fault(), FaultTarget(None, None), times=None, shown=False)
        )
        simulator.inject("LOCKED")
        call(simulator, client)
        assert self.last(simulator).faults == ("LOCKED",)
        assert hidden.hits == [self.last(simulator)]

    def test_why_says_that_it_was_injected(self, simulator: Simulator, client: Client) -> None:
        simulator.inject("INTERNAL_ERROR")
        call(simulator, client)
        assert self.last(simulator).why == "injected: internal error"
        assert " 500: injected: internal error" in str(self.last(simulator))

    def test_a_fault_that_fails_is_answered_and_told(
        self, simulator: Simulator, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        simulator.faults.add(InjectedFault("broken", Broken(), FaultTarget(None, None)))
        assert call(simulator, client) == 500
        assert self.last(simulator).why.startswith("the injected fault broken failed: OverflowError")
        assert [record.message for record in caplog.records] == ["the injected fault broken failed"]
        assert call(simulator, client) == 200


class TestGuide:
    def rows(self) -> dict[str, list[str]]:
        """Return the options of each fault in the tables of the page."""
        found: dict[str, list[str]] = {}
        for line in GUIDE.read_text("utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if line.startswith("| `") and len(cells) == 3:
                for name in re.findall(r"`(\w+)`", cells[0]):
                    assert name not in found
                    found[name] = re.findall(r"`(\w+)", cells[1])
        return found

    def test_it_lists_the_catalogue_with_its_options(self, simulator: Simulator) -> None:
        kept = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        catalogue = {
            name: [p.name for p in signature(factory).parameters.values() if p.kind in kept]
            for name, factory in simulator.faults.catalogue.items()
        }
        catalogue["clock_skew"] = ["minutes"]  # and whatever else timedelta takes
        every_refusal = ["after_accepting"]  # said once, above the table
        options = {
            name: [option for option in found if name not in REFUSALS or option not in every_refusal]
            for name, found in catalogue.items()
        }
        assert self.rows() == options
        assert all("after_accepting" in catalogue[name] for name in REFUSALS)

    def test_its_code_does_what_it_says(self) -> None:
        text = GUIDE.read_text("utf-8")
        blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
        assert len(blocks) >= 4
        assert sum(block[1].count("assert ") for block in blocks) >= 8
        namespace: dict[str, Any] = {}
        try:
            for block in blocks:
                lines_before = "\n" * text.count("\n", 0, block.start(1))  # a failure shows its line of the page, then
                exec(compile(lines_before + block[1], str(GUIDE), "exec"), namespace)
        finally:
            if "server" in namespace:
                namespace["server"].stop()

    def test_every_link_leads_somewhere(self) -> None:
        links = re.findall(r"\]\(([^)#]+)", GUIDE.read_text("utf-8"))
        assert [link for link in links if not (GUIDE.parent / link).exists()] == []
