"""The conformance kit, as a user's run shows it. What it detects is proved in tests/zoo."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from pathlib import Path

import httpx
import pytest
import requests

from hubspot_simulator.core.audit import FINDINGS
from pytest_hubspot_auth import HubspotClock, HubSpotRefreshSuite, HubspotSim
from pytest_hubspot_auth.kit import assess, calling
from pytest_hubspot_auth.kit.bug_classes import BUG_CLASSES
from pytest_hubspot_auth.kit.fuse import Fuse
from pytest_hubspot_auth.kit.scenarios import SCENARIOS
from pytest_hubspot_auth.kit.score import score_cards, score_lines, write_json

# A run in process forgets the modules that it imported, and the next one would mix them with those that stayed:
# what a suite uses is imported here.
IMPORTED = (httpx, requests, HubspotClock, HubspotSim, HubSpotRefreshSuite, assess)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "kit.md"
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
    (only,) = document["suites"]
    return only


class TestTable:
    def test_the_scenarios_cover_what_the_bug_classes_say(self) -> None:
        assert sorted(BUG_CLASSES) == list(range(1, 42))
        assert {number for scenario in SCENARIOS.values() for number in scenario.classes} <= set(BUG_CLASSES)
        assert [number for number, found in BUG_CLASSES.items() if not found.covered and not found.blind] == []
        assert sum(found.covered for found in BUG_CLASSES.values()) >= 33
        assert BUG_CLASSES[1].scenarios == ("survives-minute-31",)

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
                "Bug class 1 (never refreshes at all). More: docs/kit.md#survives-minute-31",
                "  survives-minute-31 *1  FAILED: work() raised HTTPError: 401 Client Error*",
                "  0 passed, 1 failed, 0 not applicable; 1 of 41 bug classes covered",
            ]
        )
        assert card(pytester)["bug_classes"] == {"covered": [1], "failed": [1]}
        assert "Traceback" not in result.stdout.str()

    def test_no_token_is_printed_whole(self, kit) -> None:
        source = """
class Tells(Client):
    def get(self):
        raise RuntimeError("Bearer " + self.tokens["access_token"])
class TestIt(Adapter):
    client = Tells
"""
        result = kit(source, "-k", "minute_31")
        result.stdout.fnmatch_lines(["survives-minute-31: work() raised RuntimeError: Bearer C*…*."])
        assert not re.search(r"C[\w-]{60}", result.stdout.str())

    def test_what_it_needs_is_shown_when_it_is_missing(self, kit) -> None:
        result = kit("class TestIt(HubSpotRefreshSuite): pass", "-k", "minute_31")
        result.assert_outcomes(failed=1, deselected=len(SCENARIOS) - 1)
        result.stdout.fnmatch_lines(
            ["TestIt does not say how to connect and work. Write:", "*def connect(self, connection):*", "*def work(*"]
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
        result.stdout.fnmatch_lines(["  follows-expires-in *FAILED: * (expected: xfail)"])
        assert [one["expected"] for one in card(pytester)["scenarios"]] == [True]

    def test_fixtures_of_the_class_work(self, kit) -> None:
        pytest.importorskip("trustme")
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

    def test_work_that_calls_nothing_is_told(self, kit) -> None:
        result = kit("class TestIt(Adapter):\n    def work(self, client): pass", "-k", "minute_31")
        result.stdout.fnmatch_lines(["survives-minute-31: work() returned without a call to HubSpot's API: *"])

    def test_under_xdist_the_score_card_arrives(self, kit, pytester: pytest.Pytester) -> None:
        source = "class TestIt(Adapter): pass\nclass TestOther(Adapter): client = NeverRefreshes"
        result = kit(source, "-n", "2", "-k", "minute_31 or no_refresh_on", in_process=False)
        result.assert_outcomes(passed=5, failed=1)
        document = json.loads((pytester.path / "card.json").read_text("utf-8"))
        totals = {one["suite"]: one["totals"]["failed"] for one in document["suites"]}
        assert totals == {"test_it.py::TestIt": 0, "test_it.py::TestOther": 1}


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
        result = kit(ASYNC.replace('"tasks"', '"threads"'), "-k", "one_refresh_for_many")
        result.stdout.fnmatch_lines(['*work is a coroutine: set concurrency = "tasks", not "threads"*'])


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
        result = assess.assess_alone(SCENARIOS[name], adapter, hubspot_server, name)
        assert result.outcome == outcome
        assert reason in result.reason
        assert result.findings == findings
        assert adapter.closed == (outcome != "not applicable")

    def test_the_hook_of_the_server_is_put_back(self, hubspot_server) -> None:
        seen: list[object] = []
        hubspot_server.app.on_exchange = seen.append
        try:
            assess.assess_alone(SCENARIOS["no-refresh-on-403"], self.Adapter(), hubspot_server)
            assert hubspot_server.app.on_exchange == seen.append
        finally:
            hubspot_server.app.on_exchange = None
        assert len(seen) == 3

    def test_a_connection_tells_no_secret(self, hubspot_server) -> None:
        told: list[str] = []

        class Tells(self.Adapter):  # type: ignore[name-defined]
            def connect(self, connection):
                told.append(repr(connection))
                return super().connect(connection)

        assess.assess_alone(SCENARIOS["no-refresh-on-403"], Tells(), hubspot_server)
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

    def test_json(self, tmp_path: Path) -> None:
        write_json([self.Report()], tmp_path / "card.json")
        document = json.loads((tmp_path / "card.json").read_text("utf-8"))
        assert document["suites"][0]["scenarios"][0]["findings"] == ["refresh-storm"]

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
        result.assert_outcomes(passed=len(SCENARIOS) - 3, skipped=3)

    def test_the_list_is_the_table(self) -> None:
        text = DOCS.read_text("utf-8")
        before, heading, list_ = text.partition("\n## The scenarios\n\n")
        if os.environ.get(UPDATE):
            DOCS.write_text(before + heading + listed(), "utf-8")
            list_ = listed()
        assert list_ == listed(), f"run pytest with {UPDATE}=1"
