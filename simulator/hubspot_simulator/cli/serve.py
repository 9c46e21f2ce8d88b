"""``hubspot-simulator serve``: serve the simulator until a signal arrives."""

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
from . import banner
from .output import Output

CLOCKS = ("ticking", "standing")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # SIGHUP is missing on Windows, SIGBREAK elsewhere


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve until a signal arrives, then return 0. Raises ServerStartError if it cannot bind."""
    stop = threading.Event()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
            signal.signal(number, lambda *_: stop.set())
    random_seed = "random_seed" not in options.explicit
    if random_seed:  # with a fixed seed, every server would have the same credentials, and web pages could know them
        settings = replace(settings, random_seed=token_hex(8))
    clock: Clock = SystemClock() if options.clock == "ticking" else ManualClock()
    simulator = Simulator(settings, clock=clock)
    server = SimulatorServer(simulator)
    output = Output(sys.stdout)
    server.app.subscribe(lambda exchange: output.say(str(exchange)))
    server.app.senders = Senders(processes=False)  # behind a reverse proxy, many programs would look like one
    with server:
        output.say(_banner(server, random_seed))
        while not stop.wait(1):  # without a timeout, Ctrl-C would not interrupt it on Windows
            pass
    output.say(f"stopped after {plural(simulator.store.exchange_count, 'request')}")
    output.close()
    return 0


def _banner(server: SimulatorServer, random_seed: bool) -> str:
    installation = server.simulator.installation
    url = server.url
    uris = f"\n{' ' * 17}".join(installation.app.redirect_uris)
    return f"""\
HubSpot simulator at {url} (stop it with Ctrl-C)

{banner.network_warning(server.host)}\
  client id      {installation.app.client_id}
  client secret  {installation.app.client_secret}
  redirect URI   {uris}
  refresh token  {installation.refresh_token}
  access token   {installation.access_token}
                 expires in {installation.expires_in} s
{banner.seed_hint(server.simulator.settings.random_seed, random_seed)}
Call the API:
  curl -H "Authorization: Bearer {installation.access_token}" {url}/crm/v3/objects/contacts
Move its clock by 31 minutes:
  curl -d "{{\\"minutes\\": 31}}" {url}/_simulator/clock/advance
Refresh:
  curl -d grant_type=refresh_token -d client_id={installation.app.client_id} \
-d client_secret={installation.app.client_secret} -d refresh_token={installation.refresh_token} {url}/oauth/v1/token
"""
