"""The conformance kit, as a user's run shows it. What it detects is proved in tests/zoo."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import threading
import warnings
from pathlib import Path

import httpx
import pytest
import requests

from hubspot_simulator.lab.audit import FINDINGS
from hubspot_simulator.lab.conformance import calling, probe
from hubspot_simulator.lab.conformance.bug_class_coverage import is_covered, scenarios_for
from hubspot_simulator.lab.conformance.bug_classes import BUG_CLASSES
from hubspot_simulator.lab.conformance.failures import Runaway
from hubspot_simulator.lab.conformance.fuse import Fuse, guarded
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS
from pytest_hubspot_auth import HubspotClock, HubSpotRefreshSuite, HubspotSim
from pytest_hubspot_auth.conformance.bench import assess_alone
from pytest_hubspot_auth.conformance.score_card import score_cards, score_lines, write_json

# A run in process forgets the modules that it imported, and the next one would mix them with those that stayed:
# what a suite uses is imported here.
IMPORTED = (httpx, requests, HubspotClock, HubspotSim, HubSpotRefreshSuite, assess_alone, probe)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
UPDATE = "UPDATE_DOCS"

CLIENT = """
import asyncio
import time

import httpx
import pytest
import requests

from pytest_hubspot_auth import Connection, HubSpotRefreshSuite


class Client:
    def __init__(self, connection):
        self.url = connection.base_url
        self.form = {"client_id": connection.client_id, "client_secret": connection.client_secret}
        self.tokens = dict(connection.tokens)

    def get(self, path="/crm/v3/objects/contacts"):
        answer = self.send(path)
        if answer.status_code == 401:
            self.refresh()
            answer = self.send(path)
        answer.raise_for_status()

    def send(self, path):
        headers = {"Authorization": "Bearer " + self.tokens["access_token"]}
        return requests.get(self.url + path, headers=headers, timeout=10)

    def refresh(self):
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"], **self.form}
        answer = requests.post(self.url + "/oauth/2026-09/token", data=form, timeout=10)
        answer.raise_for_status()
        self.tokens.update(answer.json())


class NeverRefreshes(Client):
    def refresh(self):
        pass


class Adapter(HubSpotRefreshSuite):
    client = Client

    def connect(self, connection):
        return self.client(connection)

    def work(self, client):
        client.get()
"""


@pytest.fixture
def kit(pytester: pytest.Pytester):
    """Run a module of suites, which begins with ``CLIENT``; the score card is at the end of the output."""

    def kit(source: str, *arguments: str, in_process: bool = True, client: str = CLIENT) -> pytest.RunResult:
        pytester.makepyfile(test_it=client + source)
        run = pytester.runpytest_inprocess if in_process else pytester.runpytest_subprocess
        return run("-p", "no:randomly", "-p", "no:cacheprovider", "--hubspot-score-card=card.json", *arguments)

    return kit


def card(pytester: pytest.Pytester) -> dict:
    """Return the only score card."""
    document = json.loads((pytester.path / "card.json").read_text("utf-8"))
    assert document["version"] == 1
    assert document["command"] == "pytest"
    bad = [one for card in document["suites"] for one in card["scenarios"] if one["outcome"] == "failed"]
    assert document["outcome"] == ("failed" if any(not one["expected"] for one in bad) else "passed")
    assert document["totals"]["failed"] == len(bad)
    (only,) = document["suites"]
    return only


class TestTable:
    def test_the_scenarios_cover_what_the_bug_classes_say(self) -> None:
        assert sorted(BUG_CLASSES) == list(range(1, 42))
        assert {number for scenario in SCENARIOS.values() for number in scenario.classes} <= set(BUG_CLASSES)
        assert [number for number, found in BUG_CLASSES.items() if not is_covered(found) and not found.blind] == []
        assert sum(is_covered(found) for found in BUG_CLASSES.values()) >= 33
        assert scenarios_for(BUG_CLASSES[1]) == ("survives-minute-31",)

    def test_every_finding_that_is_named_exists(self) -> None:
        named = {name for found in (*SCENARIOS.values(), *BUG_CLASSES.values()) for name in found.findings}
        assert named <= set(FINDINGS)

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_a_scenario_says_what_it_does_and_where_the_bug_was_seen(self, name: str) -> None:
        scenario = SCENARIOS[name]
        assert scenario.title.endswith(".")
        assert re.search(r"Seen |seen |see ", scenario.doc), scenario.doc


class TestSuite:
    def test_a_score_card_that_cannot_be_written_is_said(self, kit) -> None:
        result = kit("class TestIt(Adapter): pass", "-k", "minute_31", "--hubspot-score-card=no/such/folder.json")
        assert result.ret == 0
        result.stdout.fnmatch_lines(["the score card could not be written: *No such file or directory: 'no/such/*'"])

    def test_a_right_client_passes(self, kit, pytester: pytest.Pytester) -> None:
        result = kit("class TestIt(Adapter): pass")
        assert result.ret == 0
        outcomes = result.parseoutcomes()
        assert set(outcomes) == {"passed", "skipped"}
        assert sum(outcomes.values()) == len(SCENARIOS)
        result.stdout.fnmatch_lines(
            [
                "*= HubSpot refresh score card =*",
                "test_it.py::TestIt",
                "  survives-minute-31 *1  passed",
                "  one-refresh-for-many *15  not applicable: no concurrency, *",
                f"  {outcomes['passed']} passed, 0 failed, {outcomes['skipped']} not applicable; "
                "* of 41 bug classes covered",
            ]
        )
        totals = card(pytester)["totals"]
        assert totals["passed"] == outcomes["passed"]
        assert totals["bug_classes_covered"] >= 25

    def test_one_that_never_refreshes_fails_and_is_told_what_to_do(self, kit, pytester: pytest.Pytester) -> None:
        result = kit("class TestIt(Adapter): client = NeverRefreshes", "-k", "minute_31")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(
            [
                "survives-minute-31: work() raised HTTPError: 401 Client Error: * "
                "31 minutes after its tokens were issued.",
                "What a right integration does: It refreshes an access token that has expired, once, *",
                "The exchanges that show it:",
                "  #2 * GET /crm/v3/objects/contacts 401: * expired 60 s ago *",
                "The exception came from test_it.py:*",
                "Bug class 1 (never refreshes at all). More: hubspot-simulator explain survives-minute-31",
                "  survives-minute-31 *1  FAILED (no-refresh-after-expiry*): work() raised HTTPError: 401 Client*",
                "  0 passed, 1 failed, 0 not applicable; 1 of 41 bug classes covered",
            ]
        )
        assert card(pytester)["bug_classes"] == {"covered": [1], "failed": [1]}
        assert "Traceback" not in result.stdout.str()

    def test_no_token_is_printed_whole(self, kit) -> None:
        source = """
class Tells(Client):
    def refresh(self):
        raise RuntimeError("Bearer " + self.tokens["access_token"])
class TestIt(Adapter):
    client = Tells
"""
        result = kit(source, "-k", "minute_31")
        result.stdout.fnmatch_lines(["survives-minute-31: work() raised RuntimeError: Bearer C*…*."])
        assert not re.search(r"C[\w-]{60}", result.stdout.str())

    @pytest.mark.parametrize("part", ["connect", "work", "stored", "is_connected", "close"])
    def test_c3_no_secret_is_in_what_the_kit_prints_or_writes(self, kit, pytester: pytest.Pytester, part: str) -> None:
        source = f"""
import base64, urllib.parse

class TestIt(Adapter):
    def tell(self, connection):
        token, secret = connection.tokens["refresh_token"], connection.client_secret
        basic = base64.b64encode(f"{{connection.client_id}}:{{secret}}".encode()).decode()
        escaped = "".join(f"%{{ord(char):02x}}" for char in token)
        raise RuntimeError("\\x1b[2J" + "\\n".join([connection.tokens["access_token"], token, secret, basic, escaped]))
    def connect(self, connection):
        self.connection = connection
        return self.tell(connection) if {part!r} == "connect" else super().connect(connection)
    def work(self, client):
        return self.tell(self.connection) if {part!r} == "work" else super().work(client)
    def stored(self, client):
        return self.tell(self.connection) if {part!r} == "stored" else client.tokens
    def is_connected(self, client):
        return self.tell(self.connection) if {part!r} == "is_connected" else "{{}}".format(client.tokens)
    def close(self, client):
        return self.tell(self.connection) if {part!r} == "close" else None
"""
        result = kit(source, "-k", "minute_31 or stores_new or disconnected or dead", "--junitxml=junit.xml")
        assert result.ret == 1
        for text in (result.stdout.str(), *((pytester.path / name).read_text() for name in ("card.json", "junit.xml"))):
            assert not re.search(r"C[\w-]{60}", text)  # an access token
            assert not re.search(r"na1-[0-9a-f]{8}-[0-9a-f]{4}", text)  # a refresh token
            assert not re.search(r"%6e%61%31%2d", text)
            assert not re.search(r"[A-Za-z0-9+/]{60}", text)  # HTTP Basic
            assert "\x1b" not in text

    def test_what_it_needs_is_shown_when_it_is_missing(self, kit) -> None:
        result = kit("class TestIt(HubSpotRefreshSuite): pass", "-k", "minute_31")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(
            [
                "The adapter TestIt does not work: TestIt does not say how to connect and work.",
                "*def connect(self, connection):*",
                "*def work(*",
            ]
        )

    def test_a_suite_that_is_imported_is_not_collected(self, kit, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\npython_classes = *Suite *Adapter Check*")
        result = kit("class CheckIt(Adapter): pass", "--collect-only", "-q")
        classes = {line.split("::")[1] for line in result.outlines if line.count("::") == 2}
        assert classes == {"Adapter", "CheckIt"}

    def test_a_known_failure_can_be_marked_and_keeps_its_settings(self, kit, pytester: pytest.Pytester) -> None:
        source = """
class TestIt(Adapter):
    client = NeverRefreshes

    @pytest.mark.xfail(strict=True)
    def test_follows_expires_in(self, request):
        super().test_follows_expires_in(request)
        assert False, "not reached"
"""
        result = kit(source, "-k", "follows_expires_in", "-rx")
        result.assert_outcomes(xfailed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(["  follows-expires-in *FAILED (*): * (expected: xfail)"])
        assert [one["expected"] for one in card(pytester)["scenarios"]] == [True]

    def test_fixtures_of_the_class_work(self, kit) -> None:
        source = """
class HardCoded(Client):
    def __init__(self, connection):
        super().__init__(connection)
        self.url = "https://api.hubapi.com"

@pytest.mark.usefixtures("hubspot_intercept")
class TestIt(Adapter):
    client = HardCoded
"""
        kit(source, "-k", "minute_31 or follows_expires_in").assert_outcomes(passed=2, deselected=len(SCENARIOS) - 2)

    def test_what_fails_outside_of_the_scenario_is_in_the_score(self, kit, pytester: pytest.Pytester) -> None:
        source = """
class Strays(Client):
    def get(self):
        super().get()
        self.send("/not/served")
class TestIt(Adapter):
    client = Strays
"""
        result = kit(source, "-k", "minute_31")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        (only,) = card(pytester)["scenarios"]
        assert only["outcome"] == "failed"
        assert "does not serve" in only["reason"]

    def test_work_that_calls_nothing_after_the_probe_is_told(self, kit) -> None:
        source = """
class TestIt(Adapter):
    done = []
    def work(self, client):
        if not self.done:
            client.get()
        self.done.append(1)
"""
        result = kit(source, "-k", "minute_31")
        result.stdout.fnmatch_lines(["survives-minute-31: work() returned without a call to HubSpot's API: *"])

    def test_under_xdist_the_score_card_arrives(self, kit, pytester: pytest.Pytester) -> None:
        source = "class TestIt(Adapter): pass\nclass TestOther(Adapter): client = NeverRefreshes"
        result = kit(source, "-n", "2", "-k", "minute_31 or no_refresh_on", in_process=False)
        result.assert_outcomes(passed=5, failed=1)
        document = json.loads((pytester.path / "card.json").read_text("utf-8"))
        totals = {one["suite"]: one["totals"]["failed"] for one in document["suites"]}
        assert totals == {"test_it.py::TestIt": 0, "test_it.py::TestOther": 1}


ADAPTER_MISTAKES = {
    "connect gives nothing": (
        "def connect(self, connection): self.client(connection)",
        "connect() returned None.",
        "return the client from connect; *",
    ),
    "typo": (
        "def connect(self, connection): return self.client(conection)",
        "connect() raised NameError: name 'conection' is not defined.",
        "fix the adapter, *",
    ),
    "no call": (
        "def work(self, client): pass",
        "work() returned without a call to HubSpot's API: it made no request at all.",
        "send its calls to Connection.base_url; *",
    ),
    "no call of the API": (
        "def work(self, client): client.refresh()",
        "work() returned without a call to HubSpot's API: it only asked for what follows.",
        "fix the adapter, *",
    ),
    "yield": (
        "def work(self, client): yield client.get()",
        "work() is a generator (it has a `yield`): calling it does nothing.",
        "write `def work(self, client)` without `yield`, *",
    ),
    "asynchronous yield": (
        "async def work_more(self, client): yield client.get()",
        "work_more() is a generator (it has a `yield`): calling it does nothing.",
        "write `def work_more(self, client)` without `yield`, *",
    ),
    "generator that is returned": (
        "def work(self, client): return (client.get() for _ in range(3))",
        "work() returned a generator, and made no call: nobody goes through it.",
        "go through it *",
    ),
    "generator for a client": (
        "def connect(self, connection): return (self.client(connection) for _ in range(3))",
        "connect() returned a generator.",
        "return the client from connect; *",
    ),
    "signature": (
        "def work(self): pass",
        "work() cannot be called with one argument, the client: too many positional arguments.",
        "write `def work(self, client)`.",
    ),
    "signature of an optional part": (
        "def stored(self, client, more): pass",
        "stored(client, more) cannot be called with one argument, the client: missing a required argument: 'more'.",
        "write `def stored(self, client)`.",
    ),
    "no method": (
        "work_folder = 'contacts'",
        "work_folder is str, not a method (names that begin with work_ are further units of work).",
        "write `def work_folder(self, client)`.",
    ),
    "wrong token": (
        "def work(self, client): client.tokens['access_token'] = 'x'; client.send('/crm/v3/objects/contacts')",
        "work() returned, but HubSpot answered 401 to every call.",
        'build the client with connection.tokens?"access_token"?: *',
    ),
    "not served": (
        "def work_more(self, client): client.get('/crm/v3/objects/unicorns/of/mine')",
        "work_more() raised HTTPError: *",
        "the simulator serves contacts, companies, deals and tickets: *",
    ),
    "write that reads": (
        "def write(self, client): client.get()",
        "write() made no POST: it must create one record.",
        "create a contact, say.",
    ),
    "loop": (
        "def work_more(self, client):\n        while True: client.get()",
        "work_more() made more than 200 requests, and was stopped.",
        "keep a unit of work small: *",
    ),
    "close that fails": (
        "def close(self, client): client.http.close()",
        "close() raised AttributeError: *",
        "fix the adapter, *",
    ),
    "concurrency": (
        "concurrency = 'thread'",
        """concurrency is 'thread', which is none of "threads", "tasks" and None.""",
        "set one of these three, *",
    ),
    "tasks of plain functions": (
        "concurrency = 'tasks'",
        'concurrency is "tasks", which wants `async def work`: work is no coroutine.',
        'concurrency is "threads" for a plain `def work`, *',
    ),
    "near name": (
        "def is_conected(self, client): return True",
        "TestIt has 'is_conected', which the kit does not know: did you mean 'is_connected'?",
        "rename it to 'is_connected'; *",
    ),
    "another near name": (
        "def store(self, client): return client.tokens",
        "TestIt has 'store', which the kit does not know: did you mean 'stored'?",
        "rename it to 'stored'; *",
    ),
}


class TestProbe:
    """What is the adapter's fault is said once, and not as a bug of the integration."""

    @pytest.mark.parametrize("name", ADAPTER_MISTAKES)
    def test_a_mistake_of_the_adapter(self, kit, pytester: pytest.Pytester, name: str) -> None:
        code, did, remedy = ADAPTER_MISTAKES[name]
        result = kit(f"class TestIt(Adapter):\n    {code}\n", "-W", "error", "-k", "minute_31 or stores_new_token")
        result.assert_outcomes(failed=2, deselected=len(SCENARIOS) - 2)
        said = did if did.endswith("*") else did.rstrip(".")
        result.stdout.fnmatch_lines(
            [
                f"The adapter TestIt does not work: {did}",
                f"What to do: {remedy}",
                "More: hubspot-simulator explain adapter",
                "test_it.py::TestIt",
                f"  the adapter does not work: {said}; no scenario was tried",
                "  0 passed, 2 failed, 0 not applicable; 0 of 41 bug classes covered",
            ]
        )
        assert "ug class 1" not in result.stdout.str()
        only = card(pytester)
        assert only["bug_classes"] == {"covered": [], "failed": []}
        assert only["common_findings"] == []
        assert only["adapter_error"] == only["scenarios"][0]["adapter_error"] == only["scenarios"][1]["adapter_error"]

    def test_the_exception_and_its_line_and_what_was_asked_are_shown(self, kit) -> None:
        source = """
class TestIt(Adapter):
    def work(self, client):
        client.get("/crm/v3/objects/contacts/1")
"""
        result = kit(source, "-k", "minute_31")
        result.stdout.fnmatch_lines(
            [
                "The adapter TestIt does not work: work() raised HTTPError: 404 *",
                "That was with a good token and a fresh HubSpot, before any scenario. No scenario was tried.",
                "The exception came from test_it.py:* in get: answer.raise_for_status()",
                "What HubSpot was asked at last:",
                "  #1 * GET /crm/v3/objects/contacts/1 404: *",
                "What to do: the simulator serves contacts, companies, deals and tickets: *",
            ]
        )

    def test_it_is_tried_once_a_class_that_works_and_twice_a_scenario_else(self, kit) -> None:
        source = """
class Adapter(Adapter):
    built = []
    def connect(self, connection):
        self.built.append(type(self).__name__)
        return super().connect(connection)
class TestIt(Adapter):
    pass
class TestOther(TestIt):
    client = NeverRefreshes
class TestWrong(TestIt):
    def connect(self, connection):
        super().connect(connection)
def test_count():
    assert Adapter.built == ["TestIt"] * 4 + ["TestOther"] * 3 + ["TestWrong"] * 4
"""
        result = kit(source, "-k", "no_refresh_on_403 or reads_category or count")
        result.assert_outcomes(passed=4, skipped=1, failed=2, deselected=3 * len(SCENARIOS) - 6)

    @pytest.mark.parametrize(("failures", "failed"), [(1, 0), (2, 1), (4, 2)])
    def test_a_failed_first_try_is_not_remembered(self, kit, failures: int, failed: int) -> None:
        source = f"""
class TestIt(Adapter):
    tries = []
    def connect(self, connection):
        self.tries.append(1)
        if len(self.tries) <= {failures}:
            raise OSError("the machine was slow for a moment")
        return super().connect(connection)
"""
        result = kit(source, "-k", "no_refresh_on_403 or minute_31 or survives_revocation")
        result.assert_outcomes(passed=3 - failed, failed=failed, deselected=len(SCENARIOS) - 3)

    def test_what_fails_slowly_is_not_tried_for_every_scenario(self, kit, monkeypatch) -> None:
        monkeypatch.setattr(probe, "_ENOUGH_SECONDS", 0)
        source = """
class TestIt(Adapter):
    tries = []
    def connect(self, connection):
        self.tries.append(1)
        raise OSError("no answer")
def test_count():
    assert len(TestIt.tries) == 2
"""
        result = kit(source, "-k", "no_refresh_on_403 or minute_31 or count")
        result.assert_outcomes(passed=1, failed=2, deselected=len(SCENARIOS) - 2)

    def test_the_simulator_of_the_test_is_put_back_and_knows_nothing_of_it(self, kit) -> None:
        source = """
@pytest.fixture(autouse=True)
def sim(hubspot_sim, hubspot_server):
    yield
    assert hubspot_server.simulator is hubspot_sim
    assert len(hubspot_sim.journal.exchanges) == 3
class TestIt(Adapter):
    pass
"""
        kit(source, "-k", "no_refresh_on_403").assert_outcomes(passed=1, deselected=len(SCENARIOS) - 1)

    def test_settings_of_the_class_hold_and_those_of_the_scenario_do_not(self, kit) -> None:
        source = """
@pytest.mark.hubspot(token_ttl=900, now="2027-01-01T00:00:00Z")
class TestIt(Adapter):
    seen = []
    def connect(self, connection):
        self.seen.append((connection.tokens["expires_in"], connection.obtained_at.year))
        return super().connect(connection)
def test_seen():
    assert TestIt.seen[:2] == [(900, 2027), (600, 2027)]
"""
        kit(source, "-k", "(TestIt and follows_expires_in) or seen").assert_outcomes(
            passed=2, deselected=len(SCENARIOS) - 1
        )

    def test_names_that_are_nobodys_business(self, kit) -> None:
        source = """
class TestIt(Adapter):
    concurrency = None
    _store = test_stored = None
    written = client_writes = 1

    def work_stored(self, client):
        client.get()

    @pytest.fixture
    def store(self):
        return 1

    def test_prepared(self, store):
        assert store

    def close(self, client):
        pass

    def closed(self):
        pass
"""
        result = kit(source, "-k", "TestIt and (minute_31 or prepared)")
        assert result.parseoutcomes()["passed"] == 2

    def test_stored_that_gives_nothing(self, kit, pytester: pytest.Pytester) -> None:
        result = kit("class TestIt(Adapter):\n    def stored(self, client): pass", "-k", "minute_31 or stores_new")
        result.assert_outcomes(passed=1, failed=1, deselected=len(SCENARIOS) - 2)
        result.stdout.fnmatch_lines(
            [
                "The adapter TestIt does not work: stored() returned None: it must return what a restart would find *",
                "What to do: return what connect needs *",
                "  stores-new-token *20  FAILED: stored() returned None: *",
            ]
        )
        assert card(pytester)["bug_classes"] == {"covered": [1], "failed": []}
        assert card(pytester)["adapter_error"] == ""

    @pytest.mark.parametrize("said", ["None", "'yes'", "1"])
    def test_is_connected_that_gives_no_bool(self, kit, said: str) -> None:
        source = f"class TestIt(Adapter):\n    def is_connected(self, client): return {said}"
        result = kit(source, "-k", "dead_connection")
        result.stdout.fnmatch_lines(
            [f"The adapter TestIt does not work: is_connected() returned {said}: it must return True or False."]
        )

    def test_prepare_that_does_the_work_at_once(self, kit) -> None:
        result = kit("class TestIt(Adapter):\n    def prepare(self, client): return client.get()", "-k", "queued")
        result.stdout.fnmatch_lines(
            ["The adapter TestIt does not work: prepare() returned NoneType: it must return a callable."]
        )

    @pytest.mark.parametrize(
        ("part", "scenario", "number"),
        [
            ("stored", "works_a_second_time", 7),
            ("prepare", "queued", 36),
            ("is_connected", "dead_connection", 18),
            ("close", "works_a_second_time", 7),
        ],
    )
    def test_a_part_that_raises_is_the_adapters_mistake(
        self, kit, pytester: pytest.Pytester, part: str, scenario: str, number: int
    ) -> None:
        source = f"""
class TestIt(Adapter):
    tried = []
    def {part}(self, client):
        if self.tried or {part!r} != "close":
            client.no_such_thing
        self.tried.append(1)
"""
        kit(source, "-k", scenario).assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        found = card(pytester)
        (only,) = found["scenarios"]
        assert only["classes"] == [number]
        assert only["adapter_error"].startswith(f"{part}() raised AttributeError: ")
        assert "client.no_such_thing" in only["reason"]
        assert found["bug_classes"] == {"covered": [], "failed": []}

    @pytest.mark.parametrize(
        ("connect", "failed"),
        [
            ("return Client(connection).no_such_thing", []),
            ("client = Client(connection); client.restore(); return client", [7]),
        ],
        ids=["the-adapter", "the-integration"],
    )
    def test_what_a_restart_raises_is_the_mistake_of_whoever_raised_it(
        self, kit, pytester: pytest.Pytester, connect: str, failed: list[int]
    ) -> None:
        source = f"""
class Client(Client):
    def restore(self):
        raise TypeError("can't compare offset-naive and offset-aware datetimes")
class TestIt(Adapter):
    client = Client
    def stored(self, client):
        return client.tokens
    def connect(self, connection):
        if connection.stored is None:
            return super().connect(connection)
        {connect}
"""
        kit(source, "-k", "works_a_second_time")
        assert card(pytester)["bug_classes"]["failed"] == failed


BY_THE_CLOCK = """
from authlib.integrations.requests_client import OAuth2Session

class TestIt(HubSpotRefreshSuite):
    concurrency = "threads"

    def connect(self, connection):
        return OAuth2Session(
            connection.client_id,
            connection.client_secret,
            token={**connection.tokens, "expires_at": connection.obtained_at.timestamp() + 1800},
            token_endpoint=connection.base_url + "/oauth/2026-09/token",
            token_endpoint_auth_method="client_secret_post",
            update_token=lambda *_, **__: None,
        ), connection.base_url

    def work(self, client):
        session, url = client
        answer = session.get(url + "/crm/v3/objects/contacts", timeout=10)
        answer.raise_for_status()
"""


class TestApplicable:
    """What an integration cannot meet does not count against it."""

    def test_one_that_refreshes_by_its_clock_alone(self, kit, pytester: pytest.Pytester) -> None:
        kit(BY_THE_CLOCK, "-k", "straggler or category or turns_a_401")
        outcomes = {one["scenario"]: (one["outcome"], one["reason"]) for one in card(pytester)["scenarios"]}
        assert outcomes.pop("turns-a-401-into-a-refresh")[0] == "failed"
        assert set(outcomes) == {"straggler-does-not-refresh-again", "reads-category-not-message"}
        for outcome, reason in outcomes.values():
            assert (outcome, reason.partition(",")[0]) == ("not applicable", "it refreshes by its clock alone")

    @pytest.mark.parametrize(("said", "outcome"), [("", "skipped"), ("several_apps = True", "failed")])
    def test_one_of_a_single_app(self, kit, said: str, outcome: str) -> None:
        source = f"""
class TestIt(Adapter):
    {said or "pass"}
    def connect(self, connection):
        client = super().connect(connection)
        client.form = self.first.setdefault("form", client.form)
        return client
    first = {{}}
"""
        result = kit(source, "-k", "right_app")
        result.assert_outcomes(**{outcome: 1}, deselected=len(SCENARIOS) - 1)

    def test_several_apps_that_is_no_bool(self, kit) -> None:
        result = kit("class TestIt(Adapter):\n    several_apps = 2", "-k", "right_app")
        result.stdout.fnmatch_lines(
            ["The adapter TestIt does not work: several_apps is 2, which is neither True nor False."]
        )

    @pytest.mark.parametrize(
        ("scenario", "sent"),
        [("outage", "a 429 SECONDLY of the token endpoint"), ("429", "a 429 TEN_SECONDLY_ROLLING")],
    )
    def test_it_says_what_was_sent(self, kit, scenario: str, sent: str) -> None:
        source = """
class Client(Client):
    dead = False
    def get(self):
        if self.dead:
            raise RuntimeError("connect again")
        super().get()
    def send(self, path):
        answer = super().send(path)
        self.dead = answer.status_code == 429
        return answer
    def refresh(self):
        try:
            super().refresh()
        except requests.HTTPError as error:
            self.dead = error.response.status_code == 429
            raise
class TestIt(Adapter):
    client = Client
"""
        result = kit(source, "-k", scenario)
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines([f"*work() raised RuntimeError: connect again after *{sent}*"])


ASYNC = """
class AsyncClient(Client):
    def __init__(self, connection):
        super().__init__(connection)
        self.http = httpx.AsyncClient(timeout=10)
        self.lock = asyncio.Lock()

    async def get(self):
        token = self.tokens["access_token"]
        answer = await self.send(token)
        if answer.status_code == 401:
            async with self.lock:
                if token == self.tokens["access_token"]:
                    form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"], **self.form}
                    fresh = await self.http.post(self.url + "/oauth/2026-09/token", data=form)
                    fresh.raise_for_status()
                    self.tokens.update(fresh.json())
            answer = await self.send(self.tokens["access_token"])
        answer.raise_for_status()

    async def send(self, token):
        headers = {"Authorization": "Bearer " + token}
        return await self.http.get(self.url + "/crm/v3/objects/contacts", headers=headers)

class TestIt(HubSpotRefreshSuite):
    concurrency = "tasks"

    async def connect(self, connection): return AsyncClient(connection)
    async def work(self, client): await client.get()
    async def stored(self, client): return {"tokens": client.tokens}
    async def prepare(self, client): return client.get
    async def is_connected(self, client): return True
    async def close(self, client): await client.http.aclose()
"""


class TestConcurrency:
    def test_an_adapter_of_coroutines(self, kit) -> None:
        names = "minute_31 or many or straggler or slow_refresh or queued or second_expiry or portals"
        result = kit(ASYNC, "-W", "error", "-k", names)
        result.assert_outcomes(passed=7, deselected=len(SCENARIOS) - 7)

    def test_what_it_says_of_the_connection_is_asked(self, kit) -> None:
        result = kit(ASYNC, "-k", "dead_connection")
        result.stdout.fnmatch_lines(["*is_connected() stayed True although the refresh token is dead."])

    def test_a_restart_that_ignores_what_is_stored_is_seen(self, kit) -> None:
        result = kit(ASYNC, "-k", "stores_new_token")
        result.stdout.fnmatch_lines(["*after a restart it sent the access token from before the last refresh."])

    def test_a_stampede_of_threads_is_seen_every_time(self, kit) -> None:
        result = kit("class TestIt(Adapter): concurrency = 'threads'", "-k", "one_refresh_for_many")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(["*it sent 8 token requests when 8 threads found one token expired, where 1 *"])

    def test_threads_want_plain_functions(self, kit) -> None:
        result = kit(ASYNC.replace('"tasks"', '"threads"'), "-k", "one_refresh_for_many", "-W", "error")
        result.stdout.fnmatch_lines(
            ['The adapter TestIt does not work: work is a coroutine: set concurrency = "tasks", not "threads".']
        )


class TestRunaway:
    LOOP = """
class Loops(Client):
    def get(self):
        while True:
            try:
                return super().get()
            except {caught}:
                pass
"""

    @pytest.mark.parametrize("caught", ["Exception", "BaseException"])
    def test_a_client_that_loops_is_ended(self, kit, caught: str) -> None:
        if caught == "BaseException":  # ends because the loop gives up in the end, not because it is told to
            source = self.LOOP.format(caught=caught).replace("while True:", "for _ in range(300):")
        else:
            source = self.LOOP.format(caught=caught)
        result = kit(source + "class TestIt(Adapter): client = Loops", "-k", "dead_refresh_token or minute_31")
        result.assert_outcomes(passed=1, failed=1, deselected=len(SCENARIOS) - 2)
        result.stdout.fnmatch_lines(
            ["stops-on-dead-refresh-token: it made more than 200 requests in one unit of work, and was stopped."]
        )

    def test_its_threads_are_ended(self, kit) -> None:
        source = (
            self.LOOP.format(caught="Exception")
            + """
class NeverGood(Loops):
    def refresh(self):
        pass
class TestIt(Adapter):
    client = NeverGood
    concurrency = "threads"
"""
        )
        result = kit(source, "-W", "error", "-k", "one_refresh_for_many")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(["one-refresh-for-many: it made more than 200 requests in one unit of work, *"])

    def test_its_tasks_are_ended(self, kit) -> None:
        source = (
            ASYNC.replace("return AsyncClient(", "return Loops(")
            + """
class Loops(AsyncClient):
    async def get(self):
        while True:
            try:
                return await super().get()
            except Exception:
                await asyncio.sleep(0)
"""
        )
        result = kit(source, "-W", "error", "-k", "dead_refresh_token")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(["stops-on-dead-refresh-token: it made more than 200 requests in one unit of *"])


class TestStuck:
    @pytest.mark.parametrize("kind", ["threads", "tasks"])
    def test_work_that_does_not_come_back_is_not_waited_for(self, monkeypatch, kind: str) -> None:
        monkeypatch.setattr(calling, "SECONDS", 0.05)
        caller = calling.Calling(Fuse(lambda: None))
        released = threading.Event()

        async def wait() -> None:
            await asyncio.Event().wait()

        with pytest.raises(calling.Stuck):
            getattr(caller, kind)([released.wait if kind == "threads" else wait] * 2)
        released.set()
        caller.close()


class TestAlone:
    """A scenario outside of a test of a suite, as tests/zoo runs it."""

    class Adapter:
        closed = 0

        def connect(self, connection):
            return connection

        def work(self, client):
            headers = {"Authorization": f"Bearer {client.tokens['access_token']}"}
            url = f"{client.base_url}/crm/v3/objects/contacts"
            requests.get(url, headers=headers, timeout=10).raise_for_status()

        def close(self, client):
            self.closed += 1
            raise ValueError("it is closed already")

    @pytest.mark.parametrize(
        ("name", "outcome", "reason", "findings"),
        [
            ("survives-minute-31", "failed", "work() raised HTTPError: 401 ", ("no-refresh-after-expiry",)),
            ("no-refresh-on-403", "failed", "close() raised ValueError: it is closed already.", ()),
            ("stores-before-use", "not applicable", "no stored(client), what a restart would find", ()),
        ],
    )
    def test_the_result(self, hubspot_server, name: str, outcome: str, reason: str, findings: tuple[str, ...]) -> None:
        adapter = self.Adapter()
        result = assess_alone(SCENARIOS[name], adapter, hubspot_server, name)
        assert result.outcome == outcome
        assert reason in result.reason
        assert result.findings == findings
        assert adapter.closed == (outcome != "not applicable")

    def test_who_listens_to_the_server_goes_on_listening(self, hubspot_server) -> None:
        seen: list[object] = []
        unsubscribe = hubspot_server.app.subscribe(seen.append)
        try:
            assess_alone(SCENARIOS["no-refresh-on-403"], self.Adapter(), hubspot_server)
            assess_alone(SCENARIOS["no-refresh-on-403"], self.Adapter(), hubspot_server)
        finally:
            unsubscribe()
        assert len(seen) == 6

    def test_a_connection_tells_no_secret(self, hubspot_server) -> None:
        told: list[str] = []

        class Tells(self.Adapter):  # type: ignore[name-defined]
            def connect(self, connection):
                told.append(repr(connection))
                return super().connect(connection)

        assess_alone(SCENARIOS["no-refresh-on-403"], Tells(), hubspot_server)
        assert "client_id=" in told[0]
        assert "token" not in told[0]
        assert "secret" not in told[0]


class TestScore:
    class Report:
        nodeid = "test_it.py::TestIt::test_survives_minute_31"
        outcome = "passed"
        user_properties = (
            (
                "hubspot_scenario",
                '{"suite": "test_it.py::TestIt", "scenario": "survives-minute-31", "title": "", "classes": [1], '
                '"outcome": "passed", "reason": "", "findings": ["refresh-storm"]}',
            ),
        )

    def test_reports_of_other_tests_give_nothing(self) -> None:
        other = self.Report()
        other.user_properties = (("colour", "green"),)
        assert score_lines([other, object()]) == []

    def test_a_test_counts_once(self) -> None:
        (only,) = score_cards([self.Report(), self.Report()])
        assert only["totals"] == {
            "passed": 1,
            "failed": 0,
            "not_applicable": 0,
            "bug_classes_covered": 1,
            "bug_classes": 41,
        }

    def test_what_passed_on_its_rerun_has_passed(self) -> None:
        first = self.Report()
        first.outcome = "rerun"
        first.user_properties = (
            (first.user_properties[0][0], first.user_properties[0][1].replace("passed", "failed")),
        )
        for reports in ([first, self.Report()], [self.Report(), first]):
            (only,) = score_cards(reports)
            assert (only["totals"]["passed"], only["totals"]["failed"]) == (1, 0)

    def test_json(self, tmp_path: Path) -> None:
        write_json([self.Report()], tmp_path / "card.json")
        document = json.loads((tmp_path / "card.json").read_text("utf-8"))
        assert document["suites"][0]["scenarios"][0]["findings"] == ["refresh-storm"]

    @classmethod
    def failures(cls, *findings: list[str]) -> list[object]:
        """Return reports of failures with these findings."""
        made = []
        for number, found in enumerate(findings):
            report = cls.Report()
            report.nodeid = f"test_it.py::TestIt::test_{number}"
            report.outcome = "failed"
            ((name, text),) = cls.Report.user_properties
            value = {**json.loads(text), "scenario": f"n{number}", "outcome": "failed", "reason": "It failed. So."}
            report.user_properties = ((name, json.dumps({**value, "findings": found})),)
            made.append(report)
        return made

    def test_a_finding_of_half_of_the_failures_is_pointed_at(self) -> None:
        reports = self.failures(["a", "b"], ["b"], [], ["c"])
        assert score_cards(reports)[0]["common_findings"] == [{"finding": "b", "failures": 2, "of": 4}]
        lines = score_lines(reports)
        assert lines[-1] == "  2 of the 4 failures have the finding b: fix that first (hubspot-simulator explain b)"
        assert lines[1].endswith("FAILED (a, b): It failed")
        assert lines[3].endswith("FAILED: It failed")

    @pytest.mark.parametrize("findings", [(["a"],), (["a"], ["a"], [], [], []), ([], [])])
    def test_one_of_fewer_is_not(self, findings: tuple[list[str], ...]) -> None:
        reports = self.failures(*findings)
        assert score_cards(reports)[0]["common_findings"] == []
        assert "fix that first" not in "".join(score_lines(reports))

    def test_suites_are_apart(self) -> None:
        other = self.Report()
        other.nodeid = other.nodeid.replace("TestIt", "TestOther")
        other.user_properties = tuple((n, v.replace("TestIt", "TestOther")) for n, v in other.user_properties)
        lines = score_lines([self.Report(), other])
        assert [line for line in lines if not line.startswith("  ")] == [
            "test_it.py::TestIt",
            "",
            "test_it.py::TestOther",
        ]


def listed() -> str:
    """Return the list of scenarios as the docs have it."""
    parts = []
    for scenario in SCENARIOS.values():
        classes = ", ".join(f"{number} ({BUG_CLASSES[number].title})" for number in scenario.classes)
        lines = [f"### {scenario.name}\n\n{scenario.title}\n\n{scenario.doc}\n\nBug class {classes}."]
        if scenario.needs:
            lines.append(f"Needs {', '.join(f'`{need}`' for need in scenario.needs)}.")
        if scenario.settings:
            lines.append(f"Settings: {', '.join(f'`{name}={value!r}`' for name, value in scenario.settings.items())}.")
        if scenario.findings:
            lines.append(f"Findings that fail it: {', '.join(f'`{name}`' for name in scenario.findings)}.")
        parts.append(" ".join(lines))
    return "\n\n".join(parts) + "\n"


class TestDocs:
    def test_the_example_passes(self, kit) -> None:
        example = re.search(r"<!-- example -->\n```python\n(.*?)```\n", DOCS.read_text("utf-8"), re.DOTALL)
        assert example
        result = kit("", "-W", "error", client=example[1])
        result.assert_outcomes(passed=len(SCENARIOS) - 4, skipped=4)

    def test_the_list_is_the_table(self) -> None:
        text = DOCS.read_text("utf-8")
        before, heading, list_ = text.partition("\n## The scenarios\n\n")
        if os.environ.get(UPDATE):
            DOCS.write_text(before + heading + listed(), "utf-8")
            list_ = listed()
        assert list_ == listed(), f"run pytest with {UPDATE}=1"


class TestFuse:
    def test_who_asks_for_a_connection_is_refused_while_it_is_blown(self, hubspot_server) -> None:
        fuse = Fuse(lambda: None)
        place = hubspot_server.host, hubspot_server.port
        before = vars(socket.socket).get("connect"), vars(socket.socket).get("connect_ex")
        with guarded(fuse):
            socket.create_connection(place).close()
            fuse.blow()
            for ask in ("connect", "connect_ex"):
                refused = socket.socket()
                with pytest.raises(Runaway):
                    getattr(refused, ask)(place)
                assert refused.fileno() == -1
        assert (vars(socket.socket).get("connect"), vars(socket.socket).get("connect_ex")) == before
        socket.create_connection(place).close()

    def test_what_answers_in_the_clients_own_thread_ends_it(self) -> None:
        fuse = Fuse(lambda: None, limit=2)
        with fuse.armed():
            fuse.saw(None)
            fuse.saw(None)
            with warnings.catch_warnings(), pytest.raises(Runaway):
                fuse.saw(None)
            assert fuse.blown
            fuse.blown = False  # or the end would raise it once more

    def test_a_runaway_in_a_group_is_one(self) -> None:
        fuse = Fuse(lambda: None)

        def work() -> None:
            with fuse.armed():
                fuse.blow()
                raise RuntimeError("what a library made of it")

        with warnings.catch_warnings(), pytest.raises(Runaway):
            work()

    def test_another_failure_stays_what_it_is(self) -> None:
        with pytest.raises(ZeroDivisionError), Fuse(lambda: None).armed():
            raise ZeroDivisionError

    def test_nothing_is_left_pending_in_the_interpreter(self, hubspot_server) -> None:
        """A flag that stays set would have CPython 3.11 hang under a tracer, such as coverage's or a debugger's."""
        assess_alone(SCENARIOS["no-refresh-on-403"], TestAlone.Adapter(), hubspot_server)
        calls = []
        usual = sys.getprofile()
        sys.setprofile(lambda *event: calls.append(event))
        try:
            score_lines([])
        finally:
            sys.setprofile(usual)
        assert calls
