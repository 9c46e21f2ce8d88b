"""``hubspot-simulator serve``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import replace
from secrets import token_hex

from ..core.clock import Clock, ManualClock, SystemClock
from ..core.words import plural
from ..senders import Senders
from ..serving.server import SimulatorServer
from ..settings import Settings
from ..simulator import Simulator
from . import reach
from .output import Output

CLOCKS = ("ticking", "standing")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two where there are such


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until a signal ends it. Returns 0; raises ServerStartError when it cannot bind."""
    stop = threading.Event()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
            signal.signal(number, lambda *_: stop.set())
    drawn = "random_seed" not in options.told
    if drawn:  # else all who serve would have the same credentials, and any web page would know them
        settings = replace(settings, random_seed=token_hex(8))
    clock: Clock = SystemClock() if options.clock == "ticking" else ManualClock()
    simulator = Simulator(settings, clock=clock)
    server = SimulatorServer(simulator)
    output = Output(sys.stdout)
    server.app.subscribe(lambda exchange: output.say(str(exchange)))
    server.app.senders = Senders(processes=False)  # behind a relay many programs would look like one
    with server:
        output.say(_banner(server, drawn))
        while not stop.wait(1):  # without a timeout, Windows would not see Ctrl-C
            pass
    output.say(f"stopped after {plural(simulator.store.exchange_count, 'request')}")
    output.close()
    return 0


def _banner(server: SimulatorServer, drawn: bool) -> str:
    installed = server.simulator.installation
    url = server.url
    uris = f"\n{' ' * 17}".join(installed.app.redirect_uris)
    return f"""\
HubSpot simulator at {url} (Ctrl-C ends it)

{reach.warning(server.host)}\
  client id      {installed.app.client_id}
  client secret  {installed.app.client_secret}
  redirect URI   {uris}
  refresh token  {installed.refresh_token}
  access token   {installed.access_token}
                 good for {installed.expires_in} s
{reach.lasting(server.simulator.settings.random_seed, drawn)}
Call it:
  curl -H "Authorization: Bearer {installed.access_token}" {url}/crm/v3/objects/contacts
Let 31 minutes pass:
  curl -d "{{\\"minutes\\": 31}}" {url}/_simulator/clock/advance
Refresh:
  curl -d grant_type=refresh_token -d client_id={installed.app.client_id} \
-d client_secret={installed.app.client_secret} -d refresh_token={installed.refresh_token} {url}/oauth/v1/token
"""
