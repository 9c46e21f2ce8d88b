"""Accounts and apps, and how an app gets into an account: what HubSpot's users and app developers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..settings import Settings
from . import consent, webhooks
from .clock import OffsetClock
from .conditions import Conditions
from .connected_installation import ConnectedInstallation
from .ids import Ids
from .model import App, Portal, PrivateApp
from .oauth import OAuth
from .redaction import remember, shown
from .store import Store

_DEFAULTS = Settings()
DEFAULT_REDIRECT_URI = _DEFAULTS.redirect_uri.split()[0]
DEFAULT_SCOPES = tuple(_DEFAULTS.scopes.split())


class Accounts:
    """The part of the simulator that registers and connects. A subclass sets the attributes."""

    app: App
    """The default app."""

    portal: Portal
    """The default portal, which is a HubSpot account."""

    clock: OffsetClock
    conditions: Conditions
    ids: Ids
    oauth: OAuth
    store: Store

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
            request = consent.read_request(self.store, parameters, self.oauth.settings)
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
