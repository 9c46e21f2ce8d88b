"""The simulator: everything behind the HTTP layer, in one object."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .core import consent, webhooks
from .core.authentication import Authentication
from .core.clock import Clock, OffsetClock, SystemClock, iso_instant
from .core.conditions import Conditions
from .core.connected_installation import ConnectedInstallation
from .core.crm.objects import Objects
from .core.earlier_tests import EarlierTests
from .core.ids import Ids
from .core.injection import Injected
from .core.journal import Journal
from .core.limits import RateLimits
from .core.model import App, Portal, PrivateApp
from .core.oauth import OAuth
from .core.redaction import remember, shown
from .core.store import Store
from .lab.faults import Faults
from .settings import Settings

if TYPE_CHECKING:
    from .lab.audit import Finding
    from .lab.reproduce import Reproduction

_DRAWN_SEED = 16  # characters; a shorter one was written by hand, so that ids are the same every time
_DEFAULTS = Settings()
DEFAULT_REDIRECT_URI = _DEFAULTS.redirect_uri.split()[0]
DEFAULT_SCOPES = tuple(_DEFAULTS.scopes.split())


class Simulator:
    """A fake HubSpot, without its HTTP layer.

    ``settings`` are the defaults without them. ``clock`` tells the time (the machine's without it); the simulator
    puts an offset on top, so that ``simulator.clock.advance(minutes=31)`` works on any. ``name`` makes ids and
    tokens differ from those of a simulator with another name and the same random seed.
    """

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None, name: str = "") -> None:
        self.settings = settings or Settings()
        self.clock = clock if isinstance(clock, OffsetClock) else OffsetClock(clock or SystemClock())
        if len(self.settings.random_seed) >= _DRAWN_SEED:  # it makes every credential
            remember(self.settings.random_seed)
        self.name = name
        self.earlier_tests: EarlierTests | None = None
        """The tests before this one, where there are such: a call with a token of theirs is none of this one."""
        self.clock.before_move(self._before_move)
        self._start()

    def _start(self) -> None:
        self.clock.longest_life_ms = 1000 * max(self.settings.token_ttl, self.settings.code_ttl)
        self.store = Store()
        self.ids = Ids(self.settings.random_seed, self.name)
        self.journal = Journal(self.store)
        self.oauth = OAuth(self.store, self.clock, self.ids, self.settings)
        self.authentication = Authentication(self.store, self.ids, self.settings)
        self.conditions = Conditions(self.store)
        self.limits = RateLimits(self.store, self.ids, self.settings)
        self.objects = Objects(self.store, self.clock, self.ids)
        self.faults = Faults(self.store, self.clock, self.ids, self.limits, self.move_time)
        self.portal = self.add_portal()
        self.app = self._add_default_app()
        self._installation: ConnectedInstallation | None = None
        self._first_move_ms: int | None = None

    def _before_move(self) -> None:
        """Issue what nobody has read: a token that is read after time moved is as old as one read before."""
        if self._first_move_ms is None:
            self._first_move_ms = self.clock.now_ms()
        self.oauth.issue_unread()

    def __repr__(self) -> str:
        where = f"portal {self.portal.hub_id}, app {self.app.app_id}"
        return f"<{type(self).__name__}: {where}, {self.journal.said()}, now {iso_instant(self.clock.now_ms())}>"

    def _add_default_app(self) -> App:
        settings = self.settings
        return self.add_app(
            client_id=settings.client_id or None,
            client_secret=settings.client_secret or None,
            redirect_uris=settings.redirect_uri.split(),
            scopes=settings.scopes.split(),
            optional_scopes=settings.optional_scopes.split(),
        )

    def reset(self) -> None:
        """Forget everything and put the clock back. The same ids and secrets are given out again."""
        self.clock.reset()
        self._start()

    @property
    def clocks(self) -> str:
        """What ``move_time`` moves, in words."""
        return "HubSpot's clock"

    def move_time(self, delta: timedelta) -> str:
        """Let time pass for HubSpot, and for whoever calls it if that is possible; return ``clocks``."""
        self.clock.advance(delta)
        return self.clocks

    def inject(
        self,
        name: str,
        *,
        method: str | None = None,
        path: str | None = None,
        nth: int | None = None,
        times: int | None = 1,
        probability: float | None = None,
        **options: Any,
    ) -> Injected:
        """Have something go wrong with calls to come (docs/faults.md lists the names and their options).

        It hits authenticated calls, those of the token endpoint if it is about these, or those of a ``path``: literal,
        a route template, or with ``*``. ``nth`` is the first of them that it hits, from 1; ``times`` how many, None
        for all from there on; ``probability`` how likely each, by the random seed. Raises ValueError for a name, an
        option or a matcher that does not exist, and for calls that are not served.
        """
        return self.faults.inject(
            name, method=method, path=path, nth=nth, times=times, probability=probability, **options
        )

    def reproduce(self, text: str, *, at: int = 1) -> Reproduction:
        """Set up the state behind a refusal, from the line of a log, its body or its message (docs/incident.md).

        It is met at call ``at``, from 1: of the authenticated calls, or of those of the token endpoint if it is about
        these. Raises ValueError for a text that is about no known refusal, and names the nearest.
        """
        from .lab.reproduce import reproduce  # start-up cost: few need it

        return reproduce(self, text, at)

    def audit(self) -> list[Finding]:
        """Return the mistakes with tokens that the journal proves (docs/findings.md)."""
        from .lab.audit import audit  # start-up cost: most tests pass

        return audit([exchange for exchange in self.journal.exchanges if not exchange.stranger])

    def audit_failures(self) -> list[Finding]:
        """Return the findings that are grave enough for the setting ``fail_on``."""
        order = ("error", "warning", "info")
        if self.settings.fail_on == "off":
            return []
        grave = order[: order.index(self.settings.fail_on) + 1]
        return [finding for finding in self.audit() if finding.severity in grave]

    def knows(self, token: str) -> bool:
        """Tell whether a token, a refresh token or a code is one that this simulator has issued."""
        if token in self.store.refresh_tokens or token in self.store.codes or token in self.store.private_apps:
            return True
        return self.authentication.is_ours(token)

    @property
    def installation(self) -> ConnectedInstallation:
        """The default app, installed in the default portal; installed when first asked for.

        Its access token is one from before time was first moved, whenever that is.
        """
        with self.store.lock:
            if self._installation is None:
                installed = self.install()
                if self._first_move_ms is not None:
                    installed.issue(self._first_move_ms)
                self._installation = installed
            return self._installation

    def add_portal(
        self,
        hub_id: int | None = None,
        *,
        hub_domain: str | None = None,
        hublet: str = "na1",
        scopes: Sequence[str] | None = None,
        user_scopes: Sequence[str] | None = None,
        developer: bool = False,
    ) -> Portal:
        """Add a portal and return it; its parameters are those of ``Portal``.

        Raises ValueError when there is one with that ``hub_id``.
        """
        if hub_id is None:
            hub_id = self.ids.number(8)
        if hub_id in self.store.portals:
            raise ValueError(f"there is a portal with hub_id {hub_id} already: leave hub_id out for a new one")
        portal = Portal(
            hub_id=hub_id,
            hub_domain=hub_domain or f"portal-{hub_id}.example.com",
            hublet=hublet,
            scopes=None if scopes is None else tuple(scopes),
            user_scopes=None if user_scopes is None else tuple(user_scopes),
            developer=developer,
        )
        self.store.add_portal(portal)
        return portal

    def delete_portal(self, portal: Portal | None = None) -> None:
        """Delete a portal: refreshing fails with BAD_HUB, calls with INVALID_AUTHENTICATION."""
        self.store.deleted_hub_ids.add((portal or self.portal).hub_id)

    def migrate_portal(self, portal: Portal | None = None, *, seconds: float = 86_400) -> None:
        """Answer 477 with Retry-After to a portal's calls for that long, as while HubSpot moves its data."""
        self.conditions.migrate_portal(portal or self.portal, self.clock.now_ms() + int(seconds * 1000))

    def lock_portal(self, portal: Portal | None = None, *, seconds: float = 2) -> None:
        """Answer 423 to a portal's calls for that long."""
        self.conditions.lock_portal(portal or self.portal, self.clock.now_ms() + int(seconds * 1000))

    def wrong_region(self, portal: Portal | None = None, *, correct_hublet: str = "eu1") -> None:
        """Answer 488 to a portal's calls, as when they reach the wrong region; ``end_condition`` ends it."""
        self.conditions.wrong_region(portal or self.portal, correct_hublet)

    def end_condition(self, portal: Portal | None = None) -> None:
        """End a migration, a lock or a wrong route."""
        self.conditions.end_condition(portal or self.portal)

    def add_private_app(self, portal: Portal | None = None, *, scopes: Sequence[str] = DEFAULT_SCOPES) -> PrivateApp:
        """Create a private app in a portal and return it; its ``access_token`` does not expire."""
        portal = portal or self.portal
        app = PrivateApp(
            app_id=self.ids.number(7),
            portal=portal,
            scopes=tuple(scopes),
            user_id=self.ids.number(8),
            access_token=f"pat-{self.ids.hublet_uuid(portal.hublet)}",
        )
        remember(app.access_token)
        self.store.private_apps[app.access_token] = app
        return app

    def add_app(
        self,
        *,
        name: str = "Test app",
        client_id: str | None = None,
        client_secret: str | None = None,
        redirect_uris: Sequence[str] = (DEFAULT_REDIRECT_URI,),
        scopes: Sequence[str] = DEFAULT_SCOPES,
        optional_scopes: Sequence[str] = (),
    ) -> App:
        """Register an app and return it. Raises ValueError for a taken client id or no redirect URI."""
        if isinstance(redirect_uris, str) or not redirect_uris:
            raise ValueError(f"redirect_uris={redirect_uris!r}: expected a list of one or more redirect URIs")
        app = App(
            app_id=self.ids.number(7),
            name=name,
            client_id=client_id or self.ids.uuid(),
            client_secret=client_secret or self.ids.uuid(),
            redirect_uris=tuple(redirect_uris),
            scopes=tuple(scopes),
            optional_scopes=tuple(optional_scopes),
        )
        if app.client_id in self.store.apps_by_client_id:
            raise ValueError(f"there is an app with client_id {app.client_id!r} already")
        remember(app.client_secret)
        self.store.add_app(app)
        return app

    def install(
        self, app: App | None = None, portal: Portal | None = None, *, scopes: Sequence[str] | None = None
    ) -> ConnectedInstallation:
        """Install an app in a portal (the default ones without them) and return what that gave.

        ``scopes`` are those granted, all of the app's without them. Raises ValueError for a scope that the app
        does not ask for.
        """
        app = app or self.app
        unknown = [scope for scope in scopes or () if scope not in app.all_scopes]
        if unknown:
            raise ValueError(
                f"scopes {unknown} are not among those of the app ({', '.join(app.all_scopes)}): "
                "register an app that has them with add_app(scopes=[...])"
            )
        grant = self.oauth.grant(app, portal or self.portal, None if scopes is None else tuple(scopes))
        return ConnectedInstallation(self.oauth, grant, self.oauth.issue_refresh_token(grant))

    def authorize(
        self,
        app: App | None = None,
        portal: Portal | None = None,
        *,
        redirect_uri: str | None = None,
        scopes: Sequence[str] | None = None,
        optional_scopes: Sequence[str] = (),
        code_challenge: str | None = None,
    ) -> str:
        """Consent as a user would on HubSpot's page, and return the authorization code.

        Without parameters the default app asks for all its required scopes in the default portal, and wants to be
        sent to its first redirect URI. ``code_challenge`` is that of PKCE, S256. Raises ValueError with the text of
        HubSpot's page when it would refuse.
        """
        app, portal = app or self.app, portal or self.portal
        if portal.hub_id in self.store.deleted_hub_ids:
            raise ValueError(f"portal {portal.hub_id} was deleted: nobody can consent for it")
        parameters = {
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri if redirect_uri is None else redirect_uri,
            "scope": " ".join(app.scopes if scopes is None else scopes),
            "optional_scope": " ".join(optional_scopes),
        }
        if code_challenge:
            parameters |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
        try:
            request = consent.read_request(self.store, parameters, self.settings)
            granted = consent.scopes_for(request, portal)
        except consent.AuthorizationRefused as refusal:
            raise ValueError(f"{refusal.message} ({shown(refusal.why)})") from None
        return self.approve(request, portal, granted)

    def approve(self, request: consent.AuthorizationRequest, portal: Portal, scopes: tuple[str, ...]) -> str:
        """Return the authorization code of a consent."""
        grant = self.oauth.grant(request.app, portal, scopes)
        return self.oauth.issue_code(grant, request.redirect_uri, request.code_challenge).value

    def webhook_event(
        self, subscription_type: str = "contact.creation", object_id: int = 123, **members: Any
    ) -> dict[str, Any]:
        """Return an event of the default app in the default portal, which happens now.

        ``members``, named as on the wire, replace what is there or are added: ``propertyName="email"``.
        """
        now_ms = self.clock.now_ms()
        return webhooks.event(self.app.app_id, self.portal.hub_id, now_ms, subscription_type, object_id, **members)

    def sign_webhook(
        self, url: str, events: webhooks.Event | Sequence[webhooks.Event], *, app: App | None = None
    ) -> webhooks.SignedRequest:
        """Return the request that would carry one event or up to 100 to a URL, signed now.

        It is signed with the secret of ``app``, the default one without it. Hold it, let time pass, post it to your
        app's test client. Raises ValueError for what HubSpot cannot send.
        """
        return webhooks.sign_events((app or self.app).client_secret, url, events, self.clock.now_ms())

    def uninstall(self, installed: ConnectedInstallation | None = None) -> None:
        """Uninstall an app from a portal: refreshing fails from now on, access tokens live until they expire."""
        self.oauth.uninstall((installed or self.installation).installation)
