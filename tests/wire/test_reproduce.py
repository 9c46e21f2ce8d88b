"""D3: from what a log says of a refusal to a simulator that answers so again, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.errors import TOKEN_ERRORS
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.faults import refusals

CONTACTS = "/crm/v3/objects/contacts"
MESSAGE = "The OAuth token used to make this call expired 5 minute(s) ago."
Ask = Callable[[Simulator, Client], TestResponse]


def simulator(**settings: Any) -> tuple[Simulator, Client]:
    made = Simulator(Settings(**settings), clock=ManualClock(1_677_534_017_518))
    return made, Client(Application(made))


def get(sim: Simulator, client: Client, path: str = CONTACTS, token: str | None = None) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {token or sim.installation.access_token}"})


def post(sim: Simulator, client: Client, body: object, path: str = CONTACTS) -> TestResponse:
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    headers = {"Authorization": f"Bearer {sim.installation.access_token}", "Content-Type": "application/json"}
    return client.post(path, data=content, headers=headers)


def refresh(sim: Simulator, client: Client, **changed: str) -> TestResponse:
    form = {
        "grant_type": "refresh_token",
        "client_id": sim.app.client_id,
        "client_secret": sim.app.client_secret,
        "refresh_token": sim.installation.refresh_token,
    }
    return client.post("/oauth/v1/token", data={**form, **changed})


def later(ask: Ask, *, seconds: float) -> Ask:
    def asked(sim: Simulator, client: Client) -> TestResponse:
        sim.installation.access_token  # noqa: B018  # it is issued when it is first read
        sim.clock.advance(seconds=1800 + seconds)
        return ask(sim, client)

    return asked


def after(change: Callable[[Simulator], object], ask: Ask = get) -> Ask:
    def asked(sim: Simulator, client: Client) -> TestResponse:
        sim.installation.access_token  # noqa: B018
        change(sim)
        return ask(sim, client)

    return asked


def legacy(sim: Simulator, client: Client) -> TestResponse:
    return get(sim, client, "/integrations/v1/me")


def conflict(sim: Simulator, client: Client) -> TestResponse:
    for _ in range(2):
        answer = post(sim, client, {"properties": {"email": "ada@example.com"}})
    return answer


def injected(name: str, **options: Any) -> Ask:
    ask = refresh if name in TOKEN_ERRORS else get
    return after(lambda sim: sim.inject(name, **options), ask)


# Each makes the simulator refuse, in its own way; with the settings that it takes.
REFUSALS: dict[str, tuple[Ask, dict[str, Any]]] = {
    **{f"expired {n} s": (later(get, seconds=n), {}) for n in (0, 7, 119, 120, 7_199, 7_200, 172_800, 9_999_999)},
    "expired, short": (later(get, seconds=300), {"wire": "short"}),
    "expired, legacy": (later(legacy, seconds=300), {}),
    "no credentials": (lambda sim, client: client.get(CONTACTS), {}),
    "no credentials, short": (lambda sim, client: client.get(CONTACTS), {"wire": "short"}),
    "no credentials, legacy": (lambda sim, client: client.get("/integrations/v1/me"), {}),
    "no token": (lambda sim, client: get(sim, client, token="x"), {}),
    "a private app's": (lambda sim, client: get(sim, client, token="pat-na1-x"), {}),
    "an API key": (lambda sim, client: client.get(f"{CONTACTS}?hapikey=x"), {}),
    "an API key, legacy": (lambda sim, client: client.get("/integrations/v1/me?hapikey=x"), {}),
    "uninstalled": (after(Simulator.uninstall), {"after_uninstall": "dead"}),
    "deleted": (after(Simulator.delete_portal), {}),
    "lacking": (lambda sim, client: get(sim, client, token=sim.install(scopes=["oauth"]).access_token), {}),
    "migrating": (after(Simulator.migrate_portal), {}),
    "locked": (after(Simulator.lock_portal), {}),
    "misrouted": (after(Simulator.wrong_region), {}),
    "limited": (
        after(lambda sim: None, lambda *given: [get(*given), get(*given)][1]),
        {"rate_limits": True, "rate_limit": 1},
    ),
    "limited, daily": (
        lambda sim, client: [get(sim, client, token=token) for token in [sim.add_private_app().access_token] * 2][1],
        {"rate_limits": True, "rate_limit_daily": 1},
    ),
    "limited, token": (
        lambda sim, client: [refresh(sim, client), refresh(sim, client)][1],
        {"rate_limits": True, "rate_limit_token": 1},
    ),
    "refresh: dead": (after(Simulator.uninstall, refresh), {}),
    "refresh: unknown": (
        lambda sim, client: refresh(sim, client, refresh_token="x"),
        {"bad_refresh_error": "invalid_request"},
    ),
    "refresh: none": (lambda sim, client: refresh(sim, client, refresh_token=""), {}),
    "refresh: legacy form": (lambda sim, client: refresh(sim, client, refresh_token="x"), {"token_errors": "legacy"}),
    "refresh: client": (lambda sim, client: refresh(sim, client, client_id="x"), {}),
    "refresh: secret": (lambda sim, client: refresh(sim, client, client_secret="x"), {}),
    "refresh: grant": (lambda sim, client: refresh(sim, client, grant_type="x"), {}),
    "refresh: no grant": (lambda sim, client: refresh(sim, client, grant_type=""), {}),
    "refresh: deleted": (after(Simulator.delete_portal, refresh), {}),
    "code": (lambda sim, client: refresh(sim, client, grant_type="authorization_code", code="x"), {}),
    "v1 ended": (refresh, {"v1_sunset": "now"}),
    "JSON to the token endpoint": (lambda sim, client: post(sim, client, {}, "/oauth/v1/token"), {}),
    "metadata": (lambda sim, client: client.get("/oauth/v1/access-tokens/x"), {}),
    "metadata, 404": (lambda sim, client: client.get("/oauth/v1/access-tokens/x"), {"metadata_error": 404}),
    "not found": (lambda sim, client: get(sim, client, f"{CONTACTS}/1"), {}),
    "not a number": (lambda sim, client: get(sim, client, f"{CONTACTS}/x"), {}),
    "conflict": (conflict, {}),
    "limit": (lambda sim, client: get(sim, client, f"{CONTACTS}?limit=x"), {}),
    "after": (lambda sim, client: get(sim, client, f"{CONTACTS}?after=x"), {}),
    "no JSON": (lambda sim, client: post(sim, client, "{"), {}),
    "no object": (lambda sim, client: post(sim, client, []), {}),
    "no properties": (lambda sim, client: post(sim, client, {}), {}),
    "a bad name": (lambda sim, client: post(sim, client, {"properties": {"A B": "1"}}), {}),
    "a bad value": (lambda sim, client: post(sim, client, {"properties": {"email": "x"}}), {}),
    "a list for a value": (lambda sim, client: post(sim, client, {"properties": {"email": []}}), {}),
    "no such type": (lambda sim, client: get(sim, client, "/crm/v3/objects/x"), {}),
    "no such type id": (lambda sim, client: get(sim, client, "/crm/v3/objects/0-999"), {}),
    "id property": (lambda sim, client: get(sim, client, f"{CONTACTS}/1?idProperty=city"), {}),
    "405": (lambda sim, client: client.put(CONTACTS), {}),
    "an invalid host": (lambda sim, client: client.get(CONTACTS, environ_overrides={"HTTP_HOST": "a b"}), {}),
    **{f"injected {name}": (injected(name), {}) for name in refusals.TOKEN_NAMES},
    **{f"injected {name}": (injected(name), {}) for name in (*refusals.STATUSES, *refusals.GATEWAY, *refusals.LIMITS)},
    "injected scopes": (injected("MISSING_SCOPES", scopes=["tickets", "crm.lists.read"]), {}),
    "injected expiry": (injected("EXPIRED_AUTHENTICATION", expire_time_ms=1_448_463_303_914), {}),
}
# How a refusal reaches somebody: its body, by itself or in what others wrote around it.
LOGGED: dict[str, Callable[[str, int], str]] = {
    "body": lambda body, status: body,
    "line": lambda body, status: (
        f"2026-11-23T19:11:15.539Z ERROR [sync-401] HubSpot answered {status}: {body} (3 left)"
    ),
    "lines": lambda body, status: (
        f"({status})\nReason: x\nHTTP response headers: {{'Date': 'x'}}\nHTTP response body: {body}\n"
    ),
    "JSON line": lambda body, status: json.dumps({"level": "error", "message": f"HTTP {status} {body}", "n": 1}),
    "JSON in JSON": lambda body, status: json.dumps({"log": json.dumps({"message": body, "code": status})}),
    "Python": lambda body, status: f"ERROR {status} {json.loads(body) if body[0] == '{' else body!r}",
    "bytes": lambda body, status: f"{status}: {body.encode()!r}",
    "curl": lambda body, status: f"< HTTP/1.1 {status} X\n< Date: Mon, 23 Nov 2026 19:11:15 GMT\n<\n{body}",
}


def message_of(answer: TestResponse) -> str:
    value = answer.get_json(silent=True)
    return value["message"] if value else answer.text


def meet(text: str) -> tuple[TestResponse, Simulator]:
    """Reproduce a text in a fresh simulator, and make the calls that a program makes, until one is refused so."""
    sim, client = simulator()
    reproduced = sim.reproduce(text)
    for ask in (get, refresh, lambda sim, client: client.get("/oauth/v1/access-tokens/x")):
        answer = ask(sim, client)
        if reproduced.hits:
            return answer, sim
    raise AssertionError(f"{reproduced!r} was not met")


@pytest.mark.parametrize("name", REFUSALS)
def test_d3_every_refusal_comes_back_from_its_body(name: str) -> None:
    ask, settings = REFUSALS[name]
    for logged in LOGGED.values():
        refused = ask(*simulator(**settings))
        assert refused.status_code >= 400
        text = logged(refused.text, refused.status_code)
        answer, _ = meet(text)
        assert (answer.status_code, message_of(answer)) == (refused.status_code, message_of(refused)), text


@pytest.mark.parametrize("name", REFUSALS)
def test_d3_every_refusal_comes_back_from_its_message(name: str) -> None:
    ask, settings = REFUSALS[name]
    for around in ("{}", "WARN {}", 'error="{}" attempt=3', "{}\nTraceback", "...\n\t{}\n"):
        refused = ask(*simulator(**settings))
        text = around.format(message_of(refused))
        answer, _ = meet(text)
        assert (answer.status_code, message_of(answer)) == (refused.status_code, message_of(refused)), text


@given(st.integers(0, 400_000_000), st.sampled_from(list(LOGGED)), st.booleans())
def test_d3_any_age_comes_back_and_the_instant_with_it(seconds: int, logged: str, short: bool) -> None:
    sim, client = simulator(wire="short" if short else "recorded")
    refused = later(get, seconds=seconds)(sim, client)
    sim, client = simulator()
    reproduced = sim.reproduce(LOGGED[logged](refused.text, 401))
    answer = get(sim, client)
    assert answer.json["message"] == refused.json["message"]
    assert short or answer.json["context"] == refused.json["context"]
    assert reproduced.hits == sim.journal.exchanges
    again = get(sim, client)  # the token is dead for good
    assert again.json["category"] == "EXPIRED_AUTHENTICATION"
    assert refresh(sim, client).status_code == 200
    assert len(reproduced.hits) == 1


@pytest.mark.parametrize("name", REFUSALS)
def test_d3_a_right_reaction_to_it_is_not_accused(name: str) -> None:
    ask, settings = REFUSALS[name]
    text = LOGGED["line"]((refused := ask(*simulator(**settings))).text, refused.status_code)
    sim, client = simulator()
    sim.reproduce(text)
    token = sim.installation.access_token
    for path in (CONTACTS, "/crm/v3/objects/deals"):
        answer = get(sim, client, path, token)
        if answer.status_code in (429, 500, 502, 503, 504):
            sim.clock.advance(seconds=11)
            answer = get(sim, client, path, token)
        if answer.status_code == 401:
            refreshed = refresh(sim, client)
            if refreshed.status_code in (429, 500, 502, 503, 504):
                sim.clock.advance(seconds=11)
                refreshed = refresh(sim, client)
            if refreshed.status_code != 200:
                break
            token = refreshed.json["access_token"]
            answer = get(sim, client, path, token)
        if answer.status_code != 200:
            break
    expected = ["oauth-v1-after-sunset"] if name == "v1 ended" else []  # it does call what has ended
    assert [finding.id for finding in sim.audit()] == expected


BODY = json.dumps({"status": "error", "message": MESSAGE, "category": "EXPIRED_AUTHENTICATION"})


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mThe OAuth token \x1b[1mused\x1b[0m to make this call expired \x1b[33m5\x1b[0m minute(s) ago.\x1b[0m",
        r"\u001b[31mThe OAuth token used to make this call \x1b[1mexpired 5 minute(s) ago.",
        "app-1  | The OAuth token used to make\napp-1  | this call expired 5 minute(s) ago.".replace("app-1  ", ""),
        "> The OAuth token used to make\n> this call expired 5\n> minute(s) ago.",
        "The OAuth tok\nen used to make this call exp\nired 5 minute(s) ago.",
        "\n".join(BODY[start : start + 20] for start in range(0, len(BODY), 20)),
        quote(BODY),
        quote(quote(BODY)),
        quote_plus(BODY),
        quote_plus(MESSAGE),
        '... call expired 5 minute(s) ago.","category":"EXPIRED_AUTHENTICATION"}',
        f"{MESSAGE}\nYou have reached your daily limit.\nrefresh token is invalid, expired or revoked",
        "x" * 90_000 + " " + MESSAGE,  # a log's long word took a minute
    ],
)
def test_d3_coloured_wrapped_escaped_cut_off_and_followed_by_others(text: str) -> None:
    answer, _ = meet(text)
    assert message_of(answer) == MESSAGE


def test_d3_of_several_refusals_it_is_the_first() -> None:
    sim, _ = simulator()
    assert sim.reproduce(f"You have reached your secondly limit.\n{MESSAGE}").name == "SECONDLY"
    assert sim.reproduce(f"refresh token is invalid, expired or revoked\n{MESSAGE}").name == "BAD_REFRESH_TOKEN"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("oauth-token is not valid for this request", 401),
        ("Not engaged, auth is missing", 401),
        ("The API key used to make this call is expired.", 401),
        ("This oauth-token (xxx) does not have proper permissions! (requires any of [content, blog-post-read])", 403),
        ("The scope needed for this API call isn't available for public use.", 403),
        ("This API can't be called using an OAuth access token.", 403),
    ],
)
def test_d3_other_recorded_words(text: str, status: int) -> None:
    answer, _ = meet(f"ERROR: {text}")
    assert (answer.status_code, answer.json["message"]) == (status, text)


@pytest.mark.parametrize(
    "text", ["error code: 521", "HTTP 522", "524: A timeout occurred", "HTTP 488", "502 Bad Gateway"]
)
def test_d3_refusals_by_their_status(text: str) -> None:
    answer, _ = meet(text)
    assert str(answer.status_code) in text


def test_d3_a_scope_that_was_cut_off_is_none() -> None:
    sim, client = simulator()
    sim.reproduce('MISSING_SCOPES "requiredScopes":["crm.objects.deals.read","crm.objects.con')
    context = get(sim, client).json["errors"][0]["context"]
    assert "crm.objects.con" not in str(context)
    assert "crm.objects.deals.read" in str(context)


def test_d3_a_text_that_shares_no_word_with_a_refusal_has_no_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"knows$"):
        simulator()[0].reproduce("zzz yyy")


class TestState:
    """What stays changed, so that a wrong reaction fails and a right one passes."""

    def test_a_refreshed_token_is_good(self) -> None:
        sim, client = simulator()
        sim.reproduce(MESSAGE)
        assert get(sim, client).json["message"] == MESSAGE
        token = refresh(sim, client).json["access_token"]
        assert get(sim, client, token=token).status_code == 200
        assert get(sim, client).json["message"] == MESSAGE

    def test_a_later_call_can_meet_it(self) -> None:
        sim, client = simulator()
        reproduced = sim.reproduce(MESSAGE, at=3)
        assert [get(sim, client).status_code for _ in range(4)] == [200, 200, 401, 401]
        assert [exchange.number for exchange in reproduced.hits] == [3]

    def test_a_dead_refresh_token_is_dead_for_good_and_a_program_gets_to_notice(self) -> None:
        sim, client = simulator()
        reproduced = sim.reproduce('{"error":"invalid_grant"}')
        assert get(sim, client).json["category"] == "EXPIRED_AUTHENTICATION"
        assert [refresh(sim, client).json["status"] for _ in range(2)] == ["BAD_REFRESH_TOKEN"] * 2
        assert len(reproduced.hits) == 2
        assert sim.oauth.refresh_token(sim.installation.refresh_token) is None
        reproduced.remove()
        assert refresh(sim, client).json["status"] == "BAD_REFRESH_TOKEN"

    def test_an_uninstalled_app(self) -> None:
        sim, client = simulator()
        sim.reproduce("the app was uninstalled by its user")
        assert refresh(sim, client).json["status"] == "BAD_REFRESH_TOKEN"
        assert not sim.installation.installation.active

    def test_a_scope_is_lacking_on_the_path_where_it_was(self) -> None:
        sim, client = simulator()
        sim.reproduce("403 MISSING_SCOPES requiredGranularScopes: [tickets]", at=2)
        assert get(sim, client, "/crm/v3/objects/deals").status_code == 200
        for _ in range(2):
            assert get(sim, client).json["errors"][0]["context"] == {"requiredGranularScopes": ["tickets"]}
        assert get(sim, client, "/crm/v3/objects/deals").status_code == 403  # the same route
        assert get(sim, client, f"{CONTACTS}/1").status_code == 404

    def test_a_daily_limit_lasts_and_another_does_not(self) -> None:
        sim, client = simulator()
        sim.reproduce("You have reached your daily limit.")
        assert [get(sim, client).status_code for _ in range(2)] == [429, 429]
        sim, client = simulator()
        sim.reproduce("You have reached your secondly limit.")
        answers = [get(sim, client) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [429, 200]
        assert (answers[0].json["message"], answers[0].json["policyName"]) == (
            "You have reached your secondly limit.",
            "SECONDLY",
        )

    def test_a_migration_lasts_as_long_as_it_was_said(self) -> None:
        sim, client = simulator()
        sim.reproduce("477 Migration in Progress, Retry-After: 60")
        answer = get(sim, client)
        assert (answer.status_code, answer.headers["Retry-After"]) == (477, "60")
        assert get(sim, client).status_code == 477
        sim.clock.advance(seconds=60)
        assert get(sim, client).status_code == 200

    def test_a_body_that_nobody_knows_is_answered_word_for_word(self) -> None:
        sim, client = simulator()
        body = {"status": "error", "message": "Something else", "category": "NEW", "subCategory": "x"}
        sim.reproduce(f"HTTP/1.1 418 {json.dumps(body)}".replace("418", "409"))
        answer = get(sim, client)
        assert (answer.status_code, answer.json["message"], answer.json["subCategory"]) == (409, "Something else", "x")
        assert get(sim, client).status_code == 200

    def test_a_private_apps_token_meets_it_too(self) -> None:
        sim, client = simulator()
        sim.reproduce(MESSAGE)
        assert get(sim, client, token=sim.add_private_app().access_token).json["message"] == MESSAGE

    def test_the_journal_and_the_repr_tell(self) -> None:
        sim, client = simulator()
        reproduced = sim.reproduce(MESSAGE)
        assert repr(reproduced) == (
            "<Reproduction of EXPIRED_AUTHENTICATION at authenticated call 1: the call's access token had "
            "expired at HubSpot 5 minute(s) ago; hit 0 calls>"
        )
        get(sim, client)
        [exchange] = sim.journal.exchanges
        assert exchange.faults == ("EXPIRED_AUTHENTICATION:reproduced",)
        assert exchange.why == "reproduced: the call's access token had expired at HubSpot 5 minute(s) ago"


NAMES = {
    "EXPIRED_AUTHENTICATION": 401,
    "category: INVALID_AUTHENTICATION": 401,
    "TEN_SECONDLY_ROLLING": 429,
    "429 Client Error: Too Many Requests for url": 429,
    "503 Server Error: Service Unavailable for url: https://api.hubapi.com/crm/v3/objects/contacts": 503,
    "nginx: 504 Gateway Time-out": 504,
    "status=423 Locked": 423,
    "500 Server Error: Internal Server Error for url": 500,
    "oauthlib.oauth2.rfc6749.errors.InvalidGrantError: (invalid_grant) refresh token is invalid": 400,
    "the token was revoked": 401,
    "AxiosError: Request failed with status code 503": 503,
    "HTTP/1.1 502": 502,
    "SERVICE_UNAVAILABLE": 503,
    "status_code=429": 429,
    "500": 500,
    "423": 423,
    "HTTP 477": 477,
}


@pytest.mark.parametrize("text", NAMES)
def test_d3_names_and_statuses_are_enough(text: str) -> None:
    assert meet(text)[0].status_code == NAMES[text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'': expected a log line, or the body or message of an error"),
        (None, "None: expected"),
        (
            "the daily sync of 477 contacts failed: a locked database, in a migration",
            "is not an error that the simulator",
        ),
        ("processed 500 of 503 deals, bad_gateway_ip=10.0.0.429", "is not an error that the simulator knows"),
        ("everything is fine", "'everything is fine' is not an error that the simulator knows; the nearest is "),
        (
            "The OAuth tokn used for this call expired",
            "the nearest is 'The OAuth token used to make this call expired {} minute(s) ago.'",
        ),
        (
            '{"status":"error","message":"New","correlationId":"x"}',
            "put its HTTP status before the body, for example 409 {...}",
        ),
        (
            "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.hubapi.com/x",
            "does not say which error it was: add the body, or one of EXPIRED_AUTHENTICATION, INVALID_",
        ),
        (
            "2026-11-23 ERROR the app hasn't all scopes that were granted",
            "the nearest is \"This app hasn't been granted all required",
        ),
        ("Insufficient scopes were provided. Please", "is an error on HubSpot's consent page: people see it"),
        ("access_token=CKP91234567890 is wrong", "'access_token=… is wrong' is not an error"),
    ],
)
def test_d3_what_is_not_known_is_named(text: Any, said: str) -> None:
    sim, _ = simulator()
    with pytest.raises(ValueError, match=r"error|expected|consent") as raised:
        sim.reproduce(text)
    assert said in str(raised.value)
    assert "CKP91234567890" not in str(raised.value)
    assert sim.store.faults == []


@pytest.mark.parametrize("at", [0, -1, True, "1", 1.5])
def test_d3_which_call_is_a_number_from_1(at: Any) -> None:
    with pytest.raises(ValueError, match="expected the number of the call"):
        simulator()[0].reproduce(MESSAGE, at=at)


@given(st.text(max_size=300))
def test_d3_any_text_is_known_or_named(text: str) -> None:
    sim, client = simulator()
    with suppress(ValueError):
        sim.reproduce(text)
    known = (200, 401, 403, 404, 409, 423, 429, 477, 488, 500, 502, 503, 504)
    assert get(sim, client).status_code in (*known, *range(520, 527))


@pytest.mark.parametrize(
    "text", ["{" * 100_000, "{'a':" * 20_000, '{"message":' * 30_000, "\\" * 100_000, "a " * 50_000, "x" * 100_000]
)
def test_d3_a_long_text_ends(text: str) -> None:
    with pytest.raises(ValueError, match="no refusal"):
        simulator()[0].reproduce(text)
