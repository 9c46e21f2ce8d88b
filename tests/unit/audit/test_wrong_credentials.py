"""Credentials that do not belong where they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hubspot_simulator.lab.audit import Finding

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


CONTACTS = "/crm/v3/objects/contacts"


class TestTokenOfAnotherPortal:
    def test_repeated_with_the_token_of_another(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.refresh(other))
        finding = lab.only("token-of-another-portal")
        assert numbers(finding) == [1, 3]
        assert f"made for portal {lab.sim.portal.hub_id}" in finding.problem
        assert f"a token of portal {other.portal.hub_id}" in finding.problem

    def test_a_record_of_another(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        record = lab.create(lab.first, "a@example.com").json["id"]
        lab.call(other.access_token, path=f"{CONTACTS}/{record}")
        finding = lab.only("token-of-another-portal")
        assert numbers(finding) == [1, 2]
        assert f"{CONTACTS}/{record}" in finding.problem

    def test_a_record_of_a_list_of_another(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        made = lab.create(lab.first, "a@example.com").json["id"]
        lab.call(lab.first)
        lab.call(other.access_token, "PATCH", f"{CONTACTS}/{made}", json={"properties": {"firstname": "Ada"}})
        lab.only("token-of-another-portal")

    def test_not_when_each_portal_is_worked_through(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.call(lab.first)
        lab.call(other.access_token)
        lab.expire()
        for installed, token in ((lab.installed, lab.first), (other, other.access_token)):
            lab.call(token)
            lab.call(lab.refresh(installed))
        assert lab.ids == []

    def test_not_when_the_first_portal_is_dead(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        lab.ask()
        lab.call(lab.refresh(other))
        assert lab.ids == []

    def test_not_when_the_first_client_gave_up_after_a_refresh(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.sim.inject("INVALID_AUTHENTICATION", times=2)
        lab.call(lab.first)
        lab.call(lab.refresh())
        lab.call(lab.refresh(other))
        assert lab.ids == []

    def test_not_when_the_refresh_of_the_first_gave_its_old_token(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.call(lab.first)
        lab.expire()
        lab.sim.inject("old_token")
        lab.call(lab.refresh())
        lab.call(lab.refresh(other))
        assert lab.ids == []

    def test_not_when_the_other_token_had_been_there_before(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.tick(1600)
        token = lab.refresh(other)
        lab.tick(201)
        lab.call(lab.first)
        lab.call(token)
        lab.only("no-refresh-after-expiry")

    def test_not_when_a_user_of_the_other_portal_connected(self, tape: Tape) -> None:
        tape.call(tape.first, 401, at=1801)
        new = tape.token(1801, hub_id=222)
        tape.refresh(new, at=1801, form={"grant_type": "authorization_code"})
        tape.call(new, at=1801)
        tape.only("no-refresh-after-expiry")

    def test_not_for_calls_that_were_made_at_once(self, tape: Tape) -> None:
        new = tape.token(1801, hub_id=222)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801, after=0)
        tape.only("no-refresh-after-expiry")

    def test_not_for_two_apps_in_one_portal(self, lab: Lab) -> None:
        other = lab.sim.install(app=lab.sim.add_app())
        lab.sim.inject("INVALID_AUTHENTICATION")
        lab.call(lab.first)
        lab.call(lab.refresh(other))
        assert lab.ids == []

    def test_not_for_a_record_that_nobody_has(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.call(lab.first)
        lab.call(other.access_token, path=f"{CONTACTS}/1")
        assert lab.ids == []

    def test_not_for_a_record_that_was_deleted(self, lab: Lab) -> None:
        record = lab.create(lab.first, "a@example.com").json["id"]
        lab.call(lab.sim.install(portal=lab.sim.add_portal()).access_token)
        lab.call(lab.first, "DELETE", f"{CONTACTS}/{record}")
        assert lab.call(lab.first, path=f"{CONTACTS}/{record}").status_code == 404
        assert lab.ids == []


class TestCredentials:
    def test_a_refresh_token_of_another_app(self, lab: Lab) -> None:
        app = lab.sim.add_app()
        for _ in range(2):
            lab.ask(client_id=app.client_id, client_secret=app.client_secret)
        finding = lab.only("refresh-token-of-another-app")
        assert finding.problem.endswith("(twice in all).")

    def test_not_when_it_was_injected(self, lab: Lab) -> None:
        for name in ("MISMATCH_REFRESH_TOKEN_CLIENT", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET"):
            lab.sim.inject(name, path="/oauth/*/token")
            assert lab.ask().json["status"] == name
        assert lab.ids == []

    def test_a_wrong_client_id(self, lab: Lab) -> None:
        lab.ask(client_id="nobody")
        assert "BAD_CLIENT_ID: its client_id is not that of the app" in lab.only("wrong-client-credentials").problem

    def test_a_missing_secret(self, lab: Lab) -> None:
        lab.ask(client_secret="")
        assert lab.only("wrong-client-credentials").problem.endswith("BAD_CLIENT_SECRET: its client_secret is missing.")

    def test_http_basic(self, lab: Lab) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": lab.installed.refresh_token}
        lab.client.post("/oauth/v1/token", data=form, auth=(lab.sim.app.client_id, lab.sim.app.client_secret))
        assert "HTTP Basic was sent instead" in lab.only("wrong-client-credentials").problem

    def test_not_with_the_right_ones(self, lab: Lab) -> None:
        assert lab.ask().status_code == 200
        assert lab.ids == []
