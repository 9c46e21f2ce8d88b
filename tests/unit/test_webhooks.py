"""Webhook signatures against HubSpot's published examples and its own client, events, schedule, and the guide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from hubspot.exceptions import InvalidSignatureTimestampError
from hubspot.utils.signature import Signature
from hypothesis import given
from hypothesis import strategies as st

from hubspot_simulator.core import webhooks
from hubspot_simulator.core.instants import to_datetime
from hubspot_simulator.core.webhooks import (
    RETRY_MINUTES,
    decode_uri,
    event,
    retry_at_ms,
    sign,
    sign_events,
    sign_request,
    signature_v1,
    signature_v2,
    signature_v3,
)

GUIDE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URI = "https://www.example.com/webhook_uri"
NOW_MS = 1_700_000_000_000
EVENTS = (
    '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    '"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW",'
    '"appId":54321}]'
)
EXAMPLE = '{"example_field":"example_value"}'
SINGLE_QUOTED = "{'example_field':'example_value'}"
# The example on HubSpot's page on request validation: what a real account sent.
SENT = (
    '[{"eventId":531833541,"subscriptionId":3923621,"portalId":48807704,"appId":16111050,"occurredAt":1752613920733,'
    '"subscriptionType":"contact.creation","attemptNumber":0,"objectId":138017612137,"changeFlag":"CREATED",'
    '"changeSource":"CRM_UI","sourceId":"userId:76023669"}]'
)

# what an IRI may hold too: the client signs any text
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
uris = st.builds("https://example.com/{}?q={}".format, texts, texts).map(decode_uri)
instants = st.integers(0, 253_402_300_799_999)


def test_version_1_of_the_published_events() -> None:
    assert signature_v1(SECRET, EVENTS) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("GET", "", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"),
        ("POST", EXAMPLE, "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"),
    ],
)
def test_version_2_of_the_published_requests(method: str, body: str, expected: str) -> None:
    assert signature_v2(SECRET, method, URI, body) == expected


@pytest.mark.parametrize(
    ("body", "timestamp_ms", "expected"),
    [
        pytest.param(EXAMPLE, 1693657560000, "oaA3M5dEtt6kFsseJD/Hv/x+JNl1vsoxFj4oxmwP6Go=", id="computed"),
        pytest.param(EXAMPLE, 1700000300000, "ZEux4lGY4urKtKJ9fqGCQDJ0FasZeSunWHlJMEoU3Bg=", id="computed-later"),
        pytest.param(SINGLE_QUOTED, 1693657560000, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=", id="python-client"),
        pytest.param(SINGLE_QUOTED, 1700000300000, "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=", id="ruby-client"),
    ],
)
def test_version_3_of_the_examples(body: str, timestamp_ms: int, expected: str) -> None:
    assert signature_v3(SECRET, "POST", URI, body, timestamp_ms) == expected


def test_version_3_of_a_request_that_hubspot_sent() -> None:
    uri = "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df"
    signature = signature_v3("cfc68c0b-4b4e-4ef8-b764-95350e4ea479", "POST", uri, SENT, 1752613922216)
    assert signature == "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg="


@given(secret=texts, method=st.sampled_from(["POST", "GET"]), uri=uris, body=texts, timestamp_ms=instants)
def test_the_official_client_computes_the_same(
    secret: str, method: str, uri: str, body: str, timestamp_ms: int
) -> None:
    def official(version: str) -> Any:
        return Signature.get_signature(secret, body, version, uri, method, str(timestamp_ms))

    assert signature_v1(secret, body) == signature_v1(secret, body.encode()) == official("v1")
    assert signature_v2(secret, method, uri, body) == official("v2")
    assert signature_v3(secret, method, uri, body, timestamp_ms) == official("v3")


def accepts(headers: dict[str, str], uri: str, body: str) -> bool:
    """Whether the official client takes a request's version 3. It raises when that is too old."""
    return bool(
        Signature.is_valid(
            signature=headers["X-HubSpot-Signature-v3"],
            client_secret=SECRET,
            request_body=body,
            http_uri=uri,
            signature_version="v3",
            timestamp=headers["X-HubSpot-Request-Timestamp"],
        )
    )


@pytest.mark.parametrize(
    ("signed_at_ms", "age_ms", "fresh"),
    [
        (NOW_MS, 0, True),
        (NOW_MS, 299_999, True),
        (NOW_MS, 300_000, False),
        (NOW_MS, 24 * 3_600_000, False),
        (NOW_MS + 999, 299_000, True),
        (NOW_MS + 999, 299_001, False),  # the client has cut the milliseconds off
        (NOW_MS, -3_600_000, True),  # from the future
    ],
)
def test_the_official_client_refuses_after_300_seconds(signed_at_ms: int, age_ms: int, fresh: bool) -> None:
    headers = sign(SECRET, "POST", URI, EVENTS, signed_at_ms)
    with freeze_time(to_datetime(signed_at_ms) + timedelta(milliseconds=age_ms)):
        if fresh:
            assert accepts(headers, URI, EVENTS)
            assert not accepts(headers, URI, EVENTS.replace("62515", "62516"))
            assert not accepts(headers, URI + "?", EVENTS)
        else:
            with pytest.raises(InvalidSignatureTimestampError):
                accepts(headers, URI, EVENTS)


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        *((f"https://example.com/a%{ord(sign):02X}b", f"https://example.com/a{sign}b") for sign in ":/?@!$'()*,;"),
        ("https://example.com/a%3ab%2fc", "https://example.com/a:b/c"),
        ("https://example.com/?q=%3F?&r=%40", "https://example.com/?q=??&r=@"),
    ],
)
def test_version_3_decodes_a_few_codes(encoded: str, decoded: str) -> None:
    assert decode_uri(encoded) == decoded
    assert signature_v3(SECRET, "POST", encoded, EVENTS, NOW_MS) == signature_v3(
        SECRET, "POST", decoded, EVENTS, NOW_MS
    )
    assert signature_v2(SECRET, "POST", encoded, EVENTS) != signature_v2(SECRET, "POST", decoded, EVENTS)


@pytest.mark.parametrize("kept", ["%20", "%22", "%23", "%25", "%26", "%2B", "%3D", "%5B", "%C3%A9", "%253A", "%3", "+"])
def test_version_3_leaves_the_other_codes(kept: str) -> None:
    assert decode_uri(f"https://example.com/?q={kept}") == f"https://example.com/?q={kept}"


def test_all_headers_are_sent_together() -> None:
    assert sign(SECRET, "POST", URI, EXAMPLE, 1693657560000) == {
        "Content-Type": "application/json",
        "X-HubSpot-Signature": signature_v1(SECRET, EXAMPLE),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": "oaA3M5dEtt6kFsseJD/Hv/x+JNl1vsoxFj4oxmwP6Go=",
        "X-HubSpot-Request-Timestamp": "1693657560000",
    }
    of_an_action = sign(SECRET, "POST", URI, EXAMPLE, 1693657560000, version="v2")
    assert of_an_action["X-HubSpot-Signature-Version"] == "v2"
    assert of_an_action["X-HubSpot-Signature"] == signature_v2(SECRET, "POST", URI, EXAMPLE)
    assert of_an_action["X-HubSpot-Signature-v3"] == "oaA3M5dEtt6kFsseJD/Hv/x+JNl1vsoxFj4oxmwP6Go="


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 'v1' or 'v2'; the signature of version 3 is always sent"):
        sign(SECRET, "POST", URI, EXAMPLE, NOW_MS, version="v3")


def test_a_signed_request_holds_what_is_sent() -> None:
    request = sign_request(SECRET, "GET", URI, "é", NOW_MS, version="v2")
    assert (request.method, request.url, request.body, request.signed_at_ms) == ("GET", URI, "é".encode(), NOW_MS)
    assert request.headers == sign(SECRET, "GET", URI, "é", NOW_MS, version="v2")
    assert request == sign_request(SECRET, "GET", URI, "é".encode(), NOW_MS, version="v2")
    assert replace(request, body=b"").headers == request.headers


def test_people_see_neither_secret_nor_query() -> None:
    request = sign_request(SECRET, "POST", f"{URI}?token=12345", EXAMPLE, NOW_MS)
    assert repr(request) == f"<SignedRequest POST {URI} signed at 2023-11-14T22:13:20Z>"
    assert SECRET not in str(vars(request))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/"),
        ("http://127.0.0.1:5000?a=1", "http://127.0.0.1:5000/?a=1"),
        ("https://[::1]:8443/h?a=%3A&b=é".replace("é", "%C3%A9"), "https://[::1]:8443/h?a=%3A&b=%C3%A9"),
        ("http://example.com/h?", "http://example.com/h?"),
    ],
)
def test_the_url_is_signed_as_it_is_sent(url: str, sent: str) -> None:
    request = sign_request(SECRET, "POST", url, EXAMPLE, NOW_MS, version="v2")
    assert request.url == sent
    assert request.headers["X-HubSpot-Signature"] == signature_v2(SECRET, "POST", sent, EXAMPLE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hubspot",
        "ftp://example.com/",
        "http://",
        "http:///hubspot",
        "http://[::1/",
        "http://a..b/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://example.com/#part",
        "http://example.com/a b",
        "http://example.com/é",
        "http://example.com/\r\nX-Evil:1",
    ],
)
def test_a_url_that_cannot_be_sent_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected an http or https URL with a host, in percent-encoded ASCII"):
        sign_request(SECRET, "POST", url, EXAMPLE, NOW_MS)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="without credentials") as raised:
        sign_request(SECRET, "POST", "http://ada:secret@example.com/", EXAMPLE, NOW_MS)
    assert "secret" not in str(raised.value)


def test_an_event_has_the_documented_members_in_order() -> None:
    documented = event(
        54321, 62515, 1564113600000, eventId=1, subscriptionId=12345, changeSource="CRM", changeFlag="NEW"
    )
    assert sign_events(SECRET, URI, documented, NOW_MS).body == EVENTS.encode()


@pytest.mark.parametrize(
    ("subscription_type", "flag"),
    [
        ("contact.creation", "CREATED"),
        ("object.deletion", "DELETED"),
        ("deal.propertyChange", None),
        ("contact.privacyDeletion", None),
    ],
)
def test_creations_and_deletions_are_flagged(subscription_type: str, flag: str | None) -> None:
    assert event(1, 2, NOW_MS, subscription_type).get("changeFlag") == flag


def test_ids_tell_events_and_subscriptions_apart() -> None:
    one, same = event(1, 2, NOW_MS), event(1, 2, NOW_MS)
    others = [
        event(1, 2, NOW_MS + 1),
        event(1, 3, NOW_MS),
        event(1, 2, NOW_MS, object_id=124),
        event(1, 2, NOW_MS, propertyName="email"),
    ]
    assert one == same
    assert len({made["eventId"] for made in [one, *others]}) == 5
    assert {made["subscriptionId"] for made in others} == {one["subscriptionId"]}
    assert event(1, 2, NOW_MS, "deal.creation")["subscriptionId"] != one["subscriptionId"]
    assert event(9, 2, NOW_MS)["subscriptionId"] != one["subscriptionId"]


def test_events_are_sent_as_a_compact_array() -> None:
    text = {"propertyValue": "Zoë"}
    assert sign_events(SECRET, URI, text, NOW_MS).body == '[{"propertyValue":"Zoë"}]'.encode()
    assert json.loads(sign_events(SECRET, URI, [text, text], NOW_MS).body) == [text, text]
    assert len(json.loads(sign_events(SECRET, URI, [text] * 100, NOW_MS).body)) == 100


@pytest.mark.parametrize("count", [0, 101])
def test_too_few_or_too_many_events_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} events: HubSpot sends 1 to 100 in a request"):
        sign_events(SECRET, URI, [event(1, 2, NOW_MS)] * count, NOW_MS)


def test_ten_retries_fill_24_hours_with_growing_delays() -> None:
    *due, after_the_last = [retry_at_ms(NOW_MS, number) for number in range(1, 12)]
    assert due[-1] == NOW_MS + 24 * 3_600_000
    assert after_the_last is None
    instants = [NOW_MS, *(at_ms for at_ms in due if at_ms is not None)]
    delays = [after - before for before, after in pairwise(instants)]
    assert len(delays) == 10
    assert delays == sorted(set(delays))


def test_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = GUIDE.read_text("utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert len(blocks) > 5
    namespace: dict[str, Any] = {}
    for block in blocks:
        lines_before = "\n" * text.count("\n", 0, block.start(1))  # so that a failure shows its line of the page
        exec(compile(lines_before + block[1], str(GUIDE), "exec"), namespace)
    assert namespace["delivery"].delivered


def test_the_guide_tells_the_schedule() -> None:
    row = re.search(r"^\| minutes after the first attempt \| (.+) \|$", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert row
    assert tuple(map(int, row[1].split(" | "))) == RETRY_MINUTES


def test_the_guide_names_what_there_is() -> None:
    named = set(re.findall(r"`((?:signature_v\d|sign|event|decode_uri|sign_\w+))`", GUIDE.read_text("utf-8")))
    assert len(named) > 4
    assert all(hasattr(webhooks, name) for name in named)
