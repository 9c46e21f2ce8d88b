"""The pages as text: what stands in them, that nothing breaks out of it, and that the form gives back what it got."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.consent import AuthorizationRequest
from hubspot_simulator.core.model import App, Portal
from hubspot_simulator.http.app import Application
from hubspot_simulator.http.oauth import consent_page

VOID = ("meta", "link", "input", "wbr")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onfocus=alert(1) autofocus='",
    "</title></style><b>",
    "&lt;b&gt; &amp; {braces} %s",
    "é漢🦄 \u202e\u2066",
)
PORTALS = (Portal(1, "one.example.com"), Portal(2, "two.example.com", hublet="eu1"), Portal(3, "d.x", developer=True))


class Page(HTMLParser):
    """A page, taken apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag and attributes.items() <= found.items()]

    def text(self, tag: str | None = None) -> str:
        inside = [data for where, data in self.texts if where == tag or (tag is None and where != "style")]
        return " ".join("".join(inside).split())

    def fields(self, *, portal: str = "", untick: tuple[str, ...] = ()) -> dict[str, list[str]]:
        """Return what the form sends when Connect is pressed."""
        sent: dict[str, list[str]] = {}
        for field in self.all("input"):
            if field["type"] == "radio" and portal:
                pressed = field["value"] == portal
            else:
                pressed = field["type"] == "hidden" or ("checked" in field and field["value"] not in untick)
            if pressed:
                sent.setdefault(field["name"], []).append(field["value"])
        for option in self.all("option", selected=""):
            sent["portal"] = [option["value"]]
        return {**sent, "decision": ["connect"]}


def ask(
    name: str = "Acme Sync",
    scopes: tuple[str, ...] = ("oauth", "tickets"),
    optional: tuple[str, ...] = ("files", "not.common"),
    portals: tuple[Portal, ...] = PORTALS,
    selected: int = 0,
    **parameters: str,
) -> Page:
    app = App(1, name, "client-id", "secret", ("https://app.example.com/cb",), scopes, optional)
    request = AuthorizationRequest(app, app.redirect_uri, scopes, optional)
    return Page(consent_page.ask(request, portals, portals[selected], parameters))


def test_the_page_names_the_app_the_accounts_the_scopes_and_where_it_leads() -> None:
    page = ask()
    text = page.text()
    for expected in (
        "Connect Acme Sync",
        "one.example.com Hub ID 1",
        "two.example.com Hub ID 2 · eu1",
        "d.x Hub ID 3 · developer account",
        "Required access",
        "Connect to the account oauth",
        "Read, create, change and delete tickets tickets",
        "Optional access",
        "Work with files files",
        "not.common",
        "Connect takes you back to https://app.example.com/cb",
    ):
        assert expected in text
    assert page.text("title") == "Connect Acme Sync – HubSpot simulator"
    assert [(button["name"], button["value"]) for button in page.all("button")] == [
        ("decision", "connect"),
        ("decision", "cancel"),
    ]


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("crm.objects.contacts.read", "Read contacts"),
        ("crm.objects.line_items.write", "Create, change and delete line items"),
        ("crm.objects.custom.read", "Read custom objects"),
        ("crm.schemas.deals.read", "Read which properties deals have"),
        ("crm.schemas.custom.write", "Change which properties custom objects have"),
        ("automation", "Work with workflows"),
        ("crm.objects.contacts.sensitive.read", None),
        ("crm.objects.contacts.read\n", None),
        ("crm.objects.<b>.read", None),
    ],
)
def test_a_scope_is_said_in_words_where_they_are_known(scope: str, words: str | None) -> None:
    page = ask(scopes=(scope,), optional=())
    assert page.text("code").startswith(scope.strip())
    assert len(page.all("small")) == len(PORTALS) + bool(words)
    if words:
        assert f"{words} {scope}" in page.text()


def test_parts_that_would_be_empty_are_left_out() -> None:
    page = ask(scopes=(), optional=())
    assert "access" not in page.text("h2") + page.text("legend")
    assert page.all("ul") == page.all("input", type="checkbox") == []


@pytest.mark.parametrize("count", [1, 2, 6, 7, 300])
@pytest.mark.parametrize("which", [0, -1])
def test_the_selected_account_comes_first_and_is_chosen(count: int, which: int) -> None:
    portals = tuple(Portal(hub_id, f"{hub_id}.example.com") for hub_id in range(100, 100 + count))
    page = ask(portals=portals, selected=which)
    offered = page.all("option") if count > 6 else page.all("input", type="radio", name="portal")
    chosen = str(portals[which].hub_id)
    assert sorted(int(choice["value"]) for choice in offered) == [portal.hub_id for portal in portals]
    assert offered[0]["value"] == chosen
    assert page.fields()["portal"] == [chosen]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_breaks_out_of_the_page(text: str) -> None:
    plain, hostile = ask(x="x"), ask(text, (text,), (text,), (Portal(1, text), *PORTALS[1:]), x=text)
    assert [tag for tag, _ in hostile.elements if tag in ("script", "img", "b")] == []
    assert {tag for tag, _ in hostile.elements} <= {tag for tag, _ in plain.elements}
    for tag, attributes in hostile.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "autofocus"], tag
    assert hostile.text().count(" ".join(text.split())) == 5  # title, heading, account, both scopes
    assert hostile.all("input", type="hidden") == [{"type": "hidden", "name": "x", "value": text}]
    assert hostile.fields()["optional"] == [text]
    many = ask(portals=tuple(Portal(hub_id, text) for hub_id in range(9)))
    assert len(many.all("option")) == 9
    assert Page(consent_page.refused(text)).text("p") == Page(consent_page.refused("x")).text("p").replace(
        "x", " ".join(text.split()), 1
    )


PARAMETERS = st.dictionaries(st.text(min_size=1), st.text())


@given(PARAMETERS)
def test_every_parameter_comes_back_with_the_form(parameters: dict[str, str]) -> None:
    app = App(1, "a", "b", "c", ("https://d.example.com",), ("oauth",))
    html = consent_page.ask(
        AuthorizationRequest(app, app.redirect_uri, ("oauth",), ()), PORTALS, PORTALS[0], parameters
    )
    sent = Page(html).fields()
    assert {name: values for name, values in sent.items() if name not in consent_page.FIELDS} == {
        name: [value] for name, value in parameters.items() if name not in consent_page.FIELDS
    }


@pytest.mark.parametrize(
    "html", [consent_page.refused("message"), consent_page.cancelled(), "ask"], ids=["refused", "cancelled", "ask"]
)
def test_each_page_is_one_whole_document_that_loads_nothing(html: str) -> None:
    if html == "ask":
        app = App(1, "a", "b", "c", ("https://d.example.com",), ("oauth",), ("files",))
        html = consent_page.ask(
            AuthorizationRequest(app, app.redirect_uri, ("oauth",), ("files",)), PORTALS, PORTALS[0], {}
        )
    page = Page(html)
    assert html.startswith("<!doctype html>\n")
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("meta", charset="utf-8")
    assert page.all("meta", name="viewport", content="width=device-width, initial-scale=1")
    assert page.text("title").endswith(" – HubSpot simulator")
    assert "This is not HubSpot." in page.text("header")
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert [link["href"][:5] for link in page.all("link")] == ["data:"]
    assert {name for _, attributes in page.elements for name in attributes}.isdisjoint({"src", "style", "onclick"})
    assert not re.search(r"url\(|@import|<script", html)
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    assert [label.get("for") for label in page.all("label") if label.get("for") not in (None, *identifiers)] == []


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(Application(simulator))


def press(client: Client, page: TestResponse, path: str = "/oauth/authorize", **choice: Any) -> TestResponse:
    return client.post(path, data=Page(page.text).fields(**choice))


@pytest.mark.parametrize("state", [*HOSTILE, "", "a b&c=d#e/", "+%20", "\r\nSet-Cookie: x"])
def test_the_form_leads_to_the_code_and_the_state_of_the_link(
    client: Client, simulator: Simulator, register: Callable[..., App], query: Callable[..., str], state: str
) -> None:
    app = register(name=state, optional_scopes=["files", "a<b>'\"&c"])
    # Parameters that are called as the form's own fields change nothing about what was chosen.
    link = query(app, state=state, portal="1", optional="files", decision="cancel", response_type="code")
    page = client.get(f"/oauth/authorize?{link}")
    answer = press(client, page, portal="7654321", untick=("files",))
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.headers["Location"]).query, keep_blank_values=True)["state"] == [state]
    (code,) = simulator.store.codes.values()
    assert code.grant.installation.portal.hub_id == 7654321
    assert code.grant.scopes == ("oauth", "tickets", "a<b>'\"&c")


def test_the_form_of_an_mcp_link_names_the_scopes_that_the_link_does_not(
    client: Client, register: Callable[..., App], query: Callable[..., str]
) -> None:
    page = client.get(f"/oauth/authorize/user?{query(register(), scope=None, optional_scope=None)}")
    assert Page(page.text).fields()["scope"] == ["oauth tickets"]
    assert press(client, page, "/oauth/authorize/user").status_code == 302


def test_pages_allow_no_more_than_they_need(client: Client) -> None:
    policy = client.get("/oauth/authorize").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    )
