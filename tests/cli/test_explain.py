"""``hubspot-simulator explain``: every name that a report can print is explained, in plain lines."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hubspot_simulator import Simulator
from hubspot_simulator.cli import main
from hubspot_simulator.cli.explain.markdown import plain
from hubspot_simulator.cli.explain.names import spellings
from hubspot_simulator.cli.explain.pages import NAMES, page, rows, section
from hubspot_simulator.cli.explain.subjects import subjects
from hubspot_simulator.core.errors import TOKEN_ERRORS
from hubspot_simulator.lab.audit import FINDINGS
from hubspot_simulator.lab.conformance.bug_classes import BUG_CLASSES
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS
from hubspot_simulator.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for package in ("simulator", "pytest_hubspot_auth") for path in (ROOT / package).rglob("*.py")]
TEXTS = {subject.title: subject.texts for subject in subjects()}


def explain(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["explain", *words]) == 0
    return capsys.readouterr().out


def test_every_name_of_the_code_is_explained() -> None:
    assert {title: list(texts) for title, texts in TEXTS.items() if title != "Topics"} == {
        "Findings of the audit": list(FINDINGS),
        "Scenarios of the conformance suite": list(SCENARIOS),
        "Bug classes": [str(number) for number in BUG_CLASSES],
        "Errors of HubSpot": [*list(TEXTS["Errors of HubSpot"])[: -len(TOKEN_ERRORS)], *TOKEN_ERRORS],
        "Faults to inject": list(TEXTS["Faults to inject"]),
        "Settings": list(SETTINGS),
    }
    assert set(TEXTS["Faults to inject"]) == set(Simulator().faults.catalogue)


def test_a_finding_has_its_proof_and_its_fix(capsys: pytest.CaptureFixture[str]) -> None:
    text = explain(capsys, "refresh-storm")
    assert text.startswith("refresh-storm\n-------------\n\nSeveral refreshes for one expiry. Severity: error.\n")
    assert "Fix. Refresh under one lock per connection." in text
    assert "\n        if store.access_token == failed:  # look again" in text  # code stays as it is
    assert "**" not in text
    assert "straggler" not in text  # the next section


def test_a_scenario_a_class_and_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    for name, scenario in SCENARIOS.items():
        text = " ".join(explain(capsys, name).split())
        assert scenario.title in text
        assert scenario.doc in text
    for number, bug in BUG_CLASSES.items():
        text = " ".join(explain(capsys, str(number)).split())
        assert text.startswith(f"Bug class {number}: {bug.title} -")
        assert "- Seen in: " in text
    text = explain(capsys, "token_ttl")
    assert "Lifetime of an access token in seconds.\n" in text
    assert "- Default: 1800\n" in text
    assert "@pytest.mark.hubspot(token_ttl=...)" in text
    assert "@pytest.mark" not in explain(capsys, "port")


def test_an_error_has_its_answer_and_when_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    text = explain(capsys, "BAD_REFRESH_TOKEN")
    assert 'The token endpoint answers 400: `status` is "BAD_REFRESH_TOKEN"' in text
    assert "- refresh token revoked, replaced, or of an uninstalled app\n" in text
    assert "BAD_HUB" not in text
    assert "The fault BAD_REFRESH_TOKEN\n" in text  # the name is that of a fault too
    assert "expired N unit(s) ago" in explain(capsys, "EXPIRED_AUTHENTICATION")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Token TTL", "token_ttl"),
        ("hubspot_token_ttl", "token_ttl"),
        ("--hubspot-token-ttl=60", "token_ttl"),
        ("HUBSPOT_SIMULATOR_TOKEN_TTL", "token_ttl"),
        ("PYTEST_HUBSPOT_TOKEN_TTL", "token_ttl"),
        ("test_survives_minute_31", "survives-minute-31"),
        ("bug class 34", "34"),
        ("#34", "34"),
        ("docs/findings.md#refresh-storm", "refresh-storm"),
        ("docs/waiting.md", "waiting"),
        ("`answer_lost`,", "answer_lost"),
        ("expired authentication", "EXPIRED_AUTHENTICATION"),
    ],
)
def test_a_name_may_be_written_in_the_ways_in_which_people_meet_it(
    capsys: pytest.CaptureFixture[str], written: str, meant: str
) -> None:
    assert explain(capsys, "--", *written.split()) == explain(capsys, meant)


def test_names_do_not_hide_each_other() -> None:
    for texts in TEXTS.values():
        assert len({spellings(name)[0] for name in texts}) == len(texts)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("refresh-strom", " (did you mean refresh-storm?)"),
        ("test_survive_minute_31", " (did you mean survives-minute-31?)"),
        ("BAD_REFRESHTOKN", " (did you mean BAD_REFRESH_TOKEN?)"),
        ("hubspot_token_tll", " (did you mean token_ttl?)"),
        ("42", ""),
        ("xyzzy", ""),
        ("---", ""),
    ],
)
def test_an_unknown_name_gets_the_nearest_and_the_way_out(
    capsys: pytest.CaptureFixture[str], name: str, hint: str
) -> None:
    assert main(["explain", "--", name]) == 2
    assert capsys.readouterr().err == (
        f"hubspot-simulator explain: there is nothing called {name!r}{hint}; `hubspot-simulator explain` lists all "
        "names\n"
    )


def test_without_a_name_all_are_listed_by_kind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = explain(capsys)
    assert max(map(len, text.splitlines())) <= 60
    listed = set(re.split(r"[\s,]+", text))
    for title, texts in TEXTS.items():
        assert f"\n{title}\n" in text
        assert title == "Bug classes" or set(texts) <= listed
    assert "\n- 34: wrong app for a refresh token\n" in text


def test_what_the_product_prints_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the source says to pass to the command is a name of it; a placeholder stands for one of its names."""
    printed = {
        name
        for path in SOURCES
        for name in re.findall(r"hubspot-simulator explain ([\w-]+)", path.read_text("utf-8"))
        if name != "NAME"
    }
    assert {"adapter", "guard", "languages", "waiting"} <= printed
    for name in printed:
        assert explain(capsys, name)


def test_nothing_that_is_printed_names_a_page_that_no_wheel_has() -> None:
    """A page may be the source of a fact in a comment or a docstring, not in a text that is printed."""
    named = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
        named += [text.value for text in texts if re.search(r"docs/[\w-]+\.md", str(text.value))]
    assert named == []


class TestPlainText:
    def test_it_wraps_all_but_code(self) -> None:
        text = "a " * 40 + "\n\n- " + "b " * 40 + "\n- c\n\n```python\n" + "d " * 40 + "\n```\n"
        lines = plain(text, 40).splitlines()
        assert max(len(line) for line in lines if "d" not in line) <= 40
        assert "    " + ("d " * 40).strip() in lines
        assert "- c" in lines
        assert any(line.startswith("  b") for line in lines)  # the second line of an item

    def test_marks_go_and_code_stays(self) -> None:
        assert plain("**Fix.** See [the *guide*](x.md#y) and `a[0](**b)`.", 80) == (
            "Fix. See the *guide* and `a[0](**b)`."
        )

    def test_a_table_becomes_a_list(self) -> None:
        assert plain("| name | | sees |\n|---|---|---|\n| `a` | b \\| c | |\n| d | | e |\n", 80) == (
            "- `a`\n    b | c\n- d\n    sees: e"
        )

    def test_comments_go(self) -> None:
        assert plain("<!-- settings -->\n# Title\nText\n", 80) == "Title\n-----\n\nText"

    def test_a_comment_in_code_does_not_end_a_section(self) -> None:
        assert section("## a\n\n```sh\n# b\n```\n\nc\n\n## d\n", "a") == "## a\n\n```sh\n# b\n```\n\nc"

    def test_no_page_is_too_hard(self) -> None:
        for name in NAMES:
            assert plain(page(name), 80)
            assert all(row for row in rows(page(name)))
