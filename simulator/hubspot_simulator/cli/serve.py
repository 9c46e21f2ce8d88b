"""``hubspot-simulator serve``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import suppress

from ..core.clock import Clock, ManualClock, SystemClock
from ..core.exchange import Exchange
from ..core.simulator import Simulator
from ..core.words import plural
from ..server import SimulatorServer
from ..settings import Settings

CLOCKS = ("ticking", "standing")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two where there are such


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until a signal ends it. Returns 0; raises ServerStartError when it cannot bind."""
    stop = threading.Event()
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    clock: Clock = SystemClock() if options.clock == "ticking" else ManualClock()
    simulator = Simulator(settings, clock=clock)
    server = SimulatorServer(simulator)
    server.app.on_exchange = _log
    with server:
        _say(_banner(server))
        while not stop.wait(1):  # without a timeout, Windows would not see Ctrl-C
            pass
    _say(f"stopped after {plural(simulator.store.exchange_count, 'request')}")
    return 0


def _log(exchange: Exchange) -> None:
    _say(str(exchange))


def _say(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except (OSError, ValueError):  # the terminal is gone; what is left unflushed would fail again at the exit
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _banner(server: SimulatorServer) -> str:
    installed = server.simulator.installation
    url = server.url
    return f"""\
HubSpot simulator at {url} (Ctrl-C ends it)

  client id      {installed.app.client_id}
  client secret  {installed.app.client_secret}
  redirect URI   {installed.app.redirect_uri}
  refresh token  {installed.refresh_token}
  access token   {installed.access_token}
                 good for {installed.expires_in} s

Call it:
  curl -H "Authorization: Bearer {installed.access_token}" {url}/crm/v3/objects/contacts
Let 31 minutes pass:
  curl -d "{{\\"minutes\\": 31}}" {url}/_simulator/clock/advance
Refresh:
  curl -d grant_type=refresh_token -d client_id={installed.app.client_id} \
-d client_secret={installed.app.client_secret} -d refresh_token={installed.refresh_token} {url}/oauth/v1/token
"""
