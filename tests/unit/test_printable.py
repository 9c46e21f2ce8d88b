"""What a client sends cannot forge a log: it ends no line, moves no cursor, turns no direction, hides nothing (C2)."""

from __future__ import annotations

import unicodedata
from itertools import product
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from hubspot_simulator import Simulator
from hubspot_simulator.core.printable import many_lines, one_line, wrapped
from hubspot_simulator.core.redaction import shown, shown_lines
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.sweep import target
from hubspot_simulator.runner.report import report
from hubspot_simulator.settings import Settings

FORGED = "#7 2026-11-23T10:00:00Z GET /crm/v3/objects/contacts 200: all is well"
NASTY = {
    "line feed": "\n",
    "carriage return": "\r",
    "escape": "\x1b[2J\x1b[1;31m",
    "backspace": "\b\b\b\b",
    "bell": "\x07",
    "C1 control sequence": "\x9b31m",
    "next line": "\x85",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "isolate": "\u2067",
    "zero width": "\u200b\u200d\ufeff",
    "tag": "\U000e0041",
    "surrogate": "\udc9b",
    "many blanks": " " * 200,
    "wide blanks": "\u3000" * 90,
}
HARMLESS_IN_LINES = {"\n", "\t", "\xa0", "\u202f", "\u3000"}


def is_plain(text: str) -> bool:
    """Tell whether every character of a text shows, and stands where it stands."""
    return all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


def nasty_environ(place: str, text: str) -> dict[str, object]:
    raw = text.encode("utf-8", "surrogatepass").decode("latin-1")
    environ = EnvironBuilder("/crm/v3/objects/contacts", method="POST" if place == "form" else "GET").get_environ()
    if place == "path":
        environ["PATH_INFO"] = "/" + raw
    elif place == "query":
        environ["QUERY_STRING"] = raw
    elif place == "method":
        environ["REQUEST_METHOD"] = raw
    elif place == "authorization":
        environ["HTTP_AUTHORIZATION"] = raw + " x"
    elif place == "host":
        environ["HTTP_HOST"] = raw
    elif place == "content type":
        environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": "/oauth/v3/token", "CONTENT_TYPE": raw}
    elif place == "form":
        data = f"grant_type={quote(text, errors='replace')}&client_id={quote(text, errors='replace')}&client_secret=x"
        environ = EnvironBuilder("/oauth/v3/token", method="POST", data=data).get_environ()
        environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    elif place == "redirect":
        query = {"client_id": text.encode("utf-8", "replace"), "redirect_uri": text.encode("utf-8", "replace")}
        environ = EnvironBuilder("/oauth/authorize", query_string=query).get_environ()
    return environ


PLACES = ["path", "query", "method", "authorization", "host", "content type", "form", "redirect"]


def test_c2_what_a_client_sends_stays_in_its_line() -> None:
    for place, (kind, nasty) in product(PLACES, NASTY.items()):
        case = f"{kind} in the {place}"
        simulator = Simulator(Settings(bearer_case="exact"))
        Application(simulator).respond(nasty_environ(place, f"before{nasty}{FORGED}"))
        (exchange,) = simulator.journal
        for text in (str(exchange), repr(exchange), target(exchange), repr(simulator.journal), exchange.why):
            assert is_plain(text), case
            assert "   " not in text, case  # a row of a terminal could be filled up with blanks
        with pytest.raises(AssertionError) as raised:
            simulator.journal.assert_called("GET", f"/nowhere{nasty}", times=99)
        lines = str(raised.value).splitlines()
        assert all(is_plain(line) for line in lines), case
        assert not any(line.strip().startswith("#7") for line in lines), case
        hosts, broken = {f"evil{nasty}{FORGED}:443": 1}, {(f"evil{nasty}{FORGED}", "sent nothing"): 1}
        told = report(simulator, {}, hosts, broken)
        assert all(is_plain(line) for line in told.split("\n")), case
        assert not any(line.strip().startswith("#7") for line in told.splitlines()), case


def test_c2_a_decoded_path_is_shown_as_a_url_has_it() -> None:
    simulator = Simulator()
    Application(simulator).respond(EnvironBuilder("/crm/%0Aa%20b%C3%A9").get_environ())
    assert "GET /crm/%0Aa%20b%C3%A9 404: " in str(simulator.journal[0])


def test_c2_a_long_path_does_not_fill_the_screen() -> None:
    simulator = Simulator()
    Application(simulator).respond(EnvironBuilder("/" + "x" * 60_000).get_environ())
    assert len(str(simulator.journal[0])) < 2000


@given(st.text())
def test_c2_one_line_is_one_line(text: str) -> None:
    for said in (one_line(text), shown(text)):
        assert is_plain(said)
        assert len(said.splitlines()) <= 1
        assert said.isprintable()


@given(st.text())
def test_c2_many_lines_break_where_they_did(text: str) -> None:
    for said in (many_lines(text), shown_lines(text)):
        assert all(is_plain(char) or char in HARMLESS_IN_LINES for char in said)
        assert said.count("\n") <= text.count("\n")


def test_c2_what_shows_stays() -> None:
    text = "Grüße, こんにちは, שלום — “ok” 👍 ½"
    assert one_line(text) == many_lines(text) == text
    assert many_lines("a\tb\r\nc\n") == "a\tb\nc\n"


@given(st.lists(st.text("ab -#|", max_size=200)), st.integers(20, 100))
def test_d6_what_is_wrapped_loses_no_word_and_fits(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    said = wrapped(text, width)
    assert said.split() == text.split()
    for line in said.split("\n"):
        assert len(line) <= width or line.lstrip().startswith("| ") or len(line.split()) <= 1


def test_d6_what_goes_on_is_indented_and_what_a_program_printed_stays() -> None:
    printed = "  | " + "word " * 30
    assert wrapped(f"  one two three four\n{printed}", 16) == f"  one two three\n      four\n{printed}"


def test_d6_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "word " * 60
    for columns, most in (("60", 60), ("", 80), ("7", 80)):
        monkeypatch.setenv("COLUMNS", columns)
        assert max(map(len, wrapped(text).split("\n"))) in range(most - 5, most + 1)
    assert max(map(len, wrapped(text, less=8).split("\n"))) <= 72
