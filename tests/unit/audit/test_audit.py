"""The audit as a whole: it never raises, it is quick enough, its findings read well and are documented."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_simulator.core import tokens
from hubspot_simulator.core.exchange import Effect, Exchange
from hubspot_simulator.lab.audit import FINDINGS, audit

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


DOCS = Path(__file__).parents[3] / "docs" / "findings.md"
GOOD = [
    tokens.issue(tokens.AccessToken(1_795_000_000_000 + n, hub_id=n % 2, app_id=n % 3, nonce=bytes([n] * 20)), b"key")
    for n in range(6)
]
TEXTS = [*GOOD, GOOD[0][:40], "pat-na1-x", "None", "access-token", "", "Bearer x", "{", "b'x'", "ü"]
PATHS = ["/oauth/v1/token", "/oauth/2026-09/token", "/crm/v3/objects/contacts", "/crm/v3/objects/contacts/1", "", "/ü"]
BODIES = [
    b"",
    b'{"category": "EXPIRED_AUTHENTICATION"}',
    b'{"category": "EXPIRED_AUTHENTICATION"}',
    b'{"category": ["EXPIRED_AUTHENTICATION"]}',
    b'{"access_token": 1, "expires_in": "x"}',
    b'{"results": [1, null, {"id": 1}, {"id": "1"}]}',
    b'{"id": "1"}',
    b'{"status": "BAD_REFRESH_TOKEN"}',
    b'{"status": ["BAD_CLIENT_ID"]}',
    b"grant_type=refresh_token&refresh_token=r&client_id=%FF",
    b'{"grant_type": "refresh_token", "refresh_token": null}',
    *(b'{"access_token": "%s", "expires_in": 1800, "refresh_token": "r"}' % text.encode() for text in GOOD),
]
STATUSES = [0, 200, 200, 201, 204, 400, 401, 401, 401, 403, 404, 409, 410, 415, 429, 500, 503]


def anything(random: Random, noise: bytes) -> Exchange:
    """Return an exchange in which nothing need fit together."""
    pick = random.choice
    body = pick([*BODIES, noise])
    kind = pick([[], [("CONTENT_TYPE", pick([*TEXTS, "application/x-www-form-urlencoded"]))]])
    path = pick(PATHS)
    return Exchange(
        number=random.randint(-3, 30),
        at_ms=pick([0, -1, 10**30, 1_795_000_000_000 + random.randint(-10_000_000, 100_000_000)]),
        method=pick(["GET", "POST", "POST", "PATCH"]),
        path=path,
        query=pick(["", "limit=1&after=2", "code=1&refresh_token=r", "%&=&"]),
        route=None,
        process=pick([None, 0, 0, 1]),
        connection=pick([None, 1, 2]),
        foreign=pick([False, False, True]),
        status=pick(STATUSES),
        why=noise.decode("latin-1"),
        request_headers=[("HTTP_AUTHORIZATION", pick(["Bearer ", "bearer ", "", "X "]) + pick(TEXTS)), *kind],
        request_body=pick([body, pick(BODIES), noise]),
        response_headers=[],
        response_body=body,
        correlation_id="",
        bearer=pick([True, True, False]),
        after=random.randint(-3, 30),
        effect=Effect(*(random.random() < 0.2 for _ in range(4))),
    )


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 40), noise=st.binary(max_size=20))
def test_it_never_raises(seed: int, length: int, noise: bytes) -> None:
    random = Random(seed)
    for finding in audit([anything(random, noise) for _ in range(length)]):
        assert finding.id in FINDINGS
        assert finding.exchanges
        assert finding.problem.endswith(".")


@pytest.mark.parametrize(
    "body", [b"[" * 65_536, b'{"a": ' * 10_000, b"9" * 65_536, b"\xff\x00" * 32_768, b"&=" * 32_768]
)
def test_it_never_raises_for_a_large_body(tape: Tape, body: bytes) -> None:
    tape.call(tape.first, 401, at=1801, response_body=body, request_body=body, method="POST")
    tape.refresh(at=1801, response_body=body, request_body=body)
    tape.call(tape.token(hub_id=2), response_body=body)
    assert tape.ids == []


def test_it_does_not_depend_on_the_order_of_the_list(tape: Tape) -> None:
    tape.call(tape.first, 401, at=1801)
    tape.refresh(tape.token(1801), at=1801)
    tape.call(tape.first, 401, at=1801)
    forward = audit(tape.exchanges)
    assert [finding.id for finding in forward] == ["old-token-after-refresh"]
    assert audit(tape.exchanges[::-1]) == forward


def test_the_gravest_come_first(lab: Lab) -> None:
    lab.call(lab.first)
    lab.sim.inject("INTERNAL_ERROR")
    lab.call(lab.first)
    lab.refresh()
    lab.ask(client_id="nobody")
    assert [finding.severity for finding in lab.findings] == ["error", "warning"]


def test_of_those_that_are_as_grave_the_earliest_comes_first(lab: Lab) -> None:
    lab.call(lab.first[:100])
    lab.ask(client_id="nobody")
    assert lab.ids == ["not-an-access-token", "wrong-client-credentials"]


def test_a_finding_reads_as_a_block(lab: Lab) -> None:
    lab.expire()
    lab.call(lab.first)
    finding = lab.only("no-refresh-after-expiry")
    assert str(finding).splitlines() == [
        "error: no-refresh-after-expiry",
        f"  {finding.problem}",
        f"    {finding.exchanges[0]}",
        f"  Fix: {FINDINGS[finding.id].remedy}",
        "  More: hubspot-simulator explain no-refresh-after-expiry",
    ]
    assert lab.first not in str(finding)


def test_every_finding_is_a_heading_of_its_page() -> None:
    headings = re.findall(r"^### (\S+)$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert headings == list(FINDINGS)


@pytest.mark.parametrize("id", FINDINGS)
def test_every_finding_says_what_proves_it_and_how_to_fix_it(id: str) -> None:
    section = re.split(r"^### ", DOCS.read_text("utf-8"), flags=re.MULTILINE)
    text = next(one for one in section if one.startswith(f"{id}\n"))
    kind = FINDINGS[id]
    assert f"**{kind.title}.** Severity: {kind.severity}" in text
    for part in ("**Proof.**", "**How it looks.**", "**Fix.**", "**Bug classes:**"):
        assert part in text
    assert kind.remedy.endswith(".")


def test_the_table_of_contents_is_complete() -> None:
    rows = re.findall(r"^\| \[(\S+)\]\(#(\S+)\) \| (\w+) \| (.+?) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert rows == [(id, id, kind.severity, kind.title) for id, kind in FINDINGS.items()]
