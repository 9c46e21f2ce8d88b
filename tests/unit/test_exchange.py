"""What can be read from an exchange."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubspot_simulator.core.exchange import NO_EFFECT, Effect, Exchange


def exchange(**fields: Any) -> Exchange:
    given: dict[str, Any] = {
        "number": 1,
        "at_ms": 0,
        "method": "POST",
        "path": "/oauth/v1/token",
        "query": "",
        "route": None,
        "status": 200,
        "why": "",
        "request_headers": [],
        "request_body": b"",
        "response_headers": [],
        "response_body": b"",
        "correlation_id": "",
    }
    return Exchange(**(given | fields))


def test_a_header_by_its_cgi_name() -> None:
    one = exchange(request_headers=[("HTTP_ACCEPT", "a"), ("HTTP_AUTHORIZATION", "Bearer  x y ")])
    assert one.header("HTTP_ACCEPT") == "a"
    assert one.header("Accept") == ""
    assert one.access_token == "x y"
    assert exchange().access_token == ""


@pytest.mark.parametrize(
    ("header", "media_type"),
    [("application/json; charset=utf-8", "application/json"), (" Text/HTML ;x", "text/html"), ("", ""), (";", "")],
)
def test_the_media_type(header: str, media_type: str) -> None:
    assert exchange(request_headers=[("CONTENT_TYPE", header)]).media_type == media_type


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=1&b=%20&c=", {"a": "1", "b": " ", "c": ""}),
        (b"a=1&a=2", {"a": "1"}),
        (b"a=%FF", {"a": "\ufffd"}),
        (b"\xff=1", {"\ufffd": "1"}),
    ],
)
def test_the_form(body: bytes, fields: dict[str, str]) -> None:
    assert exchange(request_body=body).form == fields


@pytest.mark.parametrize("body", [b"", b"[1]", b"1", b"{", b"\xff", b"[" * 65_536, b'{"a":' * 20_000])
def test_what_is_no_json_object(body: bytes) -> None:
    assert exchange(request_body=body).request_json == {}
    assert exchange(response_body=body).response_json == {}


def test_the_json_objects() -> None:
    one = exchange(request_body=json.dumps({"a": [1]}).encode(), response_body=b'{"b": null}')
    assert (one.request_json, one.response_json) == ({"a": [1]}, {"b": None})


def test_effects_add_up() -> None:
    assert Effect(unread=True) | Effect(delayed=True) | NO_EFFECT == Effect(unread=True, delayed=True)
    assert Effect(altered=True) | Effect(carried_out=True) == Effect(altered=True, carried_out=True)
    assert [effect.hides_response for effect in (NO_EFFECT, Effect(unread=True), Effect(altered=True))] == [False] * 3
    assert Effect(unread=True, altered=True).hides_response
