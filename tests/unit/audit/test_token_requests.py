"""How the token endpoint is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


class TestNotAForm:
    def test_json(self, lab: Lab) -> None:
        form = {"grant_type": "refresh_token", "client_id": lab.sim.app.client_id}
        assert lab.client.post("/oauth/v1/token", json=form).status_code == 415
        problem = lab.only("token-request-not-a-form").problem
        assert "#1 was answered 415: its Content-Type is application/json" in problem

    def test_no_content_type(self, lab: Lab) -> None:
        lab.client.post("/oauth/v1/token", data=b"grant_type=refresh_token", content_type="")
        assert "its Content-Type is missing" in lab.only("token-request-not-a-form").problem

    def test_whatever_it_was_answered(self, tape: Tape) -> None:
        tape.refresh(status=400, refusal="BAD_GRANT_TYPE", request_headers=[("CONTENT_TYPE", "text/plain")])
        assert "#1 was answered 400: its Content-Type is text/plain" in tape.only("token-request-not-a-form").problem

    def test_without_a_body(self, tape: Tape) -> None:
        tape.refresh(status=400, refusal="BAD_GRANT_TYPE", request_headers=[], request_body=b"")
        assert tape.ids == []
        tape.refresh(status=415, request_headers=[], request_body=b"")
        tape.only("token-request-not-a-form")

    def test_a_json_refresh_is_a_try(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.client.post("/oauth/v1/token", json={"grant_type": "refresh_token"})
        lab.only("token-request-not-a-form")

    def test_a_json_exchange_of_a_code_is_none(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.client.post("/oauth/v1/token", json={"grant_type": "authorization_code"})
        assert lab.ids == ["no-refresh-after-expiry", "token-request-not-a-form"]

    @pytest.mark.parametrize("suffix", ["", ";charset=UTF-8", "; charset=utf-8"])
    def test_not_a_form_with_a_charset(self, lab: Lab, suffix: str) -> None:
        form = b"grant_type=refresh_token&client_id=%s&client_secret=%s&refresh_token=%s" % tuple(
            text.encode() for text in (lab.sim.app.client_id, lab.sim.app.client_secret, lab.installed.refresh_token)
        )
        kind = "application/x-www-form-urlencoded" + suffix
        assert lab.client.post("/oauth/v1/token", data=form, content_type=kind).status_code == 200
        assert lab.ids == []


@pytest.mark.parametrize("given", ["no token", "GAEYAQ"])
def test_an_answer_with_something_else_for_a_token_is_no_success(tape: Tape, given: str) -> None:
    tape.call(tape.first, 401, at=1801)
    tape.refresh(given, at=1801)
    tape.call(given, 401, at=1801, category="INVALID_AUTHENTICATION")
    tape.only("not-an-access-token")


class TestSecretsInQuery:
    def test_in_the_query(self, lab: Lab) -> None:
        query = {
            "grant_type": "refresh_token",
            "client_id": lab.sim.app.client_id,
            "client_secret": lab.sim.app.client_secret,
            "refresh_token": lab.installed.refresh_token,
        }
        response = lab.client.post("/oauth/v1/token", query_string=query)
        assert response.status_code == 200
        finding = lab.only("secrets-in-query")
        assert finding.severity == "warning"
        assert "client_secret and refresh_token in its URL" in finding.problem
        assert lab.sim.app.client_secret not in str(finding)

    def test_not_for_what_is_no_secret(self, lab: Lab) -> None:
        assert lab.ask(path="/oauth/v1/token?grant_type=refresh_token&code=").status_code == 200
        assert lab.ids == []


class TestOAuthV1AfterSunset:
    SUNSET = datetime(2027, 2, 16, tzinfo=timezone.utc)

    def test_by_the_clock(self, lab: Lab) -> None:
        lab.sim.clock.advance_to(self.SUNSET)
        lab.ask()
        assert "at 2027-02-16T00:00:00Z" in lab.only("oauth-v1-after-sunset").problem

    def test_answered_410(self, build: Callable[..., Lab]) -> None:
        lab = build(v1_sunset="now")
        assert lab.ask().status_code == 410
        lab.only("oauth-v1-after-sunset")

    def test_not_before(self, lab: Lab) -> None:
        lab.sim.clock.advance_to(self.SUNSET)
        lab.tick(-0.001)
        lab.ask()
        assert lab.ids == []

    def test_not_another_version(self, lab: Lab) -> None:
        lab.sim.clock.advance_to(self.SUNSET)
        assert lab.ask(path="/oauth/2026-09/token").status_code == 200
        assert lab.ids == []
