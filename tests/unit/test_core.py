"""The rules of the core, without HTTP."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, rule

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core import grants
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.errors import ApiError, ExpiredAuthentication, InvalidAuthentication, TokenError
from hubspot_simulator.core.ids import Ids
from hubspot_simulator.core.journal import redact

NOW_MS = 1_790_000_000_000


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(clock=ManualClock(NOW_MS))


class TestIds:
    def test_the_seed_and_the_name_decide(self) -> None:
        def some(seed: str, name: str) -> list[object]:
            ids = Ids(seed, name)
            return [ids.uuid(), ids.number(8), ids.nonce(), ids.correlation_id(NOW_MS), ids.next_record_id(None)]

        assert some("0", "a") == some("0", "a")
        assert len({str(some(*key)) for key in (("0", "a"), ("1", "a"), ("0", "b"))}) == 3

    def test_one_kind_does_not_move_another(self) -> None:
        one, two = Ids("0", ""), Ids("0", "")
        one.correlation_id(NOW_MS)
        one.nonce()
        assert one.uuid() == two.uuid()

    def test_correlation_ids_are_of_version_7_and_carry_the_instant(self) -> None:
        ids = Ids("0", "")
        for _ in range(100):
            uuid = UUID(ids.correlation_id(NOW_MS))
            assert (uuid.version, uuid.variant, uuid.int >> 80) == (7, "specified in RFC 4122", NOW_MS)

    def test_record_ids_ascend(self) -> None:
        ids = Ids("0", "")
        last = None
        for _ in range(100):
            following = ids.next_record_id(last)
            assert last is None or following > last
            last = following


class TestReset:
    def test_the_same_credentials_are_given_out_again(self, simulator: Simulator) -> None:
        first = simulator.installation
        before = first.app.client_id, first.refresh_token, first.access_token
        simulator.clock.advance(minutes=5)
        simulator.add_app()
        simulator.reset()
        again = simulator.installation
        assert (again.app.client_id, again.refresh_token, again.access_token) == before
        assert simulator.clock.now_ms() == NOW_MS
        assert len(simulator.store.apps) == 1


class TestWhy:
    """Every refusal says why."""

    def why(self, simulator: Simulator, token: str) -> str:
        with pytest.raises(ApiError) as raised:
            simulator.authentication.authenticate(f"Bearer {token}", simulator.clock.now_ms())
        return raised.value.why

    def test_expired(self, simulator: Simulator) -> None:
        token = simulator.installation.access_token
        simulator.clock.advance(seconds=1830)
        assert self.why(simulator, token).endswith(
            "expired 30 s ago on the simulator's clock; no newer token was issued"
        )

    def test_expired_with_a_newer_one(self, simulator: Simulator) -> None:
        installed = simulator.installation
        token = installed.access_token
        simulator.clock.advance(seconds=1790)
        simulator.oauth.issue_access_token(simulator.store.refresh_tokens[installed.refresh_token])
        simulator.clock.advance(seconds=12)
        assert self.why(simulator, token).endswith(
            "expired 2 s ago on the simulator's clock; a newer token was issued 12 s ago"
        )

    def test_expired_and_foreign(self, simulator: Simulator) -> None:
        token = Simulator(clock=ManualClock(NOW_MS), name="another").installation.access_token
        simulator.clock.advance(hours=1)
        assert self.why(simulator, token).endswith("; it was not issued by this simulator")

    @pytest.mark.parametrize(
        ("authorization", "why"),
        [
            (None, "no Authorization header"),
            ("", "no Authorization header"),
            ("Basic abc", "the Authorization header is not 'Bearer <token>'"),
            ("Bearer ", "the Authorization header is not 'Bearer <token>'"),
            ("Bearer pat-na1-00000000", "pat-…0000 has the form of a private-app token, and none is known"),
            ("Bearer thisisatesttoken", "this…oken is not an access token: it is no protobuf message"),
        ],
    )
    def test_no_usable_credentials(self, simulator: Simulator, authorization: str | None, why: str) -> None:
        with pytest.raises(InvalidAuthentication) as raised:
            simulator.authentication.authenticate(authorization, NOW_MS)
        assert raised.value.why == why


def test_redact_leaves_no_secret_whole() -> None:
    secret = "0123456789abcdef"
    texts = [
        f"Bearer {secret}",
        f"client_secret={secret}&x=1",
        f'{{"refresh_token": "{secret}"}}',
        f"/oauth/v1/refresh-tokens/{secret}?x=1",
        f"redirect_uri=x&code={secret}",
    ]
    assert [text for text in texts if secret in redact(text)] == []
    assert redact("GET /crm/v3/objects/contacts?limit=5") == "GET /crm/v3/objects/contacts?limit=5"


class Rules(RuleBasedStateMachine):
    """Random lives of an installation, against the rules written down a second time."""

    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    access_tokens = Bundle("access_tokens")

    @initialize(ttl=st.integers(1, 5000))
    def start(self, ttl: int) -> None:
        self.ttl = ttl
        self.simulator = Simulator(Settings(token_ttl=ttl), clock=ManualClock(NOW_MS))
        self.alive: dict[str, bool] = {}

    @rule(target=codes)
    def authorize(self):
        return self.simulator.authorize(), self.simulator.clock.now_ms()

    def token(self, grant_type: str, **parameters: str):
        simulator = self.simulator
        return grants.exchange(simulator.oauth, simulator.app, {"grant_type": grant_type, **parameters})

    def exchange_code(self, code: str):
        return self.token("authorization_code", code=code, redirect_uri=self.simulator.app.redirect_uri)

    @rule(code=consumes(codes), target=refresh_tokens)
    def exchange(self, code):
        value, issued_at_ms = code
        if self.simulator.clock.now_ms() >= issued_at_ms + 600_000:
            with pytest.raises(TokenError) as raised:
                self.exchange_code(value)
            assert raised.value.name == "EXPIRED_AUTH_CODE"
            return multiple()
        issued = self.exchange_code(value)
        with pytest.raises(TokenError) as raised:
            self.exchange_code(value)
        assert raised.value.name == "BAD_AUTH_CODE"
        self.alive[issued.refresh_token] = True
        return issued.refresh_token

    @rule(refresh_token=refresh_tokens, target=access_tokens)
    def refresh(self, refresh_token):
        if not self.alive[refresh_token]:
            with pytest.raises(TokenError) as raised:
                self.token("refresh_token", refresh_token=refresh_token)
            assert raised.value.name == "BAD_REFRESH_TOKEN"
            return multiple()
        issued = self.token("refresh_token", refresh_token=refresh_token)
        assert issued.refresh_token == refresh_token
        return issued.access_token, self.simulator.clock.now_ms() + self.ttl * 1000

    @rule(token=access_tokens)
    def use(self, token):
        text, expires_at_ms = token
        now_ms = self.simulator.clock.now_ms()
        if now_ms >= expires_at_ms:
            with pytest.raises(ExpiredAuthentication):
                self.simulator.authentication.authenticate(f"Bearer {text}", now_ms)
        else:
            said = self.simulator.authentication.authenticate(f"Bearer {text}", now_ms)
            assert said.portal is self.simulator.portal

    @rule(refresh_token=refresh_tokens)
    def revoke(self, refresh_token):
        found = self.simulator.oauth.refresh_token(refresh_token)
        assert (found is not None) == self.alive[refresh_token]
        if found:
            self.simulator.oauth.revoke(found, "the test said so")
        self.alive[refresh_token] = False

    @rule()
    def uninstall(self):
        self.simulator.uninstall(self.simulator.installation)
        self.alive = dict.fromkeys(self.alive, False)

    @rule(ms=st.sampled_from([1, 999, 60_000, 599_999, 1_800_000]) | st.integers(0, 10_000_000))
    def advance(self, ms):
        self.simulator.clock.advance(milliseconds=ms)


Rules.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestRules = Rules.TestCase
