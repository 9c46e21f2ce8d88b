"""The plugin as a run of pytest shows it."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

USES_A_TOKEN = """
    import requests

    def get(sim, path, token):
        return requests.get(sim.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=10)
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


class TestReport:
    @pytest.fixture
    def failing(self, pytester: pytest.Pytester) -> pytest.Pytester:
        pytester.makepyfile(
            USES_A_TOKEN
            + """
    def test_sync(hubspot_sim, hubspot_clock, hubspot_installation):
        token = hubspot_installation.access_token
        assert get(hubspot_sim, "/crm/v3/objects/contacts", token).status_code == 200
        hubspot_clock.advance(minutes=35)
        assert get(hubspot_sim, "/crm/v3/objects/contacts", token).status_code == 200
"""
        )
        return pytester

    EXPECTED = (
        "*- HubSpot simulator -*",
        "#1 2*Z GET /crm/v3/objects/contacts 200: C* is good for another 1800 s",
        "#2 2*Z GET /crm/v3/objects/contacts 401: C* expired 300 s ago on the simulator's clock; "
        "no newer token was issued",
    )

    def test_a_failed_test_shows_the_journal_with_the_why(self, failing: pytest.Pytester) -> None:
        result = run(failing)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(self.EXPECTED)

    def test_under_xdist_the_section_arrives(self, failing: pytest.Pytester) -> None:
        result = failing.runpytest_subprocess("-p", "no:randomly", "-n", "2")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(self.EXPECTED)

    def test_the_duration_of_a_test_is_real(self, failing: pytest.Pytester) -> None:
        run(failing, "--junitxml=junit.xml")
        case = ElementTree.parse(failing.path / "junit.xml").find(".//testcase")
        assert case is not None
        assert float(case.attrib["time"]) < 300

    def test_without_a_request_it_says_so(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(hubspot_sim): assert False")
        run(pytester).stdout.fnmatch_lines(["*- HubSpot simulator -*", "no request reached the simulator"])

    def test_a_failure_in_teardown_shows_it_too(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.fixture
            def broken(hubspot_sim):
                yield
                raise RuntimeError

            def test_it(broken): pass
            """
        )
        result = run(pytester)
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*- HubSpot simulator -*"])

    def test_a_passing_test_shows_nothing(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile("def test_it(hubspot_sim): pass")
        result = run(pytester, "-rA")
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("*HubSpot simulator*")


def test_two_workers_have_two_servers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pathlib, time, pytest

        @pytest.mark.parametrize("number", range(2))
        def test_it(hubspot_sim, number):
            here = pathlib.Path(__file__).parent
            (here / f"url{number}").write_text(hubspot_sim.url)
            for _ in range(500):
                if (here / f"url{1 - number}").exists() and (here / f"url{1 - number}").read_text():
                    break
                time.sleep(0.01)
            assert (here / f"url{1 - number}").read_text() != hubspot_sim.url
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly", "-n", "2").assert_outcomes(passed=2)


class TestUnserved:
    def write(self, pytester: pytest.Pytester, path: str, mark: str = "") -> None:
        pytester.makepyfile(
            USES_A_TOKEN
            + f"""
    import pytest

    {mark}
    def test_sync(hubspot_sim, hubspot_installation):
        answer = get(hubspot_sim, "{path}", hubspot_installation.access_token)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
"""
        )

    def test_it_fails_in_the_call_phase_and_names_the_way_out(self, pytester: pytest.Pytester) -> None:
        self.write(pytester, "/crm/v3/object/contacts")
        result = run(pytester)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "the code under test called endpoints that the HubSpot simulator does not serve, and got 404:",
                "  #1 * GET /crm/v3/object/contacts 404: the simulator does not serve this path; the nearest that it "
                "serves is GET /crm/v3/objects/{type}",
                "If the test expects this, turn the failure off with @pytest.mark.hubspot(strict=False).",
            ]
        )

    def test_a_type_that_hubspot_has_and_the_simulator_has_not(self, pytester: pytest.Pytester) -> None:
        self.write(pytester, "/crm/v3/objects/products")
        run(pytester).stdout.fnmatch_lines(
            ["*the simulator does not serve the object type 'products'; the simulator serves contacts, companies*"]
        )

    def test_a_method_that_is_not_served(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import requests

            def test_it(hubspot_sim):
                assert requests.put(hubspot_sim.url + "/crm/v3/objects/contacts", timeout=10).status_code == 405
            """
        )
        run(pytester).stdout.fnmatch_lines(["*405: the simulator serves this path with GET, POST only"])

    @pytest.mark.parametrize(
        ("mark", "arguments"),
        [("@pytest.mark.hubspot(strict=False)", ()), ("", ("--hubspot-strict=no",))],
    )
    def test_the_way_out(self, pytester: pytest.Pytester, mark: str, arguments: tuple[str, ...]) -> None:
        self.write(pytester, "/crm/v3/object/contacts", mark)
        run(pytester, *arguments).assert_outcomes(passed=1)

    def test_a_strict_xfail_takes_it_for_the_failure(self, pytester: pytest.Pytester) -> None:
        self.write(pytester, "/crm/v3/object/contacts", "@pytest.mark.xfail(strict=True)")
        run(pytester).assert_outcomes(xfailed=1)


class TestAssertCalled:
    def message(self, pytester: pytest.Pytester, statement: str, request: str = "") -> list[str]:
        pytester.makepyfile(
            USES_A_TOKEN
            + f"""
    def test_it(hubspot_sim, hubspot_clock, hubspot_installation):
        token = hubspot_installation.access_token
        {request or "pass"}
        hubspot_sim.assert_called({statement})
"""
        )
        result = run(pytester)
        result.assert_outcomes(failed=1)
        result.stdout.no_fnmatch_line("*journal.py*")  # the test's own line is what failed
        return [line for line in result.outlines if line.startswith("E ")]

    def test_it_shows_what_was_seen_and_the_nearest_misses(self, pytester: pytest.Pytester) -> None:
        lines = self.message(
            pytester,
            '"POST", "/crm/v3/objects/contacts"',
            'get(hubspot_sim, "/crm/v3/objects/contacts?limit=1", token); '
            'get(hubspot_sim, "/crm/v3/objects/companies", token)',
        )
        expected = [
            r"AssertionError: expected calls of POST /crm/v3/objects/contacts: at least once; seen: never",
            r"2 exchanges in all:",
            r"  #1 \S+ GET /crm/v3/objects/contacts\?limit=1 200: \S+ is good for another 1800 s",
            r"  #2 \S+ GET /crm/v3/objects/companies 200: \S+ is good for another 1800 s",
            r"nearest misses:",
            r"  GET /crm/v3/objects/contacts \(once\): the method differs",
            r"  GET /crm/v3/objects/companies \(once\): the path differs",
        ]
        assert len(lines) == len(expected)
        for line, pattern in zip(lines, expected, strict=True):
            assert re.fullmatch(r"E\s{3,}" + pattern, line) or re.fullmatch(r"E\s+" + pattern.strip(), line)

    def test_no_request_at_all(self, pytester: pytest.Pytester) -> None:
        lines = self.message(pytester, '"POST", "/oauth/v1/token", times=1')
        assert "expected calls of POST /oauth/v1/token: once; seen: never" in lines[0]
        assert "the simulator received no request at all: does the code under test call its URL?" in lines[1]

    def test_too_often(self, pytester: pytest.Pytester) -> None:
        lines = self.message(
            pytester,
            '"GET", "/crm/v3/objects/{type}", times=0',
            'get(hubspot_sim, "/crm/v3/objects/contacts", token)',
        )
        assert "expected calls of GET /crm/v3/objects/{type}: never; seen: once" in lines[0]

    def test_a_path_with_a_query_is_explained(self, pytester: pytest.Pytester) -> None:
        lines = self.message(
            pytester,
            '"GET", "/crm/v3/objects/contacts?limit=1"',
            'get(hubspot_sim, "/crm/v3/objects/contacts?limit=1", token)',
        )
        assert "a path is compared without its query" in lines[-1]

    def test_literal_paths_templates_and_counts(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            USES_A_TOKEN
            + """
    def test_it(hubspot_sim, hubspot_installation):
        for path in ("contacts", "contacts/", "companies?limit=5"):
            get(hubspot_sim, f"/crm/v3/objects/{path}", hubspot_installation.access_token)
        hubspot_sim.assert_called("get", "/crm/v3/objects/contacts", times=2)
        hubspot_sim.assert_called("GET", "/crm/v3/objects/companies/")
        hubspot_sim.assert_called("GET", "/crm/v3/objects/{type}", times=3)
        hubspot_sim.assert_called("POST", "/oauth/v1/token", times=0)
"""
        )
        run(pytester).assert_outcomes(passed=1)


class TestSettings:
    SHOWS = """
    def test_it(hubspot_installation):
        print("ttl", hubspot_installation.expires_in)
"""

    def test_nothing_set_nothing_said(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(self.SHOWS)
        result = run(pytester)
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("hubspot: *")

    def test_each_source_is_named_and_the_nearer_wins(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytester.makepyfile(self.SHOWS)
        pytester.makeini("[pytest]\nhubspot_token_ttl = 100\nhubspot_wire = short\n")
        run(pytester, "-s").stdout.fnmatch_lines(
            ["hubspot: token_ttl=100 (ini hubspot_token_ttl), wire=short (ini hubspot_wire)", "*ttl 100*"]
        )
        monkeypatch.setenv("PYTEST_HUBSPOT_TOKEN_TTL", "200")
        run(pytester, "-s").stdout.fnmatch_lines(
            ["hubspot: token_ttl=200 (environment variable PYTEST_HUBSPOT_TOKEN_TTL), wire=*", "*ttl 200*"]
        )
        run(pytester, "-s", "--hubspot-token-ttl=300").stdout.fnmatch_lines(
            ["hubspot: token_ttl=300 (command line --hubspot-token-ttl), wire=*", "*ttl 300*"]
        )
        pytester.makeconftest(
            """
            import pytest
            from pytest_hubspot_auth import Settings

            @pytest.fixture(scope="session")
            def hubspot_settings():
                return Settings(token_ttl=400)
            """
        )
        run(pytester, "-s", "--hubspot-token-ttl=300").stdout.fnmatch_lines(["*ttl 400*"])
        pytester.makepyfile("import pytest\npytestmark = pytest.mark.hubspot(token_ttl=500)\n" + self.SHOWS.strip())
        run(pytester, "-s", "--hubspot-token-ttl=300").stdout.fnmatch_lines(["*ttl 500*"])

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            (
                "--hubspot-wire=shrt",
                "ERROR: command line --hubspot-wire: wire='shrt': expected one of: recorded, short",
            ),
            (
                "--hubspot-token-ttl=0",
                "ERROR: command line --hubspot-token-ttl: token_ttl='0': expected an integer from 1 to 3153600000",
            ),
            (
                "--hubspot-strict=perhaps",
                "ERROR: command line --hubspot-strict: strict='perhaps': "
                "expected true or false (also: yes, no, on, off, 1, 0)",
            ),
            (
                "--hubspot-port=99999",
                "ERROR: command line --hubspot-port: port='99999': expected an integer from 0 to 65535",
            ),
        ],
    )
    def test_a_wrong_value_ends_the_run(self, pytester: pytest.Pytester, option: str, message: str) -> None:
        pytester.makepyfile(self.SHOWS)
        result = run(pytester, option)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert message in result.errlines

    def test_a_wrong_ini_value(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\nhubspot_wire = long\n")
        result = run(pytester)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "ERROR: ini hubspot_wire: wire='long': expected one of: recorded, short" in result.errlines

    @pytest.mark.parametrize("by_option", [False, True], ids=["in-the-file", "by-an-option"])
    def test_a_misspelt_ini_name(self, pytester: pytest.Pytester, by_option: bool) -> None:
        pytester.makeini("[pytest]\n" + ("" if by_option else "hubspot_token_tll = 5\n"))
        result = run(pytester, *(["-o", "hubspot_token_tll=5"] if by_option else []))
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert (
            "ERROR: ini hubspot_token_tll: there is no such setting (did you mean 'hubspot_token_ttl'?); "
            "`hubspot-simulator explain` lists them"
        ) in result.errlines

    def test_ini_names_of_others_are_left_alone(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\nhubspot_tokens_ttl = 5\nhubspot_playground = 1\nfilterwarnings = ignore\n")
        pytester.makeconftest("def pytest_addoption(parser):\n    parser.addini('hubspot_tokens_ttl', '')")
        pytester.makepyfile("def test_it(hubspot_sim): assert hubspot_sim.settings.token_ttl == 1800")
        run(pytester, "-o", "hubspot_token_ttl=1800").assert_outcomes(passed=1)

    def test_a_misspelt_option(self, pytester: pytest.Pytester) -> None:
        result = run(pytester, "--hubspot-token-tll=5")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            ["ERROR: there is no option --hubspot-token-tll (did you mean --hubspot-token-ttl?)*"]
        )

    def test_an_option_of_somebody_else_is_left_alone(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest("def pytest_addoption(parser):\n    parser.addoption('--hubspot-tokens-ttl')")
        assert run(pytester, "--hubspot-tokens-ttl=5").ret == pytest.ExitCode.NO_TESTS_COLLECTED

    @pytest.mark.parametrize("name", ["now", "utc_offset", "waiting"])
    def test_an_argument_of_the_mark_by_ini(self, pytester: pytest.Pytester, name: str) -> None:
        pytester.makeini(f"[pytest]\nhubspot_{name} = simulated\n")
        result = run(pytester)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert (
            f"ERROR: ini hubspot_{name}: it is given by mark only: @pytest.mark.hubspot({name}=...)" in result.errlines
        )

    def test_a_misspelt_environment_variable(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTEST_HUBSPOT_TOKEN_TLL", "60")
        result = run(pytester)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        (line,) = [line for line in result.errlines if line.startswith("ERROR")]
        assert line.startswith(
            "ERROR: environment variable PYTEST_HUBSPOT_TOKEN_TLL: unknown setting 'token_tll' (did you mean "
            "'token_ttl'?); the settings are client_id, "
        )

    @pytest.mark.parametrize(
        ("mark", "message"),
        [
            ("tokenttl=60", "unknown setting 'tokenttl' (did you mean 'token_ttl'?); the settings are *"),
            ("wire='long'", "wire='long': expected one of: recorded, short"),
            ("60", "takes keywords only, such as token_ttl=60; got (60,)"),
            ("port=80", "'port' is a setting of the session's server: set it by ini or command line"),
            ("now='noon'", "now='noon': expected an ISO 8601 instant such as '2026-11-23T10:00:00Z', or a datetime"),
            ("now=5", "now=5: expected an ISO 8601 instant such as '2026-11-23T10:00:00Z', or a datetime"),
        ],
    )
    def test_a_wrong_mark_fails_its_own_test_with_its_line(
        self, pytester: pytest.Pytester, mark: str, message: str
    ) -> None:
        pytester.makepyfile(
            test_right="def test_it(hubspot_sim): pass",
            test_wrong=(
                f"import pytest\ndef test_other(): pass\n@pytest.mark.hubspot({mark})\ndef test_it(hubspot_clock): pass"
            ),
        )
        result = run(pytester)
        result.assert_outcomes(passed=2, errors=1)
        result.stdout.fnmatch_lines([f"test_wrong.py:3: @pytest.mark.hubspot: *{message}".replace("[", "[[]")])

    def test_a_wrong_mark_of_a_module_or_a_class_fails_its_tests_only(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            test_right="def test_it(): pass",
            test_module="import pytest\npytestmark = pytest.mark.hubspot(wier='short')\ndef test_it(): pass",
            test_class=(
                "import pytest\n@pytest.mark.hubspot(token_tll=5)\nclass TestIt:\n    def test_it(self): pass\n"
                "    def test_other(self): pass\ndef test_free(): pass"
            ),
        )
        result = run(pytester)
        result.assert_outcomes(passed=2, errors=3)
        result.stdout.fnmatch_lines(["test_class.py:4: *(did you mean 'token_ttl'?)*", "test_module.py:3: *'wire'*"])

    def test_the_closest_mark_wins(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pytest
            pytestmark = pytest.mark.hubspot(token_ttl=60, wire="short")

            @pytest.mark.hubspot(token_ttl=70)
            def test_it(hubspot_sim):
                assert hubspot_sim.settings.token_ttl == 70
                assert hubspot_sim.settings.wire == "short"
            """
        )
        run(pytester).assert_outcomes(passed=1)

    def test_the_mark_is_documented(self, pytester: pytest.Pytester) -> None:
        run(pytester, "--markers").stdout.fnmatch_lines(
            ["@pytest.mark.hubspot([*], client_id, *, token_ttl, *, strict, fail_on, *, now, utc_offset, waiting): *"]
        )

    def test_a_taken_port_is_named(self, pytester: pytest.Pytester) -> None:
        import socket

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            pytester.makepyfile("def test_it(hubspot_sim): pass")
            result = run(pytester, f"--hubspot-port={port}")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [f"the HubSpot simulator cannot start: *{port}: the port is in use*0 for a free one.*"]
        )

    def test_an_override_that_gives_something_else_is_named(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest(
            """
            import pytest

            @pytest.fixture(scope="session")
            def hubspot_settings():
                return {"token_ttl": 60}
            """
        )
        pytester.makepyfile("def test_it(hubspot_sim): pass")
        run(pytester).stdout.fnmatch_lines(
            ["the fixture hubspot_settings returned {'token_ttl': 60}: override it with one that returns*Settings(...)"]
        )


class TestIsolation:
    def test_tokens_repeat_between_runs_and_differ_between_tests(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.hubspot(now="2026-01-01")
            @pytest.mark.parametrize("number", range(2))
            def test_it(hubspot_clock, hubspot_installation, number):
                print("token", hubspot_installation.access_token)
            """
        )
        first, again, other = (
            [line.split()[-1].rstrip(".") for line in run(pytester, "-s", *more).outlines if "token" in line]
            for more in ((), (), ("--hubspot-random-seed=other",))
        )
        assert first == again
        assert first[0] != first[1]
        assert first != other

    def test_a_token_kept_from_another_test_is_refused_and_the_why_says_so(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            USES_A_TOKEN
            + """
    kept = []

    def test_first(hubspot_installation):
        kept.append(hubspot_installation.access_token)

    def test_second(hubspot_sim):
        answer = get(hubspot_sim, "/crm/v3/objects/contacts", kept[0])
        assert answer.json()["category"] == "INVALID_AUTHENTICATION"
        why = hubspot_sim.journal.exchanges[0].why
        assert why.startswith("not a call of this test: its token is of ") and "::test_first; " in why
        assert "was not issued by this simulator" in why
"""
        )
        run(pytester).assert_outcomes(passed=2)

    def test_no_thread_and_no_freeze_is_left_behind(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest(
            """
            import threading, time

            real = time.time_ns
            before = threading.active_count()

            def pytest_sessionfinish():
                from freezegun import api
                print("left", threading.active_count() - before, len(api.freeze_factories), time.time_ns is real)
            """
        )
        pytester.makepyfile(
            USES_A_TOKEN
            + """
    def test_it(hubspot_sim, hubspot_clock, hubspot_installation):
        assert get(hubspot_sim, "/crm/v3/objects/contacts", hubspot_installation.access_token).status_code == 200
"""
        )
        result = pytester.runpytest_subprocess("-s", "-p", "no:rerunfailures")  # it has a thread of its own
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*left 0 0 True*"])


class TestCost:
    HEAVY = ("werkzeug", "freezegun", "responses", "hubspot_simulator.settings", "requests", "cheroot")

    def test_an_unused_plugin_imports_nothing(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytester.makepyfile(
            f"""
            import sys

            def test_it():
                assert [name for name in {self.HEAVY!r} if name in sys.modules] == []
                assert "pytest_hubspot_auth.plugin" in sys.modules
            """
        )
        pytester.runpytest_subprocess("-p", "pytest_hubspot_auth.plugin").assert_outcomes(passed=1)

    def test_importing_the_plugin_imports_only_itself(self, pytester: pytest.Pytester) -> None:
        code = (
            "import sys, pytest; before = set(sys.modules); import pytest_hubspot_auth.plugin; "
            "print(sorted(set(sys.modules) - before))"
        )
        result = pytester.run(sys.executable, "-c", code)
        table = ("", ".setting_values", ".settings_table")
        own = ("", ".fixtures", ".marks", ".options", ".plugin")
        routing = ("", ".audit_hook", ".item_protection")
        light = [
            *(f"hubspot_simulator{name}" for name in table),
            *(f"pytest_hubspot_auth{name}" for name in own),
            *(f"pytest_hubspot_auth.routing{name}" for name in routing),
        ]
        assert result.outlines == [repr(light)]
