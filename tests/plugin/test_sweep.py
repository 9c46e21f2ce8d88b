"""``@pytest.mark.hubspot_sweep``: what it makes of a test, and what a run says of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
import requests  # noqa: F401  # or each run in this process would import it anew, and mix the two

import pytest_hubspot_auth.sim
import pytest_hubspot_auth.sweep  # noqa: F401  # likewise, and slow

CLIENTS = """
    import time

    import pytest
    import requests

    class Never:
        def __init__(self, sim, installed):
            self.sim, self.installed = sim, installed
            self.token = installed.access_token
            self.expires_at = installed.expires_at.timestamp()

        def send(self, method, path, **more):
            headers = {"Authorization": f"Bearer {self.token}"}
            return requests.request(method, self.sim.url + path, headers=headers, timeout=10, **more)

        def refresh(self):
            app = self.sim.app
            form = {"grant_type": "refresh_token", "refresh_token": self.installed.refresh_token,
                    "client_id": app.client_id, "client_secret": app.client_secret}
            answer = requests.post(self.sim.url + "/oauth/v1/token", data=form, timeout=10).json()
            self.token, self.expires_at = answer["access_token"], time.time() + answer["expires_in"]

        def call(self, path, method="GET", **more):
            answer = self.send(method, path, **more)
            answer.raise_for_status()
            return answer.json()

    class Proactive(Never):
        def call(self, path, method="GET", **more):
            if time.time() >= self.expires_at:
                self.refresh()
            return super().call(path, method, **more)

    class Right(Proactive):
        def send(self, method, path, **more):
            answer = super().send(method, path, **more)
            if answer.status_code == 401:
                self.refresh()
                answer = super().send(method, path, **more)
            return answer

    CONTACTS, COMPANIES, DEALS = ("/crm/v3/objects/" + name for name in ("contacts", "companies", "deals"))
"""
THREE_CALLS = """
    @pytest.mark.hubspot_sweep(calls=3{arguments})
    def test_sync(hubspot_sim, hubspot_installation):
        client = {client}(hubspot_sim, hubspot_installation)
        client.call(CONTACTS)
        assert client.call(COMPANIES, "POST", json={{"properties": {{"name": "Acme"}}}})["id"]
        client.call(DEALS)
"""


def write(pytester: pytest.Pytester, client: str = "Right", arguments: str = "", more: str = "") -> None:
    pytester.makepyfile(CLIENTS + THREE_CALLS.format(client=client, arguments=arguments) + more)


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:randomly", *arguments)


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Return the outcome of each item of a run with -v, by its name without the module."""
    status = "PASSED|FAILED|SKIPPED|ERROR"
    found = re.findall(
        rf"^(?:\[gw\d\] \[ *\d+%\] )?(?:({status}) )?\S+?::(\S+)(?: ({status}))?", result.stdout.str(), re.M
    )
    return {name: before or after for before, name, after in found if before or after}


def failed(result: pytest.RunResult) -> list[str]:
    return [name for name, outcome in sorted(outcomes(result).items()) if outcome == "FAILED"]


EXPIRIES = [f"test_sync[expired-before-{call}]" for call in (1, 2, 3)]


class TestPoints:
    def test_a_right_client_passes_at_every_point(self, pytester: pytest.Pytester) -> None:
        write(pytester)
        result = run(pytester, "-v")
        assert outcomes(result) == dict.fromkeys(["test_sync[plain]", *EXPIRIES], "PASSED")
        result.stdout.no_fnmatch_line("*HubSpot expiry sweep*")

    def test_one_that_never_refreshes_fails_at_every_point(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        assert failed(run(pytester, "-v")) == EXPIRIES

    @pytest.mark.parametrize(
        ("kind", "names"),
        [
            ("expiry", []),
            ("in_flight", ["expired-in-flight-1", "expired-in-flight-2", "expired-in-flight-3"]),
            ("server_only", ["expired-early-1", "expired-early-2", "expired-early-3"]),
            ("revoked", ["revoked-before-1", "revoked-before-2", "revoked-before-3"]),
            ("slow_token", []),
            ("429", ["429-at-1", "429-at-2", "429-at-3"]),
            ("500", ["500-at-1", "500-at-2", "500-at-3"]),
            ("503", ["503-at-1", "503-at-2", "503-at-3"]),
            ("connection_reset", ["connection-reset-at-1", "connection-reset-at-2", "connection-reset-at-3"]),
            ("answer_lost", ["answer-lost-of-2"]),
        ],
    )
    def test_a_client_that_looks_at_its_clock_only(
        self, pytester: pytest.Pytester, kind: str, names: list[str]
    ) -> None:
        """Its clock tells it of an expiry, if the clock had passed it by the answer before; of nothing else."""
        write(pytester, "Proactive", f", kinds=[{kind!r}]")
        result = run(pytester, "-v")
        assert failed(result) == [f"test_sync[{name}]" for name in names]
        assert len(outcomes(result)) == 4

    def test_the_token_is_dead_when_the_call_comes(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        result = run(pytester, "-v", "-k", "expired-before-2")
        journal = [line for line in result.outlines if re.match(r"#\d", line)]
        assert [re.sub(r"^\S+ \S+ (\S+ \S+ \d+):.*", r"\1", line) for line in journal] == [
            "GET /crm/v3/objects/contacts 200",
            "POST /crm/v3/objects/companies 401",
        ]
        assert "then both clocks moved by 0:30:01" in journal[0]
        assert "expired 1 s ago" in journal[1]

    def test_a_slow_token_endpoint_takes_twelve_seconds_on_the_clocks(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never", ", kinds=['slow_token']", "        client.refresh()\n        assert 0\n")
        result = run(pytester, "-k", "plain")
        result.stdout.no_fnmatch_line("*took 12 s*")
        write(pytester, "Right", ", kinds=['slow_token']", "        assert 0\n")
        result = run(pytester, "-k", "slow-token-before-3")
        result.stdout.fnmatch_lines(["#* POST /oauth/v1/token 200: * the answer took 12 s"])

    def test_several_kinds(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Right", ", kinds=['expiry', 429]")
        assert len(outcomes(run(pytester, "-v"))) == 7


class TestReport:
    def test_the_call_stands_first(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        result = run(pytester, "-k", "expired-before-2")
        headline = (
            "POST /crm/v3/objects/companies (call 2): the access token had expired: both clocks passed the "
            "expiry just before the response to call 1 was released"
        )
        result.stdout.fnmatch_lines(
            [
                "*_ test_sync[[]expired-before-2[]] _*",
                headline,
                "",
                "hubspot_sim = *",
                "*- HubSpot simulator -*",
                "*- HubSpot audit -*",
                "error: no-refresh-after-expiry",
                "*= HubSpot expiry sweep =*",
                "*::test_sync: fails when POST /crm/v3/objects/companies is hit (expired-before-2)",
            ]
        )

    def test_another_call_that_was_refused_is_named(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.hubspot_sweep(calls=2)
    def test_two(hubspot_sim, hubspot_installation):
        right, never = (kind(hubspot_sim, hubspot_installation) for kind in (Right, Never))
        right.call(CONTACTS)
        never.call(DEALS)
"""
        )
        result = run(pytester, "-k", "expired-before-1")
        result.stdout.fnmatch_lines(
            [
                "GET /crm/v3/objects/contacts (call 1): the access token had expired: *; "
                "then GET /crm/v3/objects/deals got 401",
                "*::test_two: fails when GET /crm/v3/objects/contacts is hit (expired-before-1): "
                "then GET /crm/v3/objects/deals gets 401",
            ]
        )

    def test_a_test_that_fails_by_itself_accuses_no_call(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Right", more="        assert 1 == 2\n")
        result = run(pytester)
        result.assert_outcomes(failed=4)
        result.stdout.fnmatch_lines(["*::test_sync: fails without a fault, or made a different number of calls: *"])
        result.stdout.no_fnmatch_line("*is hit (expired-before-*")

    def test_it_stands_first_in_the_line_of_the_summary_too(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        pytester.plugins = []
        result = run(pytester, "-k", "expired-before-2", "--tb=line")
        result.stdout.fnmatch_lines(["*.py:*: POST /crm/v3/objects/companies (call 2): the access token had expired*"])

    def test_a_failure_without_a_traceback(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Right", more="        hubspot_sim.settings.strict and client.send('GET', '/crm/v9/no')\n")
        result = run(pytester, "-k", "expired-before-2")
        result.stdout.fnmatch_lines(
            [
                "POST /crm/v3/objects/companies (call 2): the access token had expired:*",
                "the code under test called*",
            ]
        )

    def test_a_stride_is_said_aloud(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.hubspot_sweep(calls=10, stride=4)
    def test_long(hubspot_sim, hubspot_installation):
        client = Right(hubspot_sim, hubspot_installation)
        for _ in range(10):
            client.call(CONTACTS)
"""
        )
        result = run(pytester, "-v")
        assert list(outcomes(result)) == [
            "test_long[plain]",
            *(f"test_long[expired-before-{call}]" for call in (1, 5, 9, 10)),
        ]
        result.stdout.fnmatch_lines(["*::test_long: stride=4 tried 4 of 10 calls; 6 not tried"])


class TestCalls:
    @pytest.mark.parametrize(("mark", "status"), [("calls=7", 1), ("", 1), ("calls=2", 1), ("calls=3", 0)])
    def test_a_wrong_number_fails_the_plain_item_with_the_right_one(
        self, pytester: pytest.Pytester, mark: str, status: int
    ) -> None:
        write(pytester)
        source = next(pytester.path.glob("*.py"))
        source.write_text(source.read_text(encoding="utf-8").replace("(calls=3)", f"({mark})"), encoding="utf-8")
        result = run(pytester, "-k", "plain")
        assert result.ret == status
        if status:
            result.stdout.fnmatch_lines(
                ["this test made 3 authenticated calls: set calls=3 (@pytest.mark.hubspot_sweep)"]
            )

    def test_a_mark_without_brackets(self, pytester: pytest.Pytester) -> None:
        write(pytester)
        source = next(pytester.path.glob("*.py"))
        source.write_text(source.read_text(encoding="utf-8").replace("(calls=3)", ""), encoding="utf-8")
        result = run(pytester)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["this test made 3 authenticated calls: set calls=3 (@pytest.mark.hubspot_sweep)"])

    def test_a_point_beyond_the_last_call_fails(self, pytester: pytest.Pytester) -> None:
        write(pytester)
        source = next(pytester.path.glob("*.py"))
        source.write_text(source.read_text(encoding="utf-8").replace("calls=3", "calls=4"), encoding="utf-8")
        result = run(pytester, "-v")
        assert failed(result) == ["test_sync[expired-before-4]", "test_sync[plain]"]
        result.stdout.fnmatch_lines(["call 4 was never made: this run made 3 authenticated calls: set calls=3 (*"])

    def test_a_test_without_calls(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("import pytest\n\n@pytest.mark.hubspot_sweep\ndef test_none(hubspot_sim):\n    pass\n")
        run(pytester).stdout.fnmatch_lines(
            ["this test made 0 authenticated calls: a sweep needs calls to HubSpot's API (*"]
        )

    def test_calls_of_fixtures_do_not_count(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.fixture
    def client(hubspot_sim, hubspot_installation):
        client = Right(hubspot_sim, hubspot_installation)
        client.call(CONTACTS)
        return client

    @pytest.mark.hubspot_sweep(calls=1)
    def test_one(client):
        client.call(COMPANIES)
"""
        )
        run(pytester).assert_outcomes(passed=2)


class TestVoid:
    def test_a_read_has_no_answer_to_lose(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Proactive", ", kinds=['answer_lost']")
        result = run(pytester, "-rs", "-v")
        assert [name for name, outcome in outcomes(result).items() if outcome == "SKIPPED"] == [
            "test_sync[answer-lost-of-1]",
            "test_sync[answer-lost-of-3]",
        ]
        result.stdout.fnmatch_lines(
            ["SKIPPED *call 1 (GET /crm/v3/objects/contacts) writes nothing: there is nothing to lose"]
        )

    @pytest.mark.parametrize("kind", ["expiry", "in_flight", "server_only", "revoked", "slow_token"])
    def test_the_token_of_a_private_app_does_not_expire(self, pytester: pytest.Pytester, kind: str) -> None:
        pytester.makepyfile(
            CLIENTS
            + f"""
    @pytest.mark.hubspot_sweep(calls=2, kinds=[{kind!r}])
    def test_private(hubspot_sim, hubspot_installation):
        client = Never(hubspot_sim, hubspot_installation)
        client.token = hubspot_sim.add_private_app().access_token
        client.call(CONTACTS)
        client.call(CONTACTS)
"""
        )
        result = run(pytester, "-rs")
        result.assert_outcomes(passed=1, skipped=2)
        result.stdout.fnmatch_lines(["SKIPPED *used a private app's token, which does not expire"])

    def test_a_token_that_the_test_obtains_itself(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.hubspot_sweep(calls=1)
    def test_connect(hubspot_sim):
        Never(hubspot_sim, hubspot_sim.install()).call(CONTACTS)
"""
        )
        result = run(pytester, "-rs")
        result.assert_outcomes(passed=1, skipped=1)
        result.stdout.fnmatch_lines(["SKIPPED *no token existed that could expire before call 1*"])

    @pytest.mark.parametrize("alone", [False, True])
    def test_a14_one_that_fetches_its_own_token_first(self, pytester: pytest.Pytester, alone: bool) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.hubspot_sweep(calls=2)
    def test_job(hubspot_sim, hubspot_app, hubspot_installation):
        client = Proactive.__new__(Proactive)
        client.sim, client.installed = hubspot_sim, hubspot_installation
        client.refresh()
        client.call(CONTACTS)
        client.call(CONTACTS)
"""
        )
        # a worker of xdist may have the point and not the plain run
        result = run(pytester, "-rs", "-v", *(["-k", "expired"] if alone else []))
        assert outcomes(result) == {
            **({} if alone else {"test_job[plain]": "PASSED"}),
            "test_job[expired-before-1]": "SKIPPED",
            "test_job[expired-before-2]": "PASSED",
        }

    def test_a14_one_that_fetches_a_token_for_each_call(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.hubspot_sweep(calls=2)
    def test_job(hubspot_sim, hubspot_app, hubspot_installation):
        client = Proactive.__new__(Proactive)
        client.sim, client.installed = hubspot_sim, hubspot_installation
        for _ in range(2):
            client.refresh()
            client.call(CONTACTS)
"""
        )
        run(pytester).assert_outcomes(passed=1, skipped=2)


class TestCollection:
    def test_last_failed(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        run(pytester)
        assert failed(run(pytester, "-v", "--lf")) == EXPIRIES
        assert len(outcomes(run(pytester, "-v", "--lf"))) == 3

    def test_xdist_gives_the_same(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        result = pytester.runpytest_subprocess("-p", "no:randomly", "-n", "2", "-v")
        assert failed(result) == EXPIRIES
        result.stdout.fnmatch_lines(
            [
                "GET /crm/v3/objects/contacts (call 1): the access token had expired:*",
                "*= HubSpot expiry sweep =*",
                "*::test_sync: fails when GET /crm/v3/objects/contacts is hit (expired-before-1)",
            ]
        )

    def test_junit(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never")
        run(pytester, "--junitxml=junit.xml")
        cases = ElementTree.parse(pytester.path / "junit.xml").findall(".//testcase")
        assert [case.attrib["name"] for case in cases] == ["test_sync[plain]", *EXPIRIES]
        assert [case.find("failure") is not None for case in cases] == [False, True, True, True]

    def test_stacked_on_another_parametrization(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    @pytest.mark.parametrize("kind", [Never, Right])
    @pytest.mark.hubspot_sweep(calls=1)
    def test_one(hubspot_sim, hubspot_installation, kind):
        kind(hubspot_sim, hubspot_installation).call(CONTACTS)
"""
        )
        result = run(pytester, "-v")
        assert len(outcomes(result)) == 4
        assert failed(result) == ["test_one[expired-before-1-Never]"]

    def test_classes_and_heirs(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            CLIENTS
            + """
    class Base:
        def test_one(self, hubspot_sim, hubspot_installation):
            Right(hubspot_sim, hubspot_installation).call(CONTACTS)

    @pytest.mark.hubspot_sweep(calls=1)
    class TestSwept(Base):
        pass

    class TestNotSwept(Base):
        pass
"""
        )
        assert list(outcomes(run(pytester, "-v"))) == [
            "TestSwept::test_one[plain]",
            "TestSwept::test_one[expired-before-1]",
            "TestNotSwept::test_one",
        ]

    def test_a_unittest_case_cannot_be_swept(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
    import unittest
    import pytest

    class TestOld(unittest.TestCase):
        @pytest.mark.hubspot_sweep(calls=1)
        def test_one(self):
            pass
"""
        )
        result = run(pytester)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*.py:5: @pytest.mark.hubspot_sweep works on test functions *"])

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ("7", "expected the keyword arguments calls, kinds and stride, such as calls=7; got 7"),
            (
                "calls=7, kind='expiry'",
                "expected the keyword arguments calls, kinds and stride, such as calls=7; got kind",
            ),
            ("calls='7'", "calls='7': expected a whole number from 0"),
            ("calls=True", "calls=True: expected a whole number from 0"),
            (
                "calls=1_000_000",
                "calls=1000000 would create 1000000 tests per kind, and the maximum is 10000: set stride=100 *",
            ),
            ("calls=7, stride=0", "stride=0: expected a whole number from 1"),
            (
                "calls=7, kinds=['expire']",
                "unknown kind of sweep 'expire': expected one of: expiry, in_flight, server_only*",
            ),
            ("calls=7, kinds=[]", "no kind of sweep: expected one or more of: expiry*"),
            ("calls=7, kinds=3", "'int' object is not iterable"),
        ],
    )
    def test_wrong_arguments(self, pytester: pytest.Pytester, arguments: str, error: str) -> None:
        write(pytester)
        source = next(pytester.path.glob("*.py"))
        source.write_text(source.read_text(encoding="utf-8").replace("calls=3", arguments), encoding="utf-8")
        pytester.makepyfile(test_right="def test_it(): pass")
        result = run(pytester)
        result.assert_outcomes(passed=1, errors=1)
        begin = rf"{source.name}:\d+: @pytest\.mark\.hubspot_sweep: "
        result.stdout.re_match_lines([rf"{begin}{re.escape(error.rstrip('*'))}.*"])
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*_multicall*")

    def test_a_point_that_passed_on_its_rerun_is_not_reported_as_failing(self, pytester: pytest.Pytester) -> None:
        write(pytester, more="        tried.append(1); assert len(tried) != 3\n    tried = []\n")
        result = run(pytester, "--reruns=1")
        assert result.ret == 0
        outcomes = result.parseoutcomes()
        assert (outcomes["passed"], outcomes["rerun"]) == (4, 1)
        result.stdout.no_fnmatch_line("*fails when*")

    def test_a_point_that_failed_on_its_rerun_too_is_reported_once(self, pytester: pytest.Pytester) -> None:
        write(pytester, more="        tried.append(1); assert len(tried) not in (3, 4)\n    tried = []\n")
        result = run(pytester, "--reruns=1")
        assert result.stdout.str().count("fails when") == 1

    def test_the_fixture_is_not_for_use_by_itself(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_one(_hubspot_sweep_point):\n    pass\n")
        result = run(pytester)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["the fixture _hubspot_sweep_point is for tests with @pytest.mark.hubspot_sweep(*"])


class TestAudit:
    def test_a_failed_test_shows_the_findings(self, pytester: pytest.Pytester) -> None:
        write(pytester, "Never", more="        assert not hubspot_sim.audit()\n")
        result = run(pytester, "-k", "expired-before-1")
        result.stdout.fnmatch_lines(["*- HubSpot audit -*", "error: no-refresh-after-expiry"])

    MISTAKE = """
    {mark}
    def test_swallowed(hubspot_sim, hubspot_clock, hubspot_installation):
        client = Never(hubspot_sim, hubspot_installation)
        hubspot_clock.advance(minutes=31)
        client.send("GET", CONTACTS)
"""

    @pytest.mark.parametrize(
        ("mark", "arguments", "fails"),
        [
            ("", (), False),
            ("", ("--hubspot-fail-on=error",), True),
            ('@pytest.mark.hubspot(fail_on="warning")', (), True),
            ('@pytest.mark.hubspot(fail_on="off")', ("--hubspot-fail-on=error",), False),
        ],
    )
    def test_findings_can_fail_a_test(
        self, pytester: pytest.Pytester, mark: str, arguments: tuple[str, ...], fails: bool
    ) -> None:
        pytester.makepyfile(CLIENTS + self.MISTAKE.format(mark=mark))
        result = run(pytester, *arguments)
        result.assert_outcomes(failed=int(fails), passed=int(not fails))
        if fails:
            result.stdout.fnmatch_lines(
                [
                    "the audit of the requests to HubSpot found 1 mistake (fail_on=*):",
                    "",
                    "error: no-refresh-after-expiry",
                    'If the test expects this, turn the failure off with @pytest.mark.hubspot(fail_on="off").',
                ]
            )
