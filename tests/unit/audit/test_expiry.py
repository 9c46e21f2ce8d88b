"""What happens to a token once it has expired."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hubspot_simulator.lab.audit import Finding

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


class TestNoRefreshAfterExpiry:
    def test_a_client_that_never_refreshes(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.call(lab.first)
        lab.expire()
        for _ in range(5):
            lab.call(lab.first)
        finding = lab.only("no-refresh-after-expiry")
        assert finding.severity == "error"
        assert finding.problem == (
            "The token of #2 expired at 2026-11-18T11:36:40Z; it was sent 4 more times after its 401, and no refresh "
            "followed."
        )
        assert numbers(finding) == [2, 3, 4, 5, 6]

    def test_one_call_is_enough(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        assert "was answered 401 and no refresh followed" in lab.only("no-refresh-after-expiry").problem

    @pytest.mark.parametrize("settings", [{"wire": "short"}, {"wire": "recorded"}])
    def test_in_each_wire_form(self, build: Callable[..., Lab], settings: dict[str, str]) -> None:
        lab = build(**settings)
        lab.expire()
        lab.call(lab.first)
        lab.only("no-refresh-after-expiry")

    def test_on_a_legacy_path(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first, path="/integrations/v1/me")
        lab.only("no-refresh-after-expiry")

    def test_a_loop_is_one_finding(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.expire()
        for _ in range(50):
            lab.call(lab.first)
        assert numbers(lab.only("no-refresh-after-expiry")) == [1, 2, 3, 4, 5, 6]

    def test_a_refresh_of_another_portal_is_none(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.call(other.access_token, path="/integrations/v1/me")
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.refresh(other), path="/integrations/v1/me")
        lab.only("no-refresh-after-expiry")

    def test_a_call_that_came_before_the_401_was_answered_makes_nothing_good(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.call(tape.token(1790), at=1801, after=0)
        tape.only("no-refresh-after-expiry")

    def test_an_older_token_makes_nothing_good(self, tape: Tape) -> None:
        tape.call(tape.token(100), 401, at=1000, faults=("server_only",))
        tape.call(tape.first, at=1000)
        tape.only("no-refresh-after-expiry")

    def test_a_request_for_a_token_of_the_app_itself_is_no_refresh(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=1801, form={"grant_type": "client_credentials"})
        tape.only("no-refresh-after-expiry")

    def test_a_refresh_of_another_app_that_failed_is_none(self, tape: Tape) -> None:
        form = {"client_id": "another", "refresh_token": "na1-another"}
        tape.refresh(tape.token(hub_id=222, app_id=8), form=form)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=1801, form=form | {"refresh_token": "na1-yet-another"})
        tape.only("no-refresh-after-expiry")

    def test_not_when_a_refresh_was_tried_and_failed(self, lab: Lab) -> None:
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        assert lab.ask().status_code == 400
        assert lab.ids == []

    def test_not_when_the_refresh_token_is_known_to_be_dead(self, lab: Lab) -> None:
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        lab.ask()
        lab.call(lab.first)
        assert lab.ids == []

    def test_not_when_a_refresh_was_under_way(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(new, at=1801, after=0)
        assert tape.ids == []

    def test_not_when_another_process_had_refreshed(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.call(tape.token(1790), at=1801)
        assert tape.ids == []

    def test_not_when_the_client_never_saw_the_401(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801, faults=("answer_lost",))
        assert tape.ids == []

    def test_not_for_a_revoked_token(self, tape: Tape) -> None:
        tape.call(tape.first, 401, category="INVALID_AUTHENTICATION")
        assert tape.ids == []

    @pytest.mark.parametrize(
        ("lifetime", "at", "ids"),
        [
            (1800, 1800, []),  # by HubSpot, for a reason of its own
            (1800, 1859.999, []),
            (1800, 1860, ["no-refresh-after-expiry"]),
            (30, 1829.999, []),
            (30, 1830, ["no-refresh-after-expiry"]),
        ],
    )
    def test_not_for_a_token_that_had_just_been_given(
        self, tape: Tape, lifetime: int, at: float, ids: list[Any]
    ) -> None:
        tape.call(tape.first)
        new = tape.token(1800, lifetime=lifetime)
        tape.refresh(new, at=1800)
        tape.call(new, 401, at=at)
        assert tape.ids == ids

    def test_but_for_one_from_before_the_journal(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=10)
        tape.only("no-refresh-after-expiry")

    def test_calls_before_a_refresh_that_was_tried_are_no_proof(
        self, tape: Tape, numbers: Callable[[Finding], list[int]]
    ) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=1801)
        tape.call(tape.first, 401, at=1801)
        finding = tape.only("no-refresh-after-expiry")
        assert numbers(finding) == [3]


class TestExpiredTokenSentAgain:
    def test_two_more_calls_before_the_refresh(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.first, path="/crm/v3/objects/deals")
        lab.call(lab.first, path="/crm/v3/objects/companies")
        lab.call(lab.refresh())
        finding = lab.only("expired-token-sent-again")
        assert numbers(finding) == [1, 2, 3]
        assert "it was sent 2 more times before any refresh" in finding.problem

    def test_not_when_each_call_is_made_good(self, lab: Lab) -> None:
        lab.expire()
        for path in (CONTACTS, DEALS):
            lab.call(lab.first, path=path)
        new = lab.refresh()
        for path in (CONTACTS, DEALS):
            lab.call(new, path=path)
        assert lab.ids == []

    def test_not_when_each_401_was_followed_by_a_refresh_that_failed(self, tape: Tape) -> None:
        for _ in range(3):
            tape.call(tape.first, 401, at=1801)
            tape.refresh(status=503, at=1801)
        assert tape.ids == []

    def test_not_when_threads_wait_for_a_refresh_that_fails(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.call(tape.first, 401, at=1801)  # another thread; it had read the token before
        tape.refresh(status=503, at=1801)
        assert tape.ids == []

    def test_not_when_the_refresh_was_under_way(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(tape.token(1801), at=1801, after=1)
        tape.call(tape.token(1801), at=1801)
        assert tape.ids == []

    def test_not_when_a_client_gave_up_on_a_fresh_token_that_was_refused_too(self, lab: Lab) -> None:
        lab.sim.inject("EXPIRED_AUTHENTICATION", times=3)
        lab.call(lab.first)
        new = lab.refresh()
        lab.call(new)  # it gives up
        lab.call(new, path=DEALS)  # the next unit of work
        lab.refresh()
        assert lab.ids == []
        lab.call(new)
        lab.call(new, path=DEALS)
        assert lab.ids == []

    def test_not_when_the_refresh_gave_the_expired_token_again(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.expire()
        lab.call(lab.first)
        for refusal in ("", "INTERNAL_ERROR"):
            lab.sim.inject(refusal or "old_token", path="/oauth/*/token")
            lab.ask()
            lab.call(lab.first)
            lab.call(lab.first, path=DEALS)
        assert lab.ids == []

    def test_but_when_it_gave_another_token_again(self, tape: Tape) -> None:
        new = tape.token(1700)
        tape.call(tape.first)
        tape.refresh(new, at=1700)
        tape.refresh(tape.first, at=3501)
        tape.call(new, 401, at=3501)
        tape.only("no-refresh-after-expiry")

    def test_but_when_that_was_another_token(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.expire()
        lab.call(lab.first)
        new = lab.refresh()
        lab.call(new)
        lab.expire()
        lab.call(new)
        lab.call(new, path=DEALS)
        lab.only("no-refresh-after-expiry")


class TestHardCodedLifetime:
    @pytest.mark.parametrize(("seconds", "lifetime"), [(3600, "3600 s"), (3500, "3600 s"), (21_600, "21600 s")])
    def test_the_refresh_comes_at_a_round_age(self, lab: Lab, seconds: int, lifetime: str) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(seconds - 1801)
        lab.call(lab.refresh(), path=DEALS)
        assert lifetime in lab.only("hard-coded-lifetime").problem

    @pytest.mark.parametrize(
        ("age", "finding"),
        [
            (3239, "expired-token-sent-again"),
            (3240, "hard-coded-lifetime"),
            (3960, "hard-coded-lifetime"),
            (3961, "expired-token-sent-again"),
        ],
    )
    def test_a_round_age_is_within_ten_percent(self, lab: Lab, age: int, finding: str) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(age - 1801)
        lab.call(lab.refresh(), path=DEALS)
        lab.only(finding)

    @pytest.mark.parametrize(
        ("lifetime", "finding"), [(1619, "hard-coded-lifetime"), (1620, "expired-token-sent-again")]
    )
    def test_a_lifetime_within_ten_percent_is_the_true_one(
        self, build: Callable[..., Lab], lifetime: int, finding: str
    ) -> None:
        lab = build(token_ttl=lifetime)
        lab.first = lab.refresh()
        lab.call(lab.first)
        lab.tick(lifetime)
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(1980 - lifetime)
        lab.call(lab.refresh(), path=DEALS)
        lab.only(finding)

    def test_1800_where_the_lifetime_is_another(self, build: Callable[..., Lab]) -> None:
        lab = build(token_ttl=600)
        lab.first = lab.refresh()
        lab.call(lab.first)
        lab.tick(601)
        lab.call(lab.first)
        lab.tick(1200)
        lab.call(lab.refresh(), path=DEALS)
        assert "1800 s" in lab.only("hard-coded-lifetime").problem

    def test_another_age_is_an_expired_token_sent_again(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(1000)
        lab.call(lab.refresh(), path=DEALS)
        lab.only("expired-token-sent-again")

    def test_not_for_one_that_refreshes_at_the_401_after_an_hour(self, lab: Lab) -> None:
        lab.tick(3600)
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_where_that_is_the_lifetime(self, build: Callable[..., Lab]) -> None:
        lab = build(token_ttl=3600)
        lab.first = lab.refresh()
        lab.call(lab.first, path=DEALS)
        lab.tick(3601)
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(100)
        lab.call(lab.refresh(), path=DEALS)
        lab.only("expired-token-sent-again")

    def test_not_where_the_refresh_at_that_age_failed(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=3600)
        assert tape.ids == []

    def test_not_for_one_that_refreshes_at_once_and_leaves_the_repetition_to_its_caller(self, lab: Lab) -> None:
        lab.tick(3600)
        lab.call(lab.first)
        lab.call(lab.refresh(), path=DEALS)
        assert lab.ids == []

    def test_not_where_the_refresh_at_that_age_fails_at_once(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=3600)
        tape.refresh(status=500, at=3600)
        assert tape.ids == []

    @pytest.mark.parametrize("fault", ["expiry", "delay"])
    def test_not_where_time_passed_before_the_401_was_there(self, tape: Tape, fault: str) -> None:
        tape.call(tape.first, 401, at=1801, faults=(fault,))
        tape.refresh(tape.token(3600), at=3600)
        assert tape.ids == []


class TestOldTokenAfterRefresh:
    def test_a_held_object_keeps_the_old_token(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.refresh()
        lab.call(lab.first)
        lab.call(lab.first)
        finding = lab.only("old-token-after-refresh")
        assert numbers(finding) == [2, 3, 4]
        assert "answered 401, and once more after it; it was" in finding.problem
        assert "#2 had given a newer token, yet #3 came with the old one" in finding.problem

    def test_one_that_refreshes_each_time_in_vain(self, lab: Lab) -> None:
        lab.expire()
        for _ in range(3):
            lab.call(lab.first)
            lab.refresh()
            lab.call(lab.first)
        lab.only("old-token-after-refresh")

    def test_not_while_the_old_token_works(self, lab: Lab) -> None:
        lab.tick(1600)
        lab.refresh()
        assert lab.call(lab.first).status_code == 200
        assert lab.ids == []

    def test_not_when_it_is_made_good(self, lab: Lab) -> None:
        lab.expire()
        new = lab.refresh()
        lab.call(lab.first)  # a thread that had read the old one from memory
        lab.call(new)
        assert lab.ids == []

    def test_not_when_the_answer_of_the_refresh_was_lost(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.refresh(tape.token(1801), at=1801, faults=("answer_lost",))
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=1801)
        assert tape.ids == []

    def test_not_when_the_refresh_gave_the_old_token(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        tape.refresh(tape.first, at=1801, faults=("old_token",))
        tape.call(tape.first, 401, at=1801)
        tape.refresh(status=500, at=1801)
        assert tape.ids == []

    def test_not_when_a_later_refresh_gave_the_old_token(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801)
        tape.refresh(tape.first, at=3602, faults=("old_token",))
        tape.call(tape.first, 401, at=3602)
        tape.refresh(status=500, at=3602)
        assert tape.ids == []


class TestDeadRefreshTokenRetried:
    def test_three_times(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.sim.uninstall()
        for _ in range(3):
            lab.ask()
        finding = lab.only("dead-refresh-token-retried")
        assert numbers(finding) == [1, 2, 3]
        assert "#1 was answered BAD_REFRESH_TOKEN, and the same refresh token was sent 2 more times" in finding.problem

    def test_a_loop_is_one_finding(self, lab: Lab) -> None:
        lab.sim.uninstall()
        for _ in range(30):
            lab.ask()
        assert "29 more times" in lab.only("dead-refresh-token-retried").problem

    def test_not_twice(self, lab: Lab) -> None:
        lab.sim.uninstall()
        lab.ask()
        lab.ask()
        assert lab.ids == []

    @pytest.mark.parametrize(("faults", "ids"), [((), []), (("answer_lost",), ["dead-refresh-token-retried"])])
    def test_not_when_it_worked_between(self, tape: Tape, faults: tuple[Any, ...], ids: list[Any]) -> None:
        for _ in range(2):
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN")
        tape.refresh(tape.token(), faults=faults)
        for _ in range(2):
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN")
        assert tape.ids == ids

    def test_also_when_the_server_was_down_between(self, tape: Tape) -> None:
        tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN")
        tape.refresh(status=503)
        for _ in range(2):
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN")
        tape.only("dead-refresh-token-retried")

    def test_not_at_once_from_several_threads(self, tape: Tape) -> None:
        for _ in range(8):
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN", after=0)
        assert tape.ids == []

    @pytest.mark.parametrize("refusal", ["BAD_HUB", "MISMATCH_REFRESH_TOKEN_CLIENT"])
    def test_also_for_the_other_ends(self, tape: Tape, refusal: str) -> None:
        for _ in range(3):
            tape.refresh(status=400, refusal=refusal)
        assert "dead-refresh-token-retried" in tape.ids

    def test_not_when_the_answers_were_lost(self, tape: Tape) -> None:
        for _ in range(3):
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN", faults=("answer_lost",))
        assert tape.ids == []

    def test_not_when_the_server_is_down(self, tape: Tape) -> None:
        for _ in range(5):
            tape.refresh(status=503)
        assert tape.ids == []

    def test_not_for_different_refresh_tokens(self, tape: Tape) -> None:
        for name in "abcd":
            tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN", form={"refresh_token": f"na1-{name}"})
        assert tape.ids == []


CONTACTS = "/crm/v3/objects/contacts"
DEALS = "/crm/v3/objects/deals"
