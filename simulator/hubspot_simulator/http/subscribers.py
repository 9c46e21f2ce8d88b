"""Who is told of each exchange."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..core.exchange import Exchange

Listener = Callable[[Exchange], object]


class Subscribers:
    """The listeners of an application, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[_Subscription, ...] = ()  # replaced, never changed: others may be iterating

    def add(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with each exchange from now on. Return what ends that; to call it again is harmless.

        A listener that is added twice is called twice.
        """
        subscription = _Subscription(listener)
        with self._lock:
            self._subscriptions += (subscription,)

        def unsubscribe() -> None:
            subscription.active = False
            with self._lock:
                self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)

        return unsubscribe

    def tell(self, exchange: Exchange) -> None:
        """Call each listener. Raises what one raises; those after it are not called then."""
        for subscription in self._subscriptions:
            if subscription.active:  # it may have ended while another was called
                subscription.listener(exchange)


class _Subscription:
    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.active = True
