"""A fault that the audit has never heard of does not make it accuse a right client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hubspot_simulator.core.bodies import json_object
from hubspot_simulator.core.errors import ApiError, ExpiredAuthentication, MissingScopes, TokenError
from hubspot_simulator.core.exchange import NO_EFFECT, Effect
from hubspot_simulator.core.wire_response import WireResponse
from hubspot_simulator.http.context import dumps
from hubspot_simulator.lab.faults.injection import Arrival, Fault, FaultTarget, InjectedFault

CONTACTS = "/crm/v3/objects/contacts"
TOKEN_ENDPOINT = "/oauth/*/token"
BODY = {"properties": {"firstname": "Ada"}}


class Own(Fault):
    """A fault of a test's own: it refuses the call, or changes the response, as it is told."""

    def __init__(
        self,
        change: Callable[[Arrival, WireResponse], WireResponse] = lambda _, response: response,
        refuse_with: Callable[[Arrival], ApiError] | None = None,
    ) -> None:
        self.change = change
        self.refuse_with = refuse_with

    def arrive(self, arrival: Arrival) -> None:
        if self.refuse_with is not None:
            raise self.refuse_with(arrival)

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        return self.change(arrival, response)


def inject(lab: Any, fault: Fault, effect: Effect | None, path: str | None = None, **matcher: Any) -> InjectedFault:
    """Inject a fault; without an effect it declares none."""
    if effect is not None:
        fault.effect = effect
    injected: InjectedFault = lab.sim.faults.add(InjectedFault("own", fault, FaultTarget(None, path), **matcher))
    return injected


def lost(_: Arrival, response: WireResponse) -> WireResponse:
    return response._replace(delivered="nothing")


def with_fields(**fields: object) -> Callable[[Arrival, WireResponse], WireResponse]:
    """Return a change of the JSON of a response."""
    return lambda _, response: response._replace(body=dumps(json_object(response.body) | fields))


def try_call(lab: Any, *args: Any, **kwargs: Any) -> None:
    with pytest.raises(OSError, match="an injected fault ends the connection"):
        lab.call(*args, **kwargs)


def expired(arrival: Arrival) -> ApiError:
    return ExpiredAuthentication(ago="1 second(s)", expire_time="", expires_at_ms=0, now_ms=arrival.now_ms, why="")


# In each of these a right client meets a fault. Where the fault declares that it has no effect, which is not true, the
# client is accused of ``finding``.


def a_401_that_was_never_read(lab: Any, effect: Effect | None) -> str:
    """So nobody can have refreshed."""
    lab.expire()
    inject(lab, Own(lost), effect)
    try_call(lab, lab.first)
    return "no-refresh-after-expiry"


def credentials_that_are_refused_although_right(lab: Any, effect: Effect | None) -> str:
    inject(lab, Own(refuse_with=lambda _: TokenError("BAD_CLIENT_SECRET")), effect, TOKEN_ENDPOINT)
    assert lab.ask().status_code == 400
    return "wrong-client-credentials"


def a_form_that_is_refused_as_none(lab: Any, effect: Effect | None) -> str:
    inject(lab, Own(refuse_with=lambda _: ApiError(415, "Unsupported Media Type")), effect, TOKEN_ENDPOINT)
    assert lab.ask().status_code == 415
    return "token-request-not-a-form"


def a_token_that_was_cut_short(lab: Any, effect: Effect | None) -> str:
    """The client uses what it was given."""
    lab.call(lab.first)
    inject(lab, Own(with_fields(access_token=lab.first[:40])), effect, TOKEN_ENDPOINT)
    assert lab.call(lab.refresh()).status_code == 401
    return "truncated-token"


def a_token_that_is_none(lab: Any, effect: Effect | None) -> str:
    inject(lab, Own(with_fields(access_token="None")), effect, TOKEN_ENDPOINT)
    assert lab.call(lab.refresh()).status_code == 401
    return "not-an-access-token"


def a_refresh_token_of_another_app(lab: Any, effect: Effect | None) -> str:
    other = lab.sim.install(lab.sim.add_app())
    inject(lab, Own(with_fields(refresh_token=other.refresh_token)), effect, TOKEN_ENDPOINT)
    given = lab.ask().json["refresh_token"]
    assert lab.ask(refresh_token=given).status_code == 400
    return "refresh-token-of-another-app"


def a_record_that_is_not_found(lab: Any, effect: Effect | None) -> str:
    """The record is in both portals, with one id."""
    other = lab.sim.install(portal=lab.sim.add_portal())
    path = f"{CONTACTS}/{lab.create(lab.first, 'a@example.com').json['id']}"
    assert lab.call(lab.first, path=path).status_code == 200
    inject(lab, Own(refuse_with=lambda _: ApiError(404, "resource not found")), effect)
    assert lab.call(other.access_token, path=path).status_code == 404
    return "token-of-another-portal"


def a_lifetime_of_nothing(lab: Any, effect: Effect | None) -> str:
    """The client is told that its tokens have expired already: it refreshes before each call."""
    inject(lab, Own(with_fields(expires_in=0)), effect, TOKEN_ENDPOINT, times=None)
    for _ in range(4):
        lab.tick(1)
        lab.call(lab.refresh())
    return "refresh-every-call"


def a_401_that_took_half_an_hour(lab: Any, effect: Effect | None) -> str:
    """The client refreshes as soon as it has read it."""

    def late(_: Arrival, response: WireResponse) -> WireResponse:
        lab.tick(1799)
        return response

    lab.expire()
    inject(lab, Own(late), effect)
    lab.call(lab.first)
    lab.call(lab.refresh(), path="/crm/v3/objects/deals")
    return "hard-coded-lifetime"


UNREAD, ALTERED, DELAYED = Effect(unread=True), Effect(altered=True), Effect(delayed=True)
MEETINGS = {
    a_401_that_was_never_read: UNREAD,
    credentials_that_are_refused_although_right: ALTERED,
    a_form_that_is_refused_as_none: ALTERED,
    a_token_that_was_cut_short: ALTERED,
    a_token_that_is_none: ALTERED,
    a_refresh_token_of_another_app: ALTERED,
    a_record_that_is_not_found: ALTERED,
    a_lifetime_of_nothing: ALTERED,
    a_401_that_took_half_an_hour: DELAYED,
}
with_each_meeting = pytest.mark.parametrize("meet", MEETINGS, ids=lambda meet: meet.__name__)


@with_each_meeting
def test_a_fault_that_declares_its_effect(lab, meet) -> None:
    meet(lab, MEETINGS[meet])
    assert lab.ids == []


@with_each_meeting
def test_a_fault_that_declares_nothing(lab, meet) -> None:
    meet(lab, None)
    assert lab.ids == []


@with_each_meeting
def test_the_client_is_accused_where_the_fault_claims_to_have_no_effect(lab, meet) -> None:
    lab.only(meet(lab, NO_EFFECT))


class TestCarriedOut:
    """A write that was carried out, though the client cannot see it, is not to be sent again."""

    def send_twice(self, lab: Any, effect: Effect | None) -> None:
        lab.sim.faults.add(InjectedFault("own", Own(self.refuse), FaultTarget("POST", None)))
        if effect is not None:
            lab.sim.faults.injected[-1].fault.effect = effect
        assert lab.call(lab.first, "POST", json=BODY).status_code == 502
        assert lab.call(lab.first, "POST", json=BODY).status_code == 201

    @staticmethod
    def refuse(_: Arrival, __: WireResponse) -> WireResponse:
        raise ApiError(502, "Bad Gateway")

    def test_declared(self, lab) -> None:
        self.send_twice(lab, Effect(altered=True, carried_out=True))
        lab.only("write-sent-twice")

    def test_not_declared(self, lab) -> None:
        self.send_twice(lab, None)
        assert lab.ids == []

    def test_not_where_another_fault_had_refused_the_call(self, lab) -> None:
        """Both are named on the exchange; only the first of them acted."""
        lab.sim.inject("INTERNAL_ERROR", method="POST")
        lab.sim.inject("LOCKED", method="POST", after_accepting=True)
        assert lab.call(lab.first, "POST", json=BODY).status_code == 500
        assert lab.call(lab.first, "POST", json=BODY).status_code == 201
        assert lab.ids == []


class TestWhatAnUndeclaredFaultLeavesOpen:
    """The response on record may not be what the client has read."""

    def test_why_a_good_token_was_refreshed(self, lab) -> None:
        """The fault may have said that the token had expired."""
        lab.call(lab.first)
        inject(lab, Own(with_fields(category="EXPIRED_AUTHENTICATION")), None)
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []

    @pytest.mark.parametrize(
        "error", [lambda _: MissingScopes(("oauth",), None), lambda _: ApiError(429, ""), lambda _: ApiError(500, "")]
    )
    def test_what_a_refusal_was_about(self, lab, error) -> None:
        inject(lab, Own(refuse_with=error), None)
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_whether_the_token_had_expired(self, lab) -> None:
        inject(lab, Own(refuse_with=expired), None, times=None)
        for _ in range(5):
            lab.call(lab.first)
        assert lab.ids == []

    def test_that_v1_had_ended(self, lab) -> None:
        inject(lab, Own(refuse_with=lambda _: ApiError(410, "Gone")), None, TOKEN_ENDPOINT)
        assert lab.ask().status_code == 410
        assert lab.ids == []


def test_the_effects_stand_on_the_exchange(lab) -> None:
    lab.call(lab.first)
    inject(lab, Own(), None)
    lab.call(lab.first)
    lab.sim.inject("answer_lost")
    try_call(lab, lab.first)
    lab.sim.inject("delay", seconds=1)
    lab.sim.inject("INTERNAL_ERROR", after_accepting=True)
    lab.call(lab.first)
    assert [exchange.effect for exchange in lab.sim.journal] == [
        NO_EFFECT,
        Effect(unread=True, altered=True, delayed=True),
        Effect(unread=True, carried_out=True),
        Effect(altered=True, delayed=True, carried_out=True),
    ]


def test_what_was_declared_carried_out_was_not_where_hubspot_refused_the_call(lab) -> None:
    lab.tick_hubspot(timedelta(minutes=31).total_seconds())
    lab.sim.inject("answer_lost")
    try_call(lab, lab.first)
    assert lab.sim.journal[-1].effect == Effect(unread=True)
