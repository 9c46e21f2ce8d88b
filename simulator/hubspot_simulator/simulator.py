"""The simulator: everything behind the HTTP layer, in one object."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .core.accounts import Accounts
from .core.authentication import Authentication
from .core.clock import Clock, OffsetClock, SystemClock
from .core.conditions import Conditions
from .core.connected_installation import ConnectedInstallation
from .core.crm.objects import Objects
from .core.earlier_tests import EarlierTests
from .core.ids import Ids
from .core.instants import iso_instant
from .core.journal import Journal
from .core.limits import RateLimits
from .core.model import App
from .core.oauth import OAuth
from .core.redaction import remember
from .core.store import Store
from .lab.faults import Faults
from .lab.faults.injection import InjectedFault
from .settings import Settings

if TYPE_CHECKING:
    from .lab.audit import Finding
    from .lab.reproduce import Reproduction

_DRAWN_SEED = 16  # characters; a shorter one was written by hand, so that ids are the same every time


class Simulator(Accounts):
    """A fake HubSpot, without its HTTP layer.

    ``settings`` are the defaults without them. ``clock`` tells the time (the machine's without it); the simulator
    puts an offset on top, so that ``simulator.clock.advance(minutes=31)`` works on any. ``name`` makes ids and
    tokens differ from those of a simulator with another name and the same random seed.
    """

    journal: Journal
    """Every exchange, oldest first."""

    clock: OffsetClock
    """The simulator's time: ``simulator.clock.advance(minutes=31)`` moves it."""

    _settings_remedy = "pass them to a new one: Simulator(settings)"

    def __init__(self, settings: Settings | None = None, *, clock: Clock | None = None, name: str = "") -> None:
        self._settings = settings or Settings()
        self.clock = clock if isinstance(clock, OffsetClock) else OffsetClock(clock or SystemClock())
        if len(self.settings.random_seed) >= _DRAWN_SEED:  # it makes every credential
            remember(self.settings.random_seed)
        self.name = name
        self.earlier_tests: EarlierTests | None = None
        """The tests before this one, where there are such: a call with a token of theirs is none of this one."""
        self.clock.before_move(self._before_move)
        self._start()

    @property
    def settings(self) -> Settings:
        """The settings it was built with. They are read-only: tokens, limits and the default app came from them."""
        return self._settings

    if not TYPE_CHECKING:  # to type checkers it is read-only; at run time the error says what to do instead

        @settings.setter
        def settings(self, settings: object) -> None:
            raise AttributeError(
                f"settings={settings!r}: the settings of a simulator are read-only, since its app, tokens and limits "
                f"were built from them; {self._settings_remedy}"
            )

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
    ) -> InjectedFault:
        """Have something go wrong with calls to come (``hubspot-simulator explain faults`` lists names and options).

        It hits authenticated calls, those of the token endpoint if it is about these, or those of a ``path``: literal,
        a route template, or with ``*``. ``nth`` is the first of them that it hits, from 1; ``times`` how many, None
        for all from there on; ``probability`` how likely each, by the random seed. Raises ValueError for a name, an
        option or a matcher that does not exist, and for calls that are not served.
        """
        return self.faults.inject(
            name, method=method, path=path, nth=nth, times=times, probability=probability, **options
        )

    def reproduce(self, text: str, *, at: int = 1) -> Reproduction:
        """Set up the state behind an error, given a log line, its body or its message (docs/incident.md).

        Call ``at``, from 1, gets the error: the authenticated calls count, or, for an error of the token endpoint, the
        calls to that endpoint. Raises ValueError if the text holds no known error, and names the nearest.
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

    def uninstall(self, installed: ConnectedInstallation | None = None) -> None:
        """Uninstall an app from a portal: refreshing fails from now on, access tokens live until they expire."""
        self.oauth.uninstall((installed or self.installation).installation)
