"""The rules of the core, without HTTP."""

from __future__ import annotations

import hashlib
import random
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core import grants
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.errors import ApiError, ExpiredAuthentication, InvalidAuthentication, TokenError
from hubspot_simulator.core.ids import Ids
from hubspot_simulator.core.model import App, Portal, TokenResponse
from hubspot_simulator.core.redaction import redact

NOW_MS = 1_790_000_000_000


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(clock=ManualClock(NOW_MS))


class TestIds:
    def test_c1_correlation_ids_do_not_lead_to_the_seed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Anybody can collect them, and this generator's state, with what it was seeded with, can be read off many."""
        seeds: list[str] = []

        class Seen(random.Random):
            def seed(self, a: object = None, version: int = 2) -> None:
                seeds.append(str(a))
                super().seed(a, version)

        monkeypatch.setattr("hubspot_simulator.core.ids.random.Random", Seen)
        ids = Ids("5d41402abc4b2a76", "")
        ids.correlation_id(0)
        assert seeds
        assert "5d41402abc4b2a76" not in "".join(seeds)
        assert Ids("5d41402abc4b2a77", "").correlation_id(0) != Ids("5d41402abc4b2a76", "").correlation_id(0)

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
        assert self.why(simulator, token).partition(":")[0].endswith("; it was not issued by this simulator")

    @pytest.mark.parametrize(
        ("authorization", "why"),
        [
            (None, "no Authorization header"),
            ("", "no Authorization header"),
            ("Basic abc", "the Authorization header is not 'Bearer <token>'"),
            ("Bearer ", "the Authorization header is not 'Bearer <token>'"),
            (
                "Bearer pat-na1-00000000",
                "pat-…0000 has the form of a private-app token, and is not one of this simulator",
            ),
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


@dataclass(eq=False)
class Connection:
    """An app in a portal, as the model sees it. ``refresh_tokens`` are alive."""

    app: App
    portal: Portal
    refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: list[Access] = field(default_factory=list)
    installed: bool = False


@dataclass(eq=False)
class Code:
    value: str
    connection: Connection
    expires_at_ms: int
    scopes: tuple[str, ...]
    verifier: str | None
    used: bool = False


@dataclass(eq=False)
class Refresh:
    value: str
    connection: Connection
    scopes: tuple[str, ...]


@dataclass(eq=False)
class Access:
    text: str
    connection: Connection
    expires_at_ms: int
    scopes: tuple[str, ...]
    outlived_its_app: bool = False


class Rules(RuleBasedStateMachine):
    """Random lives of two apps in two portals, against the rules written down a second time."""

    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    access_tokens = Bundle("access_tokens")
    which = st.integers(0, 3)
    mostly = st.sampled_from([True, True, True, False])

    @initialize(
        ttl=st.integers(1, 5000),
        code_ttl=st.sampled_from([1, 600]),
        rotation=st.booleans(),
        after_uninstall=st.sampled_from(["alive", "dead"]),
        length=st.sampled_from([0, 512]),
    )
    def start(self, ttl: int, code_ttl: int, rotation: bool, after_uninstall: str, length: int) -> None:
        self.settings = Settings(
            token_ttl=ttl,
            code_ttl=code_ttl,
            refresh_rotation=rotation,
            after_uninstall=after_uninstall,
            token_length=length,
        )
        self.simulator = Simulator(self.settings, clock=ManualClock(NOW_MS))
        poor = self.simulator.add_portal(hublet="eu1", scopes=["oauth", "tickets"])
        apps = [
            self.simulator.add_app(scopes=["oauth", *more], optional_scopes=["files"]) for more in ([], ["tickets"])
        ]
        portals = [self.simulator.portal, poor]
        self.connections = [Connection(app, portal) for app in apps for portal in portals]
        self.deleted: set[int] = set()

    @property
    def now_ms(self) -> int:
        return self.simulator.clock.now_ms()

    def granted(self, connection: Connection, optional: bool) -> tuple[Any, ...]:
        has_files = connection.portal is self.simulator.portal
        return connection.app.scopes + (("files",) if optional and has_files else ())

    def ask(self, app: App, grant_type: str, **parameters: Any) -> TokenResponse | None:
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return grants.exchange(self.simulator.oauth, app, {"grant_type": grant_type, **parameters})

    def refused(self, name: str, *arguments: Any, **parameters: Any) -> MultipleResults:
        with pytest.raises(TokenError) as raised:
            self.ask(*arguments, **parameters)
        assert raised.value.name == name
        return multiple()

    def given(self, issued: TokenResponse, connection: Connection, scopes: tuple[Any, ...]) -> tuple[Refresh, Access]:
        """Note what the token endpoint gave."""
        assert (issued.hub_id, issued.scopes) == (connection.portal.hub_id, scopes)
        connection.refresh_tokens.add(issued.refresh_token)
        connection.installed = True
        access = Access(issued.access_token, connection, self.now_ms + self.settings.token_ttl * 1000, scopes)
        connection.access_tokens.append(access)
        return Refresh(issued.refresh_token, connection, scopes), access

    @rule(target=codes, which=which, optional=st.booleans(), verifier=st.none() | st.sampled_from(["a", "b"]))
    def authorize(self, which: int, optional: bool, verifier: str | None) -> Code | MultipleResults:
        connection = self.connections[which]
        if connection.portal.hub_id in self.deleted:
            with pytest.raises(ValueError, match="was deleted"):
                self.simulator.authorize(connection.app, connection.portal)
            return multiple()
        code = self.simulator.authorize(
            connection.app,
            connection.portal,
            optional_scopes=["files"] if optional else [],
            code_challenge=verifier and _challenge(verifier),
        )
        scopes = self.granted(connection, optional)
        return Code(code, connection, self.now_ms + self.settings.code_ttl * 1000, scopes, verifier)

    @rule(code=codes, own_app=mostly, own_uri=mostly, verifier=st.none() | st.sampled_from(["a", "b"]))
    def exchange_wrongly(self, code: Code, own_app: bool, own_uri: bool, verifier: str | None) -> None:
        """Whatever is wrong is told, the first of it, and the code is as good as before."""
        app = code.connection.app if own_app else self.other(code.connection)
        wrong = [
            ("BAD_AUTH_CODE", code.used or not own_app),
            ("EXPIRED_AUTH_CODE", self.now_ms >= code.expires_at_ms),
            ("MISMATCH_REDIRECT_URI_AUTH_CODE", not own_uri),
            ("BAD_CODE_VERIFIER", code.verifier is not None and verifier != code.verifier),
            ("BAD_HUB", code.connection.portal.hub_id in self.deleted),
        ]
        names = [name for name, is_so in wrong if is_so]
        if names:
            uri = app.redirect_uri if own_uri else "https://elsewhere.example.com"
            parameters = {"code": code.value, "redirect_uri": uri, "code_verifier": verifier}
            self.refused(names[0], app, "authorization_code", **parameters)

    @rule(target=refresh_tokens, code=codes)
    def exchange(self, code: Code) -> MultipleResults | Refresh:
        connection = code.connection
        alive = not code.used and self.now_ms < code.expires_at_ms and connection.portal.hub_id not in self.deleted
        if not alive:
            return multiple()
        parameters = {"code": code.value, "redirect_uri": connection.app.redirect_uri, "code_verifier": code.verifier}
        issued = self.ask(connection.app, "authorization_code", **parameters)
        code.used = True
        return self.given(issued, connection, code.scopes)[0]

    @rule(target=refresh_tokens, which=which)
    def install(self, which: int) -> Refresh:
        connection = self.connections[which]
        installed = self.simulator.install(connection.app, connection.portal)
        connection.refresh_tokens.add(installed.refresh_token)
        connection.installed = True
        return Refresh(installed.refresh_token, connection, connection.app.all_scopes)

    def other(self, connection: Connection) -> App:
        return next(one.app for one in self.connections if one.app is not connection.app)

    def refresh_refusal(self, token: Refresh, app: App) -> str | None:
        if token.value not in token.connection.refresh_tokens:
            return "BAD_REFRESH_TOKEN"
        if app is not token.connection.app:
            return "MISMATCH_REFRESH_TOKEN_CLIENT"
        return "BAD_HUB" if token.connection.portal.hub_id in self.deleted else None

    @rule(target=refresh_tokens, token=refresh_tokens)
    def rotate(self, token: Refresh) -> MultipleResults | Refresh:
        return self.refreshed(token)[0] or multiple()

    @rule(target=access_tokens, token=refresh_tokens)
    def refresh(self, token: Refresh) -> Access | MultipleResults:
        return self.refreshed(token)[1] or multiple()

    def refreshed(self, token: Refresh) -> tuple[Any, ...]:
        connection = token.connection
        if name := self.refresh_refusal(token, connection.app):
            self.refused(name, connection.app, "refresh_token", refresh_token=token.value)
            return None, None
        issued = self.ask(connection.app, "refresh_token", refresh_token=token.value)
        assert (issued.refresh_token != token.value) == self.settings.refresh_rotation
        if self.settings.refresh_rotation:
            connection.refresh_tokens.remove(token.value)
        return self.given(issued, connection, token.scopes)

    @rule(token=refresh_tokens)
    def refresh_with_another_app(self, token: Refresh) -> None:
        app = self.other(token.connection)
        self.refused(self.refresh_refusal(token, app), app, "refresh_token", refresh_token=token.value)

    @rule(token=access_tokens)
    def use(self, token: Access) -> None:
        header = f"Bearer {token.text}"
        dead = token.outlived_its_app and self.settings.after_uninstall == "dead"
        authenticate = self.simulator.authentication.authenticate
        if self.now_ms >= token.expires_at_ms:
            with pytest.raises(ExpiredAuthentication):
                authenticate(header, self.now_ms)
        elif dead or token.connection.portal.hub_id in self.deleted:
            with pytest.raises(InvalidAuthentication):
                authenticate(header, self.now_ms)
        else:
            caller = authenticate(header, self.now_ms)
            connection = token.connection
            assert (caller.app_id, caller.portal) == (connection.app.app_id, connection.portal)
            assert caller.scopes == token.scopes

    @rule(token=refresh_tokens)
    def revoke(self, token: Refresh) -> None:
        found = self.simulator.oauth.refresh_token(token.value)
        assert (found is not None) == (token.value in token.connection.refresh_tokens)
        if found:
            self.simulator.oauth.revoke(found, "the test said so")
        token.connection.refresh_tokens.discard(token.value)

    @rule(token=refresh_tokens)
    def uninstall(self, token: Refresh) -> None:
        connection = token.connection
        found = self.simulator.store.installations[connection.app.app_id, connection.portal.hub_id]
        self.simulator.oauth.uninstall(found)
        connection.refresh_tokens.clear()
        connection.installed = False
        for access in connection.access_tokens:
            access.outlived_its_app = True

    @rule(really=st.sampled_from([False, False, False, True]))
    def delete_the_second_portal(self, really: bool) -> None:
        if really:
            portal = self.connections[1].portal
            self.simulator.delete_portal(portal)
            self.deleted.add(portal.hub_id)

    @rule(ms=st.sampled_from([1, 999, 60_000, 599_999, 1_800_000]) | st.integers(0, 10_000_000))
    def advance(self, ms: int) -> None:
        self.simulator.clock.advance(milliseconds=ms)

    @invariant()
    def every_refresh_token_is_known_as_the_model_has_it(self) -> None:
        alive = {value for connection in self.connections for value in connection.refresh_tokens}
        store = self.simulator.store
        assert {token.value for token in store.refresh_tokens.values() if not token.revoked_because} == alive

    @invariant()
    def every_app_is_where_the_model_has_it(self) -> None:
        installed = {(one.app.app_id, one.portal.hub_id) for one in self.connections if one.installed}
        assert {key for key, found in self.simulator.store.installations.items() if found.active} == installed


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


Rules.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRules = Rules.TestCase
